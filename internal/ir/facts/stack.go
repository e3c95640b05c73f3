package facts

import (
	"math"

	"github.com/whistler-lang/whistler/internal/ir"
)

// A word is what is known of 8 bytes of the stack: a value that was stored at
// their beginning, or which bytes are zero. What no word stands for is any number.
type word struct {
	at   int32 // place, in words
	size uint8 // bytes of val; 0: there is none
	zero uint8 // by bit, where there is no val: bytes that are zero
	val  Val
}

func (w *word) covers(v *word) bool {
	return w.size == v.size && w.zero&^v.zero == 0 && (w.size == 0 || w.val.covers(&v.val))
}

func (h *held) word(at int32) *word {
	for i := range h.stack {
		if h.stack[i].at == at {
			return &h.stack[i]
		}
	}
	return nil
}

// retain drops the words of the stack from byte lo to before hi that keep does not
// want, which gets each with the part of it that lies there.
func (g *globals) retain(lo, hi int64, keep func(w *word, from, to int64) bool) {
	if len(g.stack) == 0 {
		return
	}
	h := g.own()
	kept := h.stack[:0]
	for i := range h.stack {
		w := &h.stack[i]
		at := 8 * int64(w.at)
		if at+8 <= lo || hi <= at || keep(w, max(lo-at, 0), min(hi-at, 8)) {
			kept = append(kept, *w)
		}
	}
	h.stack = kept
}

// forget drops what is known of the stack from byte lo to before hi.
func (g *globals) forget(lo, hi int64) {
	g.retain(lo, hi, func(w *word, from, to int64) bool {
		if w.size > 0 {
			return false
		}
		for b := from; b < to; b++ { // zeros beside it stay
			w.zero &^= 1 << b
		}
		return w.zero != 0
	})
}

// zeroed drops what is known of the stack from byte lo to before hi but zeros, for
// one is stored somewhere there. It reports whether there was one.
func (g *globals) zeroed(lo, hi int64) (some bool) {
	g.retain(lo, hi, func(w *word, from, to int64) bool {
		if n, isConst := w.val.Num.Const(); w.size > 0 && (w.val.Class != Number || !isConst || n != 0) {
			return false
		}
		for b := from; b < to; b++ {
			some = some || w.size > 0 || w.zero>>b&1 != 0
		}
		return true
	})
	return some
}

// layout places the slots as the emitter does, but for spilled values, which
// take whole words before them. Frames of callbacks come behind one another.
func (a *analysis) layout() {
	f := a.f
	used := make([]bool, len(f.Slots))
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			used[v.Slot] = true
		}
	}
	a.frame = make([]int64, len(f.Slots))
	depth, from := 0, 1
	frame := func(to int) {
		depth = (depth + 7) &^ 7
		for _, align := range []int{8, 4, 2, 1} {
			for i := from; i < to; i++ {
				if s := f.Slots[i]; used[i] && alignOf(s.Size) == align {
					depth = (depth + s.Size + align - 1) / align * align
					a.frame[i] = int64(-depth)
				}
			}
		}
		from = to
	}
	if a.spliced != nil {
		for _, to := range a.begins {
			frame(to)
		}
	}
	frame(len(f.Slots))
}

func alignOf(size int) int {
	switch size {
	case 1, 2, 4:
		return size
	}
	return 8
}

// slotOf is the slot and offset that a memory op addresses directly.
func slotOf(v *ir.Value) (slot int, off int64, ok bool) {
	if v.Slot != 0 {
		return v.Slot, v.Aux, true
	}
	if len(v.Args) > 0 && v.Args[0].Op == ir.OpStackAddr {
		return v.Args[0].Slot, v.Args[0].Aux + v.Aux, true
	}
	return 0, 0, false
}

// address is the pointer that a memory op takes, its own offset left out.
func (a *analysis) address(v *ir.Value) Val {
	if v.Slot != 0 {
		return a.stackAt(v.Slot, 0)
	}
	return a.get(v.Args[0])
}

func (a *analysis) stackAt(slot int, off int64) Val {
	return Val{Class: Pointer, Trust: Sure, Space: ir.PtrStack, Obj: int32(slot), Off: off, Size: int64(a.f.Slots[slot].Size)}
}

// put notes that v stores x to the stack at off behind p.
func (a *analysis) put(v *ir.Value, p *Val, off int64, size uint8, x Val) {
	at := a.frame[p.Obj] + off
	n, isConst := x.Num.Const()
	zero := x.Class == Number && isConst && n == 0
	if _, ok := p.Num.Const(); !ok {
		lo, hi := at+clampOffset(p.Num.SMin), at+clampOffset(p.Num.SMax)+int64(size)
		switch {
		case !zero:
			a.st.forget(lo, hi)
		case a.st.zeroed(lo, hi):
			a.matters(v) // check_stack_write_var_off: a zero over a zero stays one
		}
		return
	}
	old := a.st.word(int32(at >> 3))
	if old != nil && old.size != 0 && at&7 != 0 {
		a.st.forget(at, at+1) // the rest of what was one value is not known either
	}
	a.st.forget(at, at+int64(size))
	if zero = zero && at&7 != 0; zero {
		a.matters(v) // check_stack_write_fixed_off: bytes of zero are that in every state
	}
	if !a.kept[p.Obj] {
		return
	}
	h := a.st.own()
	w := word{at: int32(at >> 3), size: size}
	switch {
	case at&7 == 0:
		if x.Class == Number && x.Num.Max>>(8*uint(size)-1)>>1 != 0 {
			x = number(x.Num.trunc(8*uint(size)), x.Trust)
		}
		w.val = x
		a.compared(v)
	case zero:
		w.size = 0
		for i := range size {
			w.zero |= 1 << (uint8(at&7) + i)
		}
		if old := h.word(w.at); old != nil && old.size == 0 {
			old.zero |= w.zero
			return
		}
	default:
		return
	}
	if old := h.word(w.at); old != nil {
		*old = w
		return
	}
	h.stack = append(h.stack, w)
}

// compared says that the operands of v are on the stack now, or tell of what is
// there, which is always compared. With callbacks in place it is too, but a number
// in a variable of theirs has made no difference by that: it would be another one
// in each walk.
func (a *analysis) compared(v *ir.Value) {
	if a.spliced == nil {
		a.matters(v)
	}
}

// clampOffset keeps sums of offsets from overflowing.
func clampOffset(n int64) int64 { return max(min(n, math.MaxInt32), math.MinInt32) }

// take is what a load from the stack gives.
func (a *analysis) take(v *ir.Value, p *Val, off int64) Val {
	unknown := a.fresh(v, OfSize(v.Size), Sure)
	if a.st.lost {
		unknown.Trust = Doubtful
	}
	if v.Type != ir.Scalar {
		unknown = Val{}
	}
	if _, ok := p.Num.Const(); !ok {
		return unknown
	}
	at := a.frame[p.Obj] + off
	w := a.st.word(int32(at >> 3))
	if !a.kept[p.Obj] || at&7+int64(v.Size) > 8 {
		return unknown
	}
	if w == nil {
		return unknown
	}
	if w.size == 0 {
		mask := uint8(1<<v.Size-1) << (at & 7)
		if w.zero&mask == mask {
			return constant(0)
		}
		return unknown
	}
	switch n, isConst := w.val.Num.Const(); {
	case w.size == 8 && v.Size == 8 && at&7 == 0:
		return w.val
	case w.val.Class == Unknown && v.Type == ir.Scalar:
		unknown.Trust = Doubtful
		return unknown
	case w.val.Class != Number:
		return unknown
	case at&7 == 0 && v.Size <= w.size:
		if w.val.Num.Max>>(8*uint(v.Size)) == 0 {
			return w.val
		}
		return a.fresh(v, w.val.Num.trunc(8*uint(v.Size)), w.val.Trust)
	case isConst && n == 0 && at&7+int64(v.Size) <= int64(w.size):
		return constant(0)
	}
	return unknown
}
