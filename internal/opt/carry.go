package opt

import (
	"cmp"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// mostCarried is how many values a loop may have in registers all the time for
// carry to give it one more.
const mostCarried = 7

// carry keeps words of the stack in registers while a loop runs that reads them in
// each turn and writes them for the next: a number that goes through memory
// comes later.
//
//	b1: jump b2; b2: v1 = load.4 s1; v2 = add.4 v1 #1; store.4 s1 v2; br … b2 b3
//	=>   b1: v3 = load.4 s1; jump b2(v3);
//	     b2(v4): v2 = add.4 v4 #1; v5 = zext.4 v2; br … b2(v5) b4; b4: store.4 s1 v5; jump b3
//
// The load before the loop and the store behind it are left to other passes. It
// looks at loops of one block.
func carry(f *ir.Func, _ *Config) bool {
	changed := false
	var preds [][]*ir.Block
	for _, b := range f.Blocks {
		back := slices.IndexFunc(b.Succs, func(e ir.Edge) bool { return e.To == b })
		if back < 0 || len(b.Succs) < 2 || b.Succs[1-back].To == b {
			continue
		}
		words := carried(b)
		if room := mostCarried - heldThrough(b); len(words) > room {
			words = words[:max(room, 0)]
		}
		if len(words) == 0 {
			continue
		}
		if preds == nil {
			preds = f.Preds()
		}
		if slices.ContainsFunc(preds[b.ID], func(p *ir.Block) bool { return p != b && len(p.Succs) > 1 }) {
			continue // which may leave the word unset where the loop does not run
		}
		after := f.NewBlock()
		after.Term = f.NewValue(ir.OpJump, b.Term.Pos)
		after.Succs = []ir.Edge{b.Succs[1-back]}
		b.Succs[1-back] = ir.Edge{To: after}
		for i := range words {
			words[i].carry(f, b, preds[b.ID], after)
		}
		changed = true
	}
	return changed
}

// heldThrough is how many values are in registers in all of b: its parameters,
// and what it takes from elsewhere.
func heldThrough(b *ir.Block) int {
	own := make(map[*ir.Value]bool, len(b.Values))
	for _, v := range b.Values {
		own[v] = true
	}
	for _, p := range b.Params {
		own[p] = true
	}
	taken := map[*ir.Value]bool{}
	b.Uses(func(v **ir.Value) {
		if x := plain(*v); !own[x] && !x.Remat() {
			taken[x] = true
		}
	})
	return len(b.Params) + len(taken)
}

// A stackWord is a piece of the stack that a block reads first, and writes.
type stackWord struct {
	slot  int
	off   int64
	size  uint8
	uses  []*ir.Value // loads and stores
	mixed bool        // in pieces, or not as a number
	depth int         // of the computation of what is stored last
}

// carried are the words that can be in a register from one turn of b to the next,
// first those with the longest computation: they are the last to be known.
func carried(b *ir.Block) (words []stackWord) {
	depth := make(map[*ir.Value]int, len(b.Values))
	for _, v := range b.Values {
		for _, a := range v.Args {
			depth[v] = max(depth[v], depth[a]+1)
		}
		if v.Op != ir.OpLoad && v.Op != ir.OpLoadS && v.Op != ir.OpStore {
			if v.Op.Writes() {
				return nil
			}
			continue
		}
		slot, off, ok := stackPlace(v)
		if !ok && mayMeet(class(v), ir.PtrStack) {
			return nil
		} else if !ok {
			continue
		}
		number := v.Op == ir.OpLoad && v.Type == ir.Scalar || v.Op == ir.OpStore && !v.HasImm && v.Args[len(v.Args)-1].Type == ir.Scalar
		var at *stackWord
		for i := range words {
			switch w := &words[i]; {
			case w.slot != slot || w.off+int64(w.size) <= off || off+int64(v.Size) <= w.off:
			case w.off == off && w.size == v.Size && number:
				at = w
			default:
				w.mixed, number = true, false
			}
		}
		if at == nil {
			words = append(words, stackWord{slot: slot, off: off, size: v.Size, mixed: !number || v.Op == ir.OpStore})
			at = &words[len(words)-1]
		}
		at.uses = append(at.uses, v)
		if at.mixed = at.mixed || !number; v.Op == ir.OpStore {
			at.depth = depth[v]
		}
	}
	words = slices.DeleteFunc(words, func(w stackWord) bool { return w.mixed || w.depth == 0 })
	slices.SortStableFunc(words, func(x, y stackWord) int { return cmp.Compare(y.depth, x.depth) })
	return words
}

// carry gives w to the turns of b as a parameter.
func (w *stackWord) carry(f *ir.Func, b *ir.Block, preds []*ir.Block, after *ir.Block) {
	pos := w.uses[0].Pos
	now := f.NewParam(b, ir.Scalar, pos)
	for _, v := range w.uses {
		if v.Op == ir.OpLoad {
			f.MakeCopy(v, now)
			continue
		}
		val := v.Args[len(v.Args)-1]
		if w.size == 8 {
			f.MakeCopy(v, val)
		} else {
			v.Op, v.Args, v.Slot, v.Aux, v.Type = ir.OpZext, f.List(val), 0, 0, ir.Scalar
		}
		now = v
	}
	address := func(in *ir.Block) *ir.Value {
		a := f.NewValue(ir.OpStackAddr, pos)
		a.Type, a.Slot, a.Aux = ir.PtrStack, w.slot, w.off
		return in.Append(a)
	}
	for _, p := range preds {
		arg := now
		if p != b {
			arg = f.NewValue(ir.OpLoad, pos, address(p))
			arg.Size, arg.Type = w.size, ir.Scalar
			p.Append(arg)
		}
		for i := range p.Succs {
			if e := &p.Succs[i]; e.To == b {
				e.Args = f.AddTo(e.Args, arg)
			}
		}
	}
	st := f.NewValue(ir.OpStore, pos, address(after), now)
	st.Size = w.size
	after.Append(st)
}
