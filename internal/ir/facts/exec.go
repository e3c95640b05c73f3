package facts

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// exec computes one value; false ends the path.
func (a *analysis) exec(v *ir.Value) bool {
	switch v.Op {
	case ir.OpConst, ir.OpCopy, ir.OpStackAddr, ir.OpMapAddr:
		return true // get finds them without a place in the state
	case ir.OpLoad, ir.OpLoadS:
		a.renew(v)
		a.load(v)
		return true
	case ir.OpStore, ir.OpAtomic:
		a.renew(v)
		a.store(v)
		return true
	case ir.OpCall:
		a.renew(v)
		a.call(v)
		return true
	case ir.OpCallKfunc:
		a.renew(v)
		a.lockedCall(v, strings.ReplaceAll(v.Sym, "_", "-"))
		if h := a.env.kfunc(v.Sym); h != nil {
			a.callHelper(v, h)
		} else {
			a.unknownCall(v)
		}
		return true
	case ir.OpCallSub:
		a.renew(v)
		if a.st.lock != 0 && a.env.Global != nil && a.env.Global(v.Sym) {
			a.lockedCall(v, strings.ReplaceAll(v.Sym, "_", "-"))
		}
		a.unknownCall(v)
		return true
	}
	if !a.need[v.ID] || !v.Op.Foldable() {
		a.set(v, Val{})
		return true
	}
	x := a.arg(v, 0)
	y := constant(0)
	if v.NumOperands() > 1 {
		y = a.arg(v, 1)
	}
	a.renew(v)
	a.set(v, a.compute(v, x, y))
	return true
}

// compute is what a pure op gives.
func (a *analysis) compute(v *ir.Value, x, y Val) Val {
	if v.Op.Compares() {
		switch can, cannot := a.compare(v.Op, v.Size, &x, &y); {
		case !cannot:
			return constant(1)
		case !can:
			return constant(0)
		}
		return number(Range(0, 1), Sure)
	}
	if x.Class == Pointer && x.Null == IsNull {
		x = constant(0)
	}
	if y.Class == Pointer && y.Null == IsNull {
		y = constant(0)
	}
	if v.Op == ir.OpAdd && y.Class == Pointer && x.Class == Number {
		x, y = y, x
	}
	switch {
	case x.Class == Pointer && x.Space == ir.PtrKernel && relocated(v):
		// A field of a struct of the kernel: what counts is the access.
		x.Off++ // the place does not matter, but it is another one
		return x
	case x.Class == Pointer:
		return a.move(v, x, y)
	case x.Class == Stale || y.Class == Stale:
		// Numbers now, but still to blame when they are used.
		if c, ok := y.Num.Const(); ok && y.Class == Number && v.Size == 8 && (v.Op == ir.OpAdd || v.Op == ir.OpSub) {
			x.Num = Eval(v.Op, 8, x.Num, y.Num)
			if x.Off += int64(c); v.Op == ir.OpSub {
				x.Off -= 2 * int64(c)
			}
			return x
		}
		return a.fresh(v, Eval(v.Op, v.Size, Any(), Any()), Doubtful)
	case x.Class != Number || y.Class != Number:
		if v.Op == ir.OpZext || v.Op == ir.OpAnd {
			return a.fresh(v, Eval(v.Op, v.Size, Any(), y.orAny()), Doubtful)
		}
		if v.Type != ir.Scalar {
			return Val{}
		}
		return a.fresh(v, Any(), Doubtful)
	}
	n := Eval(v.Op, v.Size, x.Num, y.Num)
	c, constY := y.Num.Const()
	if constY && v.Size == 8 && x.Sym != 0 {
		switch v.Op {
		case ir.OpAdd, ir.OpSub: // the same number, elsewhere
			r := x
			r.Num = n
			if r.Off += int64(c); v.Op == ir.OpSub {
				r.Off -= 2 * int64(c)
			}
			return r
		}
	}
	if _, constX := x.Num.Const(); constX && v.Op == ir.OpAdd && v.Size == 8 && y.Sym != 0 {
		return a.compute(v, y, x)
	}
	if x.Sym != 0 && (v.Op == ir.OpZext || v.Op == ir.OpAnd && constY) && n == x.Num && harmless(v, x.Num, c) {
		return x
	}
	trust := min(x.Trust, y.Trust)
	switch v.Op {
	case ir.OpAdd, ir.OpSub, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpMul, ir.OpZext, ir.OpBE, ir.OpBswap:
	case ir.OpShl, ir.OpShr:
		if !constY {
			trust = Doubtful
		}
	default:
		trust = Doubtful
	}
	if trust == Result {
		trust = Doubtful
	}
	return a.fresh(v, n, trust)
}

// harmless reports whether a truncation or mask leaves n as it is.
func harmless(v *ir.Value, n Num, mask uint64) bool {
	if v.Op == ir.OpZext {
		mask = OfSize(v.Size).Max
	}
	return (n.Bits|n.Unknown)&^mask == 0
}

func (x *Val) orAny() Num {
	if x.Class == Number {
		return x.Num
	}
	return Any()
}

// move is pointer arithmetic.
func (a *analysis) move(v *ir.Value, x, y Val) Val {
	if v.Op == ir.OpSub && y.Class == Pointer {
		return a.fresh(v, Any(), Sure) // for the verifier any number
	}
	if v.Op != ir.OpAdd && v.Op != ir.OpSub || v.Size != 8 || y.Class != Number {
		if v.Type != ir.Scalar || y.Class == Unknown {
			return Val{}
		}
		return a.fresh(v, Any(), Doubtful)
	}
	c, isConst := y.Num.Const()
	if x.Null == MayBeNull && !(isConst && c == 0) {
		a.report(v, a.origin(Finding{Kind: NullArithmetic}, x.Obj))
		if !isConst {
			a.settle(&x)
		}
	}
	switch {
	case isConst && v.Op == ir.OpAdd:
		x.Off += int64(c)
		return x
	case isConst:
		x.Off -= int64(c)
		return x
	case x.Space == ir.PtrPacket || x.Space == ir.PtrMeta:
		// Another object: the verifier forgets the range.
		if y.Sym == 0 || y.Trust == Doubtful || x.Trust == Doubtful {
			return Val{}
		}
		k := variable{x.Obj, y.Sym, v.Op == ir.OpSub}
		if x.Obj, x.Off = a.id(k), x.Off+y.Off; k.minus {
			x.Off -= 2 * y.Off
		}
		return x
	}
	return Val{Class: Pointer, Space: x.Space, Obj: x.Obj, Ref: x.Ref, Null: x.Null, Trust: Doubtful}
}

// id names what k says.
func (a *analysis) id(k variable) int32 {
	id, ok := a.ids[k]
	if !ok {
		id = objVariable - int32(len(a.ids))
		a.ids[k] = id
	}
	return id
}

// spoil makes the pointer x what it is to the verifier after the call: a
// number of which nothing is known.
func (a *analysis) spoil(x *Val, call int32) {
	*x = Val{Class: Stale, Trust: Sure, Space: x.Space, Obj: x.Obj, Off: x.Off, Why: call,
		Num: Any(), Sym: a.id(variable{base: x.Obj, sym: -call})}
}

// settle goes on as if x were not null, once that has been reported.
func (a *analysis) settle(x *Val) {
	for _, id := range a.known {
		if y := &a.vals[id]; y.Class == Pointer && y.Obj == x.Obj && y.Null == MayBeNull {
			y.Null = NotNull
		}
	}
	x.Null = NotNull
}

// origin fills in the call that obj comes from.
func (a *analysis) origin(x Finding, obj int32) Finding {
	if v := a.value(obj); v != nil {
		x.Origin = v.Pos
		if v.Op == ir.OpCall {
			if h := abi.HelperByID(int32(v.Aux)); h != nil {
				x.By = h.Name
			}
		}
		if h := a.env.kfunc(v.Sym); v.Op == ir.OpCallKfunc && h != nil {
			x.By = h.Name
		}
	}
	return x
}

// value finds the value that an object is named after.
func (a *analysis) value(obj int32) *ir.Value {
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			if int32(v.ID)+1 == obj {
				return v
			}
		}
	}
	return nil
}

// relocated reports whether v adds the offset of a field.
func relocated(v *ir.Value) bool {
	if v.Op != ir.OpAdd {
		return false
	}
	for _, a := range v.Args {
		if a.Op == ir.OpCore {
			return true
		}
	}
	return v.Core != ""
}

// load reads memory.
func (a *analysis) load(v *ir.Value) {
	size := OfSize(v.Size)
	if v.Op == ir.OpLoadS {
		size = Any().signExtend(8 * uint(v.Size))
	}
	if slot, off, ok := slotOf(v); ok {
		s := a.slots[slot]
		switch {
		case s.ok && s.off == off && s.size == v.Size && v.Size == 8:
			a.set(v, s.val)
		case s.ok && s.off == off && s.size == v.Size && s.val.Class == Number && v.Op == ir.OpLoad:
			n := Eval(ir.OpZext, v.Size, s.val.Num, s.val.Num)
			a.set(v, a.fresh(v, n, s.val.Trust))
		case v.Type != ir.Scalar:
			a.set(v, Val{})
		default:
			a.set(v, a.fresh(v, size, Doubtful))
		}
		return
	}
	p := a.get(v.Args[0])
	a.access(v, &p, p.Off+v.Aux, int64(v.Size), "")
	switch {
	case p.Class == Pointer && p.Space == ir.PtrCtx:
		a.set(v, a.context(v, p.Off+v.Aux, size))
	case v.Type != ir.Scalar:
		a.set(v, Val{})
	case p.Class == Pointer && p.Trust != Doubtful && p.Space != ir.PtrStack && p.Space != ir.PtrMap:
		a.set(v, a.fresh(v, size, Sure))
	default:
		a.set(v, a.fresh(v, size, Doubtful))
	}
}

// context is a field of the context.
func (a *analysis) context(v *ir.Value, off int64, size Num) Val {
	switch v.Type {
	case ir.Scalar:
		return a.fresh(v, size, Sure)
	case ir.PtrPacket:
		return Val{Class: Pointer, Trust: Sure, Space: v.Type, Obj: objPacket}
	case ir.PtrMeta:
		return Val{Class: Pointer, Trust: Sure, Space: v.Type, Obj: objMeta}
	case ir.PtrEnd:
		return Val{Class: Pointer, Trust: Sure, Space: v.Type, Obj: objEnd}
	}
	if v.Sym == ir.MayBeNull {
		return Val{Class: Pointer, Trust: Sure, Space: v.Type, Obj: int32(v.ID) + 1, Null: MayBeNull}
	}
	if a.env.Ctx != nil && off >= 0 {
		if f := a.env.Ctx.At(uint32(off)); f != nil && f.Kind.Pointer() {
			x := Val{Class: Pointer, Trust: Sure, Space: v.Type, Obj: int32(v.ID) + 1}
			if f.NullOK {
				x.Null = MayBeNull
			}
			return x
		}
	}
	return Val{}
}

// store writes memory.
func (a *analysis) store(v *ir.Value) {
	if slot, off, ok := slotOf(v); ok {
		a.slots[slot].ok = false
		if v.Op == ir.OpStore {
			a.slots[slot] = stored{true, v.Size, off, a.arg(v, v.NumOperands()-1)}
		} else {
			a.set(v, a.fresh(v, OfSize(v.Size), Doubtful))
		}
		return
	}
	p := a.get(v.Args[0])
	if p.Class == Unknown || p.Space == ir.PtrStack {
		clear(a.slots)
	}
	a.access(v, &p, p.Off+v.Aux, int64(v.Size), "")
	if v.Op == ir.OpAtomic {
		trust := Sure
		if p.Class != Pointer || p.Space == ir.PtrStack || p.Trust == Doubtful {
			trust = Doubtful
		}
		a.set(v, a.fresh(v, OfSize(v.Size), trust))
	}
}

// access checks that v may reach size bytes (0: not known how many) at off
// behind p's object. to is the helper that does it.
func (a *analysis) access(v *ir.Value, p *Val, off, size int64, to string) {
	switch {
	case p.Class == Stale:
		x := a.origin(Finding{Kind: StalePointer, Space: p.Space, To: to}, p.Why)
		if !p.Space.IsPacket() {
			x.Kind = UseAfterRelease
		}
		a.report(v, x)
	case a.object(p, off, size) != nil:
		o := a.object(p, off, size)
		a.report(v, Finding{Kind: ObjectAccess, Object: o.Name, To: to})
	case p.Class == Number && p.isConst(0) && to == "":
		a.report(v, Finding{Kind: NullDereference, Null: true})
	case p.Class != Pointer:
	case p.Null == IsNull && to != "": // some helpers take it
	case p.Null != NotNull:
		a.report(v, a.origin(Finding{Kind: NullDereference, Null: p.Null == IsNull, Space: p.Space, To: to}, p.Obj))
		a.settle(p)
	case (p.Space == ir.PtrPacket || p.Space == ir.PtrMeta) && p.Trust == Sure:
		k := a.st.packet(p.Obj)
		if end := off + size; off < 0 || end > k.lo {
			a.report(v, Finding{Kind: PacketBounds, Proven: k.lo, Needed: end, Variable: p.Obj <= objVariable, Space: p.Space, To: to})
			k.lo = max(k.lo, end)
			a.st.setPacket(k)
		}
	}
}

// call is a helper call.
func (a *analysis) call(v *ir.Value) {
	h := abi.HelperByID(int32(v.Aux))
	if h == nil {
		a.unknownCall(v)
		return
	}
	if a.locks(v, h) {
		return
	}
	a.callHelper(v, h)
}

// callHelper computes a call by the rules of its row.
func (a *analysis) callHelper(v *ir.Value, h *abi.Helper) {
	var base int32 // the reference that the result depends on
	result := number(Any(), Result)
	for i := range v.NumOperands() {
		kind := abi.ArgVariadic
		if i < len(h.Args) {
			kind = h.Args[i]
		}
		p := a.arg(v, i)
		if kind == abi.ArgFunc {
			a.callbackMap(v)
			a.unknownCall(v)
			return
		}
		if (kind == abi.ArgSock || kind == abi.ArgKernelPtr) && p.Class == Pointer {
			base = p.Ref
		}
		if kind == abi.ArgDynptr {
			base = max(base, a.dynptr(v, h, &p))
		}
		a.argument(v, h, kind, i, &p)
	}
	if h.Result == abi.ResultInt {
		a.makeDynptr(v, h)
	}
	for i := range v.NumOperands() {
		if p := a.arg(v, i); p.Class == Unknown || p.Class == Pointer && p.Space == ir.PtrStack {
			if i >= len(h.Args) || h.Args[i].Writes() {
				clear(a.slots)
			}
		}
	}
	if h.ChangesPacket {
		a.movePacket(int32(v.ID) + 1)
	}
	switch h.Result {
	case abi.ResultNever:
		a.leaks(v)
	case abi.ResultU32, abi.ResultU64:
		result.Trust = Sure
		if h.Result == abi.ResultU32 {
			result.Num = OfSize(4)
		}
		if strings.HasPrefix(h.Name, "get-smp-processor-id") || strings.HasPrefix(h.Name, "get-numa") {
			result.Trust = Doubtful // the verifier knows how many there are
		}
	case abi.ResultMapValueOrNull, abi.ResultMapValue:
		result = a.lookup(v, h)
	case abi.ResultRingOrNull:
		result = Val{Class: Pointer, Trust: Sure, Space: ir.PtrRecord, Null: MayBeNull}
	case abi.ResultMemOrNull:
		result = Val{Class: Pointer, Trust: Sure, Space: ir.PtrMem, Null: MayBeNull, Ref: base}
	case abi.ResultSockOrNull, abi.ResultPtrOrNull:
		result = Val{Class: Pointer, Trust: Sure, Space: ir.PtrKernel, Null: MayBeNull, Ref: base}
	case abi.ResultPtr:
		result = Val{}
		if h.Acquires {
			result = Val{Class: Pointer, Trust: Sure, Space: ir.PtrKernel, Null: NotNull}
		}
	}
	switch result.Class {
	case Pointer:
		result.Obj = int32(v.ID) + 1
		if h.Acquires {
			result.Ref = result.Obj
			a.st.refs = append(a.st.refs, result.Ref)
		}
	case Number:
		result.Sym = int32(v.ID) + 1
	}
	a.set(v, result)
}

// lookup is what a lookup in a map gives. In an array a constant index
// needs no check, as far as the verifier sees that it is one.
func (a *analysis) lookup(v *ir.Value, h *abi.Helper) Val {
	x := Val{Class: Pointer, Trust: Sure, Space: ir.PtrValue}
	if h.Result.Nullable() {
		x.Null = MayBeNull
	}
	var m *Map
	if len(v.Args) > 0 {
		p := v.Args[0]
		for p.Op == ir.OpCopy {
			p = p.Args[0]
		}
		if p.Op == ir.OpMapAddr {
			m = a.env.Map(p.Sym)
		}
	}
	switch {
	case m == nil:
		x.Trust = Doubtful
	case m.ReadOnly:
		x.Trust = Doubtful
	}
	if (m == nil || m.Array) && x.Null == MayBeNull {
		key := Val{}
		if len(v.Args) > 1 {
			if k := a.get(v.Args[1]); k.Class == Pointer && k.Space == ir.PtrStack {
				if s := a.slots[k.Obj]; s.ok && s.off == k.Off && s.size == 4 {
					key = s.val
				}
			}
		}
		c, isConst := key.Num.Const()
		switch {
		case key.Class != Number || key.Trust == Doubtful || m == nil:
			return Val{}
		case isConst && c < uint64(m.MaxEntries):
			x.Null = NotNull
		case isConst:
		}
	}
	return x
}

// argument checks what a helper gets.
func (a *analysis) argument(v *ir.Value, h *abi.Helper, kind abi.ArgKind, i int, p *Val) {
	size := int64(0)
	switch kind {
	case abi.ArgMem, abi.ArgMemOut, abi.ArgMemInOut:
		if n := a.arg(v, i+1); i+1 < v.NumOperands() && n.Class == Number {
			size = int64(min(n.Num.Min, 1<<20))
		}
	case abi.ArgMapKey, abi.ArgMapValue, abi.ArgMapValueOut:
		if x, _ := v.Operand(0); x != nil {
			for x.Op == ir.OpCopy {
				x = x.Args[0]
			}
			if m := a.env.Map(x.Sym); x.Op == ir.OpMapAddr && m != nil {
				if size = int64(m.ValueSize); kind == abi.ArgMapKey {
					size = int64(m.KeySize)
				}
			}
		}
		if x, _ := v.Operand(0); x == nil || p.Class == Number {
			return
		}
	case abi.ArgTimer:
		a.timer(v, h, p)
		return
	case abi.ArgFixedIn, abi.ArgFixedOut, abi.ArgFixedInOut, abi.ArgRingRecord:
	case abi.ArgSock:
		if len(h.Args) > 1 { // some take null
			a.mayRelease(h, p)
			return
		}
	default:
		a.mayRelease(h, p)
		return
	}
	off := p.Off
	if p.Class == Pointer && p.Space.IsPacket() && size == 0 {
		off = 0
	}
	a.access(v, p, off, size, h.Name)
	if h.Releases {
		a.release(v, p)
	}
}

// mayRelease gives up on references that a helper takes in a way which this
// analysis does not follow.
func (a *analysis) mayRelease(h *abi.Helper, p *Val) {
	if p.Class == Unknown && h.Releases || p.Class == Pointer && p.Ref != 0 && a.st.holds(p.Ref) && h.Releases {
		a.st.doubt = true
	}
}

// release gives back p's reference.
func (a *analysis) release(v *ir.Value, p *Val) {
	switch {
	case p.Class == Unknown:
		a.st.doubt = true
		return
	case p.Class != Pointer || p.Ref == 0 || !a.st.holds(p.Ref):
		return
	}
	a.giveBack(v, p.Ref)
}

// giveBack ends a reference: what depends on it is no pointer any more.
func (a *analysis) giveBack(v *ir.Value, ref int32) {
	a.st.drop(ref)
	for _, id := range a.known {
		if x := &a.vals[id]; x.Class == Pointer && x.Ref == ref {
			a.spoil(x, int32(v.ID)+1)
		}
	}
	for i := range a.slots {
		if s := &a.slots[i]; s.ok && s.val.Class == Pointer && s.val.Ref == ref {
			s.ok = false
		}
	}
}

// movePacket makes every packet pointer stale.
func (a *analysis) movePacket(call int32) {
	for _, id := range a.known {
		if x := &a.vals[id]; x.Class == Pointer && x.Space.IsPacket() {
			a.spoil(x, call)
		}
	}
	for i := range a.slots {
		if s := &a.slots[i]; s.ok && s.val.Class == Pointer && s.val.Space.IsPacket() {
			s.ok = false
		}
	}
	a.st.packets = nil
}

// unknownCall is a call of which nothing is known: it may do anything to
// the packet, to the stack and to what is held.
func (a *analysis) unknownCall(v *ir.Value) {
	for _, id := range a.known {
		if x := &a.vals[id]; x.Class == Pointer && (x.Space.IsPacket() || x.Ref != 0) {
			*x = Val{}
		}
	}
	for _, x := range v.Args {
		if p := a.get(x); p.Class == Pointer && p.Space == ir.PtrStack && a.dynptrSlots[p.Obj] {
			a.st.doubt = true // it may make one there, or give one back
		}
	}
	clear(a.slots)
	a.st.packets = nil
	if len(a.st.refs) > 0 || a.st.lock != 0 {
		a.st.refs, a.st.doubt = nil, true
	}
	a.set(v, Val{})
}

// exit is a return.
func (a *analysis) exit(t *ir.Value) {
	a.leaks(t)
	if v := a.value(a.st.lock); v != nil && !a.env.Sub {
		a.report(v, Finding{Kind: LockHeld, Origin: t.Pos})
	}
}

// leaks reports the references that are held where a program ends.
func (a *analysis) leaks(end *ir.Value) {
	for _, r := range a.st.refs {
		if v := a.value(r); v != nil {
			x := a.origin(Finding{Kind: ReferenceLeak}, r)
			x.Origin = end.Pos
			if end.Op == ir.OpCall {
				x.To = "tail-call"
			}
			a.report(v, x)
		}
	}
}
