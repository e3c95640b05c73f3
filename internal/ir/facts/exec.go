package facts

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// exec computes one value; false ends the path.
func (a *analysis) exec(v *ir.Value) bool {
	switch v.Op {
	case ir.OpConst, ir.OpCopy, ir.OpReload, ir.OpSpill, ir.OpStackAddr, ir.OpMapAddr:
		return true // get finds them without a place in the state
	case ir.OpLoad, ir.OpLoadS:
		a.renew(v)
		if cell := a.cell(v); cell != 0 {
			a.set(v, a.read(v, cell))
			return true
		}
		a.load(v)
		return true
	case ir.OpStore, ir.OpAtomic:
		a.renew(v)
		if cell := a.cell(v); cell != 0 {
			a.write(v, cell)
			return true
		}
		a.store(v)
		return true
	case ir.OpCall:
		a.renew(v)
		if a.spliced.calls(v) { // what it does has been walked
			a.set(v, a.fresh(v, Any(), Sure))
			return true
		}
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
		global := a.env.Global != nil && a.env.Global(v.Sym)
		if a.st.lock != 0 && global {
			a.lockedCall(v, strings.ReplaceAll(v.Sym, "_", "-"))
		}
		a.unknownCall(v)
		if v.Type == ir.Scalar {
			x := a.fresh(v, Any(), Doubtful)
			if global { // its result may be anything
				x.Trust = Sure
			}
			a.set(v, x)
		}
		return true
	}
	if !a.need[v.ID] || !v.Op.Foldable() {
		a.set(v, Val{})
		return true
	}
	x, y := a.arg(v, 0), Val{} // as they are before v is
	if v.NumOperands() > 1 {
		y = a.arg(v, 1)
	} else {
		y = constant(0)
	}
	a.renew(v)
	a.set(v, a.compute(v, &x, &y))
	return true
}

// compute is what a pure op gives.
func (a *analysis) compute(v *ir.Value, x, y *Val) Val {
	if v.Op.Compares() {
		can, cannot := a.compare(v.Op, v.Size, x, y)
		if can && cannot {
			return number(Range(0, 1), Sure)
		}
		a.matters(v)
		return constant(b2i(can))
	}
	for _, p := range [2]*Val{x, y} {
		if p.Class == Pointer && p.Null == IsNull {
			*p = constant(0)
		}
	}
	if v.Op == ir.OpAdd && y.Class == Pointer && x.Class == Number {
		x, y = y, x
	}
	switch {
	case x.Class == Pointer && x.Space == ir.PtrKernel && relocated(v):
		// A field of a struct of the kernel: what counts is the access.
		x.Off++ // the place does not matter, but it is another one
		return *x
	case x.Class == Pointer:
		return a.shifted(v, *x, *y)
	case x.Class == Stale || y.Class == Stale:
		// Numbers now, but still to blame when they are used.
		if c, ok := y.Num.Const(); ok && y.Class == Number && v.Size == 8 && (v.Op == ir.OpAdd || v.Op == ir.OpSub) {
			x.Num = Eval(v.Op, 8, x.Num, y.Num)
			if x.Off += int64(c); v.Op == ir.OpSub {
				x.Off -= 2 * int64(c)
			}
			return *x
		}
		return a.fresh(v, Eval(v.Op, v.Size, Any(), Any()), Sure)
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
	if c, constY := y.Num.Const(); constY && v.Size == 8 && x.Sym != 0 && (v.Op == ir.OpAdd || v.Op == ir.OpSub) {
		r := *x // the same number, elsewhere
		r.Num = n
		if r.Off += int64(c); v.Op == ir.OpSub {
			r.Off -= 2 * int64(c)
		}
		return r
	}
	if _, constX := x.Num.Const(); constX && v.Op == ir.OpAdd && v.Size == 8 && y.Sym != 0 {
		return a.compute(v, y, x)
	}
	if v.Op == ir.OpZext && v.Size >= 4 && x.Num.Max <= OfSize(v.Size).Max {
		return *x // the machine copies it
	}
	return a.fresh(v, n, min(x.Trust, y.Trust))
}

func (x *Val) orAny() Num {
	if x.Class == Number {
		return x.Num
	}
	return Any()
}

// settle goes on as if x were not null, once that has been reported.
func (a *analysis) settle(x *Val) {
	a.each(func(y *Val) {
		if y.Class == Pointer && y.Obj == x.Obj && y.Null == MayBeNull {
			y.Null = NotNull
		}
	})
	x.Null = NotNull
}

// spoil makes the pointer x what it is to the verifier after the call: a
// number of which nothing is known.
func (a *analysis) spoil(x *Val, call int32) {
	*x = Val{Class: Stale, Trust: Sure, Space: x.Space, Obj: x.Obj, Off: x.Off, Why: call, Num: Any()}
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
	p := a.address(v)
	off := p.Off + v.Aux
	if p.Space == ir.PtrCtx && p.Class == Pointer && v.Core == "" {
		a.set(v, a.context(v, off, OfSize(v.Size)))
		return
	}
	a.access(v, &p, off, int64(v.Size), reading, "")
	var x Val
	switch {
	case p.Class == Pointer && p.Space == ir.PtrStack:
		x = a.take(v, &p, off)
	case v.Type != ir.Scalar:
	case p.Class == Pointer && p.Trust != Doubtful && p.Space != ir.PtrMap && v.Core == "" && (p.Map == 0 || !a.mapNamed(p.Map).Known):
		x = a.fresh(v, OfSize(v.Size), Sure)
	default:
		x = a.fresh(v, OfSize(v.Size), Doubtful)
	}
	if v.Op == ir.OpLoadS && x.Class == Number {
		x = a.fresh(v, Eval(ir.OpSext, v.Size, x.Num, x.Num), x.Trust)
	}
	a.set(v, x)
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
	p := a.address(v)
	how := writing
	if v.Op == ir.OpAtomic {
		how = atomic
	}
	off := p.Off + v.Aux
	switch {
	case p.Class == Pointer && p.Space == ir.PtrCtx:
	default:
		a.access(v, &p, off, int64(v.Size), how, "")
	}
	switch {
	case p.Class == Unknown:
		a.st.own().stack = nil
	case p.Class != Pointer || p.Space != ir.PtrStack:
	case how == atomic:
		a.put(v, &p, off, v.Size, a.fresh(v, OfSize(v.Size), Sure))
	default:
		a.put(v, &p, off, v.Size, a.arg(v, v.NumOperands()-1))
	}
	if how == atomic {
		trust := Sure
		if p.Class != Pointer || p.Trust == Doubtful {
			trust = Doubtful
		}
		a.set(v, a.fresh(v, OfSize(v.Size), trust))
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
	result := number(Any(), Sure)
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
		if p := a.arg(v, i); i >= len(h.Args) || h.Args[i].Writes() {
			a.overwrite(v, h, i, &p)
		}
	}
	if h.ChangesPacket {
		a.movePacket(int32(v.ID) + 1)
	}
	switch h.Result {
	case abi.ResultNever:
		a.leaks(v)
	case abi.ResultU32, abi.ResultU64:
		if h.Name == "get-smp-processor-id" {
			result.Trust = Doubtful // the verifier knows how many there are
		}
		result.Num = Any() // how wide it is, the verifier does not know
	case abi.ResultMapValueOrNull, abi.ResultMapValue:
		result = a.lookup(v, h)
	case abi.ResultRingOrNull:
		result = Val{Class: Pointer, Trust: Sure, Space: ir.PtrRecord, Null: MayBeNull, Size: a.number(v, 1)}
	case abi.ResultMemOrNull:
		result = Val{Class: Pointer, Trust: Sure, Space: ir.PtrMem, Null: MayBeNull, Ref: base, Size: a.number(v, 2)}
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
			h := a.st.own()
			h.refs = append(h.refs, result.Ref)
		}
	case Number:
		result.Sym = int32(v.ID) + 1
	}
	a.set(v, result)
}

// number is the constant that operand i of v is, 0 if it is none.
func (a *analysis) number(v *ir.Value, i int) int64 {
	if i < v.NumOperands() {
		if x := a.arg(v, i); x.Class == Number {
			if n, ok := x.Num.Const(); ok {
				return int64(n)
			}
		}
	}
	return 0
}

// lookup is what a lookup in a map gives. In an array a constant index
// needs no check, as far as the verifier sees that it is one.
func (a *analysis) lookup(v *ir.Value, h *abi.Helper) Val {
	x := Val{Class: Pointer, Trust: Sure, Space: ir.PtrValue}
	if h.Result.Nullable() {
		x.Null = MayBeNull
	}
	m := a.mapArg(v, 0)
	if m == nil {
		x.Trust = Doubtful
	} else {
		x.Map, x.Size = a.name(m), int64(m.ValueSize)
	}
	if (m == nil || m.Array) && x.Null == MayBeNull && v.NumOperands() > 1 {
		k := a.arg(v, 1)
		if k.Class != Pointer || m == nil {
			return Val{}
		}
		if _, ok := k.Num.Const(); ok && k.Space == ir.PtrStack {
			index := *v
			index.Size, index.Type = 4, ir.Scalar
			key := a.take(&index, &k, k.Off)
			c, isConst := key.Num.Const()
			switch {
			case key.Class != Number || key.Trust == Doubtful:
				return Val{}
			case isConst && c < uint64(m.MaxEntries):
				x.Null = NotNull
			}
		}
	}
	return x
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
	a.each(func(x *Val) {
		if x.Class == Pointer && x.Ref == ref {
			a.spoil(x, int32(v.ID)+1)
		}
	})
}

// movePacket makes every packet pointer stale.
func (a *analysis) movePacket(call int32) {
	a.each(func(x *Val) {
		if x.Class == Pointer && x.Space.IsPacket() {
			a.spoil(x, call)
		}
	})
}

// unknownCall is a call of which nothing is known: it may do anything to
// the packet, to the stack and to what is held.
func (a *analysis) unknownCall(v *ir.Value) {
	a.each(func(x *Val) {
		if x.Class == Pointer && (x.Space.IsPacket() || x.Ref != 0) {
			*x = Val{}
		}
	})
	for _, x := range v.Args {
		if p := a.get(x); p.Class == Pointer && p.Space == ir.PtrStack && a.dynptrSlots[p.Obj] {
			a.st.doubt = true // it may make one there, or give one back
		}
	}
	for _, x := range v.Args {
		if p := a.get(x); p.Class == Unknown || p.Class == Pointer && p.Space == ir.PtrStack {
			h := a.st.own()
			h.stack, h.lost = nil, true // what it has stored there, the verifier knows
		}
	}
	if len(a.st.refs) > 0 || a.st.lock != 0 {
		a.st.own().refs, a.st.doubt = nil, true
	}
	a.set(v, Val{})
}

// exit is a return.
func (a *analysis) exit(t *ir.Value) {
	a.leaks(t)
	a.returned(t)
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
