package opt

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// deadstore drops stores to the stack that are overwritten, or that the
// program ends, before anything reads them, on every way.
func deadstore(f *ir.Func, _ *Config) bool {
	if len(f.Slots) < 2 {
		return false
	}
	d := newStackBytes(f)
	blocks := f.ReversePostorder()
	loops := f.LeadsBack(blocks)
	for again := true; again; {
		again = false
		for i := len(blocks) - 1; i >= 0; i-- {
			b := blocks[i]
			live := d.liveOut(b)
			for k := len(b.Values) - 1; k >= 0; k-- {
				d.step(b.Values[k], live)
			}
			again = d.liveIn(b).set(live) && loops || again
		}
	}
	changed := false
	for _, b := range blocks {
		live := d.liveOut(b)
		kept := len(b.Values)
		for k := len(b.Values) - 1; k >= 0; k-- {
			v := b.Values[k]
			if d.dead(v, live) {
				changed = true
				continue
			}
			d.step(v, live)
			kept--
			b.Values[kept] = v
		}
		b.Values = b.Values[kept:]
	}
	return changed
}

// A bitset has a bit for each byte of the stack.
type bitset []uint64

func (s bitset) mark(from, to int, on bool) {
	for i := from; i < to; i = i/64*64 + 64 {
		if m := word(i, to); on {
			s[i/64] |= m
		} else {
			s[i/64] &^= m
		}
	}
}

// word has the bits from i to before end, of those that are in i's word.
func word(i, end int) uint64 {
	m := ^uint64(0) << (i % 64)
	if left := i/64*64 + 64 - end; left > 0 {
		m &= ^uint64(0) >> left
	}
	return m
}

func (s bitset) any(from, to int) bool {
	for i := from; i < to; i = i/64*64 + 64 {
		if s[i/64]&word(i, to) != 0 {
			return true
		}
	}
	return false
}

// set makes s equal to t and reports whether it was not.
func (s bitset) set(t bitset) (changed bool) {
	for i := range s {
		changed = changed || s[i] != t[i]
		s[i] = t[i]
	}
	return changed
}

// stackBytes knows which bytes of the stack will still be read.
type stackBytes struct {
	f       *ir.Func
	start   []int // of each slot
	escaped []bool
	words   int    // of a bitset
	in      bitset // at the start of each block, by ID
	out     bitset
}

func newStackBytes(f *ir.Func) *stackBytes {
	d := &stackBytes{f: f, start: make([]int, len(f.Slots)+1)}
	for i, s := range f.Slots {
		d.start[i+1] = d.start[i]
		if s != nil {
			d.start[i+1] += s.Size
		}
	}
	d.escaped = escapes(f)
	words := (d.start[len(f.Slots)] + 63) / 64
	d.words, d.in, d.out = words, bitset(f.Words(words*f.NumBlocks())), bitset(f.Words(words))
	return d
}

// liveIn is what is read of the stack from the start of b on.
func (d *stackBytes) liveIn(b *ir.Block) bitset { return d.in[d.words*b.ID:][:d.words] }

func (d *stackBytes) liveOut(b *ir.Block) bitset {
	clear(d.out)
	for _, e := range b.Succs {
		for i, w := range d.liveIn(e.To) {
			d.out[i] |= w
		}
	}
	return d.out
}

// bytes is where a place of the stack stands, false where it is not all
// inside of its slot.
func (d *stackBytes) bytes(slot int, off, size int64) (from, to int, ok bool) {
	if off < 0 || off+size > int64(d.f.Slots[slot].Size) {
		return d.start[slot], d.start[slot+1], false
	}
	from = d.start[slot] + int(off)
	return from, from + int(size), true
}

// dead reports whether v is a store that nobody reads.
func (d *stackBytes) dead(v *ir.Value, live bitset) bool {
	slot, off, ok := stackPlace(v)
	if !ok || v.Op != ir.OpStore || d.escaped[slot] {
		return false
	}
	from, to, ok := d.bytes(slot, off, int64(v.Size))
	return ok && !live.any(from, to)
}

// step takes live from behind v to before it.
func (d *stackBytes) step(v *ir.Value, live bitset) {
	if slot, off, ok := stackPlace(v); ok {
		if from, to, inside := d.bytes(slot, off, int64(v.Size)); v.Op != ir.OpStore || inside {
			live.mark(from, to, v.Op != ir.OpStore)
		}
		return
	}
	if v.Op.Pure() {
		return
	}
	fills := filled(v)
	if v.Op == ir.OpStore { // somewhere in a slot, or elsewhere
		return
	}
	for i, a := range v.Args {
		s := rootSlot(a)
		if s == 0 {
			continue
		}
		_, off, exact := stackAddr(a)
		if n, isConst := sizeBehind(v, i); exact && isConst && fills == i {
			if from, to, inside := d.bytes(s, off, n); inside {
				live.mark(from, to, false)
				continue
			}
		}
		live.mark(d.start[s], d.start[s+1], true)
	}
	if v.Slot != 0 {
		live.mark(d.start[v.Slot], d.start[v.Slot+1], true)
	}
}

// fillers are the helpers that write all of a buffer, whatever happens: where
// they fail, zeros (net/core/filter.c, kernel/trace/bpf_trace.c,
// kernel/bpf/helpers.c). bpf_get_current_comm is none: of a short name, Linux
// 6.1 leaves the rest of the buffer as it was.
var fillers = map[string]bool{"bpf_skb_load_bytes": true, "bpf_skb_load_bytes_relative": true, "bpf_probe_read_kernel": true,
	"bpf_probe_read_user": true, "bpf_probe_read": true, "bpf_copy_from_user": true}

// filled is the argument that v, a call, writes in whole without reading it,
// -1 if there is none.
func filled(v *ir.Value) int {
	if v.Op != ir.OpCall {
		return -1
	}
	h := abi.HelperByID(int32(v.Aux))
	if h == nil || !fillers[h.C] {
		return -1
	}
	for i, k := range h.Args {
		if k == abi.ArgMemOut {
			return i
		}
	}
	return -1
}

// sizeBehind is the size in the argument behind argument i.
func sizeBehind(v *ir.Value, i int) (int64, bool) {
	if i+1 >= len(v.Args) {
		return 0, false
	}
	return v.Args[i+1].IsConst()
}

// rootSlot is the slot whose address v is computed from, 0 if there is none.
func rootSlot(v *ir.Value) int {
	for n := 0; n < far; n++ {
		v = plain(v)
		switch {
		case v.Op == ir.OpStackAddr:
			return v.Slot
		case v.Op == ir.OpAdd && v.Size == 8:
			for _, a := range v.Args[1:] {
				if s := rootSlot(a); s != 0 {
					return s
				}
			}
			v = v.Args[0]
		case v.Op == ir.OpSub && v.Size == 8:
			v = v.Args[0]
		default:
			return 0
		}
	}
	return 0
}

// escapes finds the slots whose address goes anywhere but into loads, stores
// and call arguments, also with a number added.
func escapes(f *ir.Func) []bool {
	escaped := f.Bools(len(f.Slots))
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for i, a := range v.Args {
				switch {
				case v.Op.IsCall(), v.Op == ir.OpAdd, v.Op == ir.OpCopy, v.Op == ir.OpSub && i == 0:
				case i == 0 && v.Slot == 0 && (v.Op == ir.OpLoad || v.Op == ir.OpLoadS || v.Op == ir.OpStore || v.Op == ir.OpAtomic):
				default:
					escaped[rootSlot(a)] = true
				}
			}
		}
		for _, a := range b.Term.Args {
			escaped[rootSlot(a)] = true
		}
		for _, e := range b.Succs {
			for _, a := range e.Args {
				escaped[rootSlot(a)] = true
			}
		}
	}
	return escaped
}
