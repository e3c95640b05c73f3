package facts

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// locking reports whether h takes or gives a spin lock.
func locking(h *abi.Helper) bool { return len(h.Args) > 0 && h.Args[0] == abi.ArgSpinLock }

// locks computes a call that takes or gives a lock; false if it is another.
func (a *analysis) locks(v *ir.Value, h *abi.Helper) bool {
	if !locking(h) {
		a.lockedCall(v, h.Name)
		return false
	}
	p := a.arg(v, 0)
	a.present(v, h, &p)
	held := a.st.lock
	if h.Name == "spin-lock" {
		if held != 0 {
			a.report(v, a.origin(Finding{Kind: LockTwice}, held))
			a.st.doubt = true // of what the rest does with the two
		}
		h := a.st.own()
		h.lock, h.locked = int32(v.ID)+1, lockPlace{p.Class, p.Obj, p.Off}
	} else {
		was := a.st.locked
		switch {
		case held == 0 && a.env.Sub:
			a.st.doubt = true // its caller may hold it
		case held == 0:
			a.report(v, Finding{Kind: LockFree})
		case p.Class != Pointer || was.class != Pointer:
			a.st.doubt = true
		case p.Obj != was.obj || p.Off != was.off:
			a.report(v, a.origin(Finding{Kind: LockFree}, held))
		}
		h := a.st.own()
		h.lock, h.locked = 0, lockPlace{}
	}
	a.set(v, number(Any(), Sure))
	return true
}

// present wants the pointer p to an object not to be null.
func (a *analysis) present(v *ir.Value, h *abi.Helper, p *Val) {
	if p.isConst(0) {
		a.report(v, Finding{Kind: NullDereference, Space: ir.PtrValue, To: h.Name})
		a.st.doubt = true
		return
	}
	a.access(v, p, p.Off, 0, reading, h.Name)
}

// lockedCall reports a call of what is called name while a lock is held.
func (a *analysis) lockedCall(v *ir.Value, name string) {
	for _, prefix := range []string{"bpf-rbtree-", "bpf-list-", "bpf-iter-num-"} { // some kernels allow them
		if strings.HasPrefix(name, prefix) && v.Op == ir.OpCallKfunc {
			return
		}
	}
	if a.st.lock != 0 {
		a.report(v, a.origin(Finding{Kind: LockCall, To: name}, a.st.lock))
	}
}

// mapOf is the map in whose value p points, nil if that is not known.
func (a *analysis) mapOf(p *Val) *Map {
	if p.Class != Pointer || p.Space != ir.PtrValue || p.Trust != Sure || p.Null == IsNull {
		return nil
	}
	return a.mapNamed(p.Map)
}

// mapArg is the map that argument i of v names, nil if it names none.
func (a *analysis) mapArg(v *ir.Value, i int) *Map {
	x, _ := v.Operand(i)
	if x == nil || original(x).Op != ir.OpMapAddr {
		return nil
	}
	x = original(x)
	return a.env.Map(x.Sym)
}

// object is the object of the kernel that size bytes at off behind p's
// object touch, nil if they touch none.
func (a *analysis) object(p *Val, off, size int64) *Object {
	if !a.objects || size <= 0 {
		return nil
	}
	m := a.mapOf(p)
	if m == nil {
		return nil
	}
	for i := range m.Objects {
		if o := &m.Objects[i]; off < o.Off+o.Size && o.Off < off+size {
			return o
		}
	}
	return nil
}

// callbackMap checks that the callback of a timer is for values of the map
// that the timer is in; Sym is the one that the source names.
func (a *analysis) callbackMap(v *ir.Value) {
	p := a.arg(v, 0)
	if in, given := a.mapOf(&p), a.env.Map(v.Sym); in != nil && given != nil && in.Name != given.Name {
		a.report(v, Finding{Kind: TimerMap, By: in.Name, To: given.Name})
	}
}

// timer checks that a timer is made for the map that it is in.
func (a *analysis) timer(v *ir.Value, h *abi.Helper, p *Val) {
	a.present(v, h, p)
	if len(h.Args) < 2 || h.Args[1] != abi.ArgMap {
		return
	}
	if in, given := a.mapOf(p), a.mapArg(v, 1); in != nil && given != nil && in.Name != given.Name {
		a.report(v, Finding{Kind: TimerMap, By: in.Name, To: given.Name})
	}
}

// A dynptr is one that a slot of the stack holds. ref is the call that made
// it, plus one, where it must be given back, and 0 elsewhere.
type dynptr struct {
	slot int32
	off  int64
	ref  int32
}

// noteDynptr remembers which slots hold dynptrs.
func (a *analysis) noteDynptr(v *ir.Value, h *abi.Helper) {
	if h == nil {
		return
	}
	for i, kind := range h.Args {
		if i >= len(v.Args) || kind != abi.ArgDynptr && kind != abi.ArgDynptrOut {
			continue
		}
		x := original(v.Args[i])
		if x.Op == ir.OpStackAddr {
			if a.dynptrSlots == nil {
				a.dynptrSlots = map[int32]bool{}
			}
			a.dynptrSlots[int32(x.Slot)] = true
		}
	}
}

// dynptr checks the dynptr that h gets, and gives its reference.
func (a *analysis) dynptr(v *ir.Value, h *abi.Helper, p *Val) int32 {
	if p.Class != Pointer || p.Space != ir.PtrStack {
		return 0
	}
	for i, d := range a.st.dynptrs {
		if d.slot != p.Obj || d.off != p.Off {
			continue
		}
		if h.Releases {
			a.giveBack(v, d.ref)
			h := a.st.own()
			h.dynptrs = slices.Delete(h.dynptrs, i, i+1)
		}
		return d.ref
	}
	a.report(v, Finding{Kind: DynptrUnset, To: h.Name})
	return 0
}

// makeDynptr notes the dynptr that h makes.
func (a *analysis) makeDynptr(v *ir.Value, h *abi.Helper) {
	for i, kind := range h.Args {
		if kind != abi.ArgDynptrOut || i >= v.NumOperands() {
			continue
		}
		p := a.arg(v, i)
		d := dynptr{slot: p.Obj, off: p.Off}
		if h.Acquires {
			d.ref = int32(v.ID) + 1
			h := a.st.own()
			h.refs = append(h.refs, d.ref)
		}
		if p.Class != Pointer || p.Space != ir.PtrStack {
			a.st.doubt = a.st.doubt || h.Acquires
			continue
		}
		own := a.st.own()
		own.dynptrs = append(slices.DeleteFunc(own.dynptrs, func(x dynptr) bool { return x.slot == d.slot && x.off == d.off }), d)
	}
}
