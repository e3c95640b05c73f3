package facts

import (
	"math"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// A way of accessing memory.
type way uint8

const (
	reading way = 1 << iota
	writing
	atomic = reading | writing
)

// Limits of kernel/bpf/verifier.c.
const (
	maxOffset = 1 << 29 // BPF_MAX_VAR_OFF, of pointers
	maxSize   = 1 << 29 // BPF_MAX_VAR_SIZ, of what helpers get
)

// access checks that v may reach size bytes (0: not known how many, or none)
// at off behind p's object. to is the helper that does it.
func (a *analysis) access(v *ir.Value, p *Val, off, size int64, how way, to string) {
	x := Finding{To: to, Space: p.Space, Write: how&writing != 0}
	switch {
	case p.Class == Stale:
		x.Kind = StalePointer
		if x = a.origin(x, p.Why); !p.Space.IsPacket() {
			x.Kind = UseAfterRelease
		}
		a.report(v, x, p)
		return
	case a.object(p, off, size) != nil:
		x.Kind, x.Object = ObjectAccess, a.object(p, off, size).Name
		a.report(v, x, p)
		return
	case p.Class == Number && p.Trust == Sure: // null, perhaps moved
		x.Kind, x.Null, x.Space = NullDereference, true, ir.PtrAny
		a.report(v, x, p)
		return
	case p.Class != Pointer:
		return
	case p.Null != NotNull:
		x.Kind, x.Null = NullDereference, p.Null == IsNull
		a.report(v, a.origin(x, p.Obj), p)
		a.settle(p)
		return
	case p.Trust == Doubtful:
		return
	}
	if m := a.mapNamed(p.Map); m != nil {
		if how&writing != 0 && m.ReadOnly || how&reading != 0 && m.WriteOnly {
			x.Kind, x.Write = MapDirection, how&writing != 0 && m.ReadOnly
			x.By = m.Name
			a.report(v, x, p)
			return
		}
	}
	if to == "" && a.alignment(v, p, off, size, how, x) {
		return
	}
	switch p.Space {
	case ir.PtrPacket, ir.PtrMeta:
		a.packetAccess(v, p, off, size, how, x)
	case ir.PtrStack:
		a.memory(v, p, off, size, StackBounds, x)
	case ir.PtrValue, ir.PtrRecord, ir.PtrMem:
		if p.Size > 0 {
			a.memory(v, p, off, size, MemoryBounds, x)
		}
	}
}

// alignment reports whether v is refused for where its memory begins: on the
// stack, and where it is atomic.
func (a *analysis) alignment(v *ir.Value, p *Val, off, size int64, how way, x Finding) bool {
	at := off
	switch {
	case p.Space == ir.PtrStack:
		at += a.frame[p.Obj]
	case how == atomic && p.Space == ir.PtrPacket:
		x.Kind = AtomicPacket
		a.report(v, x, p)
		return true
	case how == atomic && p.Size > 0:
	default:
		return false
	}
	known, unknown := addBits(p.Num.Bits, p.Num.Unknown, uint64(at), 0)
	if size <= 1 || (known|unknown)&uint64(size-1) == 0 {
		return false
	}
	x.Kind, x.Needed, x.Variable = Misaligned, size, unknown&uint64(size-1) != 0
	a.report(v, x, p)
	return true
}

// packetAccess wants comparisons that prove the bytes, and no offset below 0.
func (a *analysis) packetAccess(v *ir.Value, p *Val, off, size int64, how way, x Finding) {
	if how&writing != 0 && a.env.PacketReadOnly && x.To == "" {
		x.Kind = PacketReadOnly
		a.report(v, x, p)
		return
	}
	have := int64(max(p.Range, 0))
	x.Kind, x.Proven, x.Needed = PacketBounds, have, off+size
	_, isConst := p.Num.Const()
	x.Variable = !isConst
	switch {
	case p.Num.SMin < 0 || off < 0:
		x.Needed = min(off, p.Num.SMin)
		a.report(v, x, p)
	case off+size > have:
		x.Far = p.Num.Max+uint64(max(off, 0)) > maxPacket
		a.report(v, x, p)
		a.each(func(y *Val) {
			if y.Class == Pointer && y.Space == p.Space && y.Obj == p.Obj {
				y.Range = max(y.Range, int32(min(off+size, maxPacket)))
			}
		})
	}
}

// memory wants size bytes at off to be inside of what p points into.
func (a *analysis) memory(v *ir.Value, p *Val, off, size int64, kind Kind, x Finding) {
	least, most := off+clampOffset(p.Num.SMin), off
	if p.Num.Max >= maxOffset {
		most += math.MaxInt32
	} else {
		most += int64(p.Num.Max)
	}
	if kind == StackBounds {
		most = off + clampOffset(p.Num.SMax)
	}
	if least >= 0 && most+size <= p.Size {
		return
	}
	x.Kind, x.Least, x.Most, x.Needed, x.Proven = kind, least, most, size, p.Size
	_, isConst := p.Num.Const()
	x.Variable = !isConst
	if m := a.mapNamed(p.Map); m != nil {
		x.By = m.Name
	}
	a.report(v, x, p)
}

// shifted is pointer arithmetic.
func (a *analysis) shifted(v *ir.Value, x, y Val) Val {
	if v.Op == ir.OpSub && y.Class == Pointer {
		return a.fresh(v, Any(), Sure) // for the verifier any number
	}
	if v.Op != ir.OpAdd && v.Op != ir.OpSub || v.Size != 8 || y.Class != Number {
		if v.Type != ir.Scalar || y.Class == Unknown {
			return Val{}
		}
		if v.Op == ir.OpZext || v.Op == ir.OpSext || v.Op == ir.OpCopy {
			return a.fresh(v, Eval(v.Op, v.Size, Any(), Any()), Sure)
		}
		return a.fresh(v, Any(), Doubtful)
	}
	c, isConst := y.Num.Const()
	if x.Null == MayBeNull {
		a.report(v, a.origin(Finding{Kind: NullArithmetic}, x.Obj), &x)
		if !isConst {
			a.settle(&x)
		}
	}
	f := Finding{Kind: PointerArithmetic, Space: x.Space, Variable: !isConst}
	switch {
	case x.Space == ir.PtrEnd || x.Space == ir.PtrMap:
		if x.Trust == Sure && !(isConst && c == 0) {
			a.report(v, f, &x)
		}
		return Val{}
	case y.Trust == Doubtful || x.Trust == Doubtful:
		return Val{Class: Pointer, Space: x.Space, Obj: x.Obj, Ref: x.Ref, Null: x.Null, Map: x.Map, Trust: Doubtful, Off: x.Off}
	case x.Space == ir.PtrStack && v.Op == ir.OpSub && !written(v):
		a.report(v, f, &x)
		return Val{}
	}
	n := int64(c)
	if v.Op == ir.OpSub {
		n = -n
	}
	f.Kind = PointerOffset
	if y.Num.SMin <= -maxOffset || y.Num.SMin >= maxOffset {
		f.Least, f.Most = y.Num.SMin, y.Num.SMax
		a.report(v, f, &x, &y)
		return Val{}
	}
	if isConst && x.Off+n == int64(int32(x.Off+n)) {
		x.Off += n
		return x
	}
	switch x.Sym = y.Sym; v.Op {
	case ir.OpAdd:
		x.Num = add(x.Num, y.Num)
	default:
		x.Num = sub(x.Num, y.Num)
	}
	x.Num.settle()
	if x.Space == ir.PtrPacket || x.Space == ir.PtrMeta {
		// Another object; the verifier forgets the range of what was added to.
		x.Obj = int32(v.ID) + 1
		if v.Op == ir.OpAdd || y.Num.SMin < 0 {
			x.Range = 0
		}
	}
	if x.Num.SMin <= -maxOffset || x.Num.SMin >= maxOffset {
		f.Least, f.Most = x.Num.SMin, x.Num.SMax
		a.report(v, f, &x, &y)
		return Val{}
	}
	return x
}

// written reports whether v subtracts a number that is its own: the machine
// adds its negative.
func written(v *ir.Value) bool {
	y, _ := v.Operand(1)
	if y == nil {
		return true
	}
	_, ok := y.IsConst()
	return ok
}

// packetArgument are the helpers that take pointers to packet data.
var packetArgument = map[string]bool{
	"map-lookup-elem": true, "map-update-elem": true, "map-delete-elem": true, "map-push-elem": true, "map-lookup-percpu-elem": true,
	"csum-diff": true, "sk-lookup-tcp": true, "sk-lookup-udp": true, "skc-lookup-tcp": true, "tcp-check-syncookie": true, "tcp-gen-syncookie": true,
	"tcp-raw-gen-syncookie-ipv4": true, "tcp-raw-gen-syncookie-ipv6": true, "tcp-raw-check-syncookie-ipv4": true, "tcp-raw-check-syncookie-ipv6": true,
}

// argument checks what a helper gets.
func (a *analysis) argument(v *ir.Value, h *abi.Helper, kind abi.ArgKind, i int, p *Val) {
	how := reading
	if kind.Writes() {
		how = writing
	}
	size := int64(0)
	switch kind {
	case abi.ArgCtx:
		if _, ok := p.Num.Const(); p.Class == Pointer && p.Space == ir.PtrCtx && (p.Off != 0 || !ok) {
			a.report(v, Finding{Kind: ContextArgument, To: h.Name, Needed: p.Off, Variable: !ok}, p)
		}
		return
	case abi.ArgMap:
		if p.Class == Number && p.isConst(0) || p.Class == Pointer && p.Null != NotNull { // of a map of maps
			a.report(v, a.origin(Finding{Kind: NullDereference, Null: p.Class == Number || p.Null == IsNull, Space: ir.PtrMap, To: h.Name}, p.Obj), p)
			a.settle(p)
		}
		a.mapArgument(v, h, i)
		return
	case abi.ArgMem, abi.ArgMemOut, abi.ArgMemInOut, abi.ArgMemOrNull:
		if i+1 >= v.NumOperands() {
			return
		}
		n := a.arg(v, i+1)
		if kind == abi.ArgMemOrNull && p.isConst(0) {
			if n.Class == Number && n.Trust == Sure && n.Num.Max > 0 { // null has no bytes
				a.report(v, Finding{Kind: NullDereference, Null: true, Space: ir.PtrAny, To: h.Name}, p)
			}
			return
		}
		if n.Class != Number || n.Trust == Doubtful {
			break
		}
		zero := i+1 < len(h.Args) && h.Args[i+1] == abi.ArgSizeOrZero
		if a.packetGiven(v, h, p) {
			return
		}
		x := Finding{Kind: SizeArgument, To: h.Name, Least: n.Num.SMin, Most: n.Num.SMax, Needed: int64(i + 2)}
		switch {
		case n.Num.SMin < 0:
			a.report(v, x, &n)
			return
		case n.Num.Min == 0 && !zero:
			x.Null = true
			a.report(v, x, &n)
			return
		case n.Num.Max >= maxSize:
			a.report(v, x, &n)
			return
		}
		size = int64(n.Num.Max)
	case abi.ArgMapKey, abi.ArgMapValue, abi.ArgMapValueOut:
		if m := a.mapArg(v, 0); m != nil {
			if size = int64(m.ValueSize); kind == abi.ArgMapKey {
				size = int64(m.KeySize)
			}
		}
	case abi.ArgTimer:
		a.timer(v, h, p)
		return
	case abi.ArgFixedIn, abi.ArgFixedOut, abi.ArgFixedInOut, abi.ArgRingRecord:
		if p.Class == Number || p.Class == Pointer && p.Null == IsNull && kind != abi.ArgRingRecord {
			return // some take null
		}
	case abi.ArgSock:
		if len(h.Args) > 1 { // some take null
			a.mayRelease(h, p)
			return
		}
	default:
		a.mayRelease(h, p)
		return
	}
	if a.packetGiven(v, h, p) {
		return
	}
	if kind == abi.ArgMemOrNull && p.Null == MayBeNull {
		q := *p // where it is null, the helper looks at nothing
		q.Null, p = NotNull, &q
	}
	off := p.Off
	if p.Class == Pointer && p.Space.IsPacket() && size == 0 {
		off = 0
	}
	a.access(v, p, off, size, how, h.Name)
	if h.Releases {
		a.release(v, p)
	}
}

// packetGiven reports packet data for a helper that does not take it.
func (a *analysis) packetGiven(v *ir.Value, h *abi.Helper, p *Val) bool {
	if p.Class != Pointer || !p.Space.IsPacket() || packetArgument[h.Name] || v.Op != ir.OpCall {
		return false
	}
	a.report(v, Finding{Kind: PacketArgument, To: h.Name, Space: p.Space}, p)
	return true
}

// mapArgument checks what a helper does to a map that programs may not change.
func (a *analysis) mapArgument(v *ir.Value, h *abi.Helper, i int) {
	m := a.mapArg(v, i)
	if m == nil || !m.ReadOnly {
		return
	}
	switch h.Name {
	case "map-update-elem", "map-delete-elem", "map-push-elem", "map-pop-elem":
		a.report(v, Finding{Kind: MapDirection, To: h.Name, By: m.Name, Write: true})
	}
}

// overwrite forgets what was in the stack's bytes that argument i is.
func (a *analysis) overwrite(v *ir.Value, h *abi.Helper, i int, p *Val) {
	switch {
	case p.Class == Unknown:
		a.st.own().stack = nil
	case p.Class == Pointer && p.Space == ir.PtrStack:
		size := p.Size
		if i+1 < v.NumOperands() && i < len(h.Args) && h.Args[i].Sized() {
			if n := a.arg(v, i+1); n.Class == Number && n.Num.Max < maxSize {
				size = int64(n.Num.Max)
			}
		}
		at := a.frame[p.Obj] + p.Off
		a.st.forget(at+clampOffset(p.Num.SMin), at+clampOffset(p.Num.SMax)+size)
	}
}

// returned wants a program's result to be in its type's range.
func (a *analysis) returned(t *ir.Value) {
	r := a.env.Returns
	if r == nil || t.Op != ir.OpRet || t.NumOperands() == 0 {
		return
	}
	a.matters(t)
	x := a.arg(t, 0)
	if x.Class == Number && x.Trust == Sure && (x.Num.SMin < r[0] || x.Num.SMax > r[1]) {
		a.report(t, Finding{Kind: ResultRange, Least: x.Num.SMin, Most: x.Num.SMax, Proven: r[0], Needed: r[1]}, &x)
	}
}
