package regalloc

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/ir"
)

// Check proves that r computes what its function says: it follows, along
// every path to a fixed point, which values each place holds, and demands at
// each instruction that its operands are where it reads them.
func Check(r *Result) error {
	f := r.F
	index := make([]*Block, f.NumBlocks())
	for _, b := range r.Blocks {
		index[b.IR.ID] = b
	}
	in := make([]state, f.NumBlocks())
	entry := state{}
	for i, p := range f.Blocks[0].Params {
		entry[Loc(1+i)] = set{p}
	}
	in[f.Blocks[0].ID] = entry
	work := []*ir.Block{f.Blocks[0]}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		st := in[b.ID].clone()
		blk := index[b.ID]
		if blk == nil {
			return fmt.Errorf("b%d is missing", b.ID)
		}
		if err := checkBlock(blk, st); err != nil {
			return fmt.Errorf("b%d: %v", b.ID, err)
		}
		for _, e := range b.Succs {
			out := st.clone()
			// On the edge, each parameter becomes one more name of what its
			// argument's place holds; names from an earlier turn of a loop go.
			renamed := state{}
			for l, vs := range out {
				var now set
				for _, v := range vs {
					if !v.IsParamOf(e.To) {
						now = append(now, v)
					}
				}
				for i, a := range e.Args {
					if vs.has(a) {
						now = append(now, e.To.Params[i])
					}
				}
				if len(now) > 0 {
					renamed[l] = now
				}
			}
			if old := in[e.To.ID]; old == nil {
				in[e.To.ID] = renamed
				work = append(work, e.To)
			} else if old.meet(renamed) {
				work = append(work, e.To)
			}
		}
	}
	return nil
}

func checkBlock(b *Block, st state) error {
	need := func(v *ir.Value, l Loc, by *ir.Value) error {
		if !st[l].has(v) {
			return fmt.Errorf("%s wants %v in %v, which holds %v", by.LongString(), v, l, st[l])
		}
		return nil
	}
	for _, i := range b.Insts {
		switch {
		case i.V == nil && i.Remat != nil:
			st[i.Dst] = set{i.Remat}
			if i.Dst.IsSlot() && !storable(i.Remat) {
				return fmt.Errorf("%v cannot be stored", i)
			}
		case i.V == nil:
			if i.Dst.IsSlot() && i.Src[0].IsSlot() {
				return fmt.Errorf("%v moves from memory to memory", i)
			}
			if i.Dst == None || i.Src[0] == None {
				return fmt.Errorf("%v has no place", i)
			}
			st[i.Dst] = append(set(nil), st[i.Src[0]]...)
		default:
			v := i.V
			for j, a := range v.Args {
				if err := need(a, i.Src[j], v); err != nil {
					return err
				}
				if !i.Src[j].IsReg() {
					return fmt.Errorf("%v: operand not in a register", i)
				}
				if keepArg(v, j) && v.Op.HasResult() && i.Src[j] == i.Dst && !(j > 0 && v.Args[0] == a && !v.Op.Compares()) {
					return fmt.Errorf("%v: the result overwrites %v", i, a)
				}
			}
			for r := Loc(0); r < numRegs; r++ {
				if clobbers(v)&(1<<r) != 0 {
					delete(st, r)
				}
			}
			st.forget(v)
			if v.Op.HasResult() {
				if !i.Dst.IsReg() {
					return fmt.Errorf("%v: no register for the result", i)
				}
				st[i.Dst] = set{v}
			}
		}
	}
	t := b.IR.Term
	for j, a := range t.Args {
		if err := need(a, b.TermSrc[j], t); err != nil {
			return err
		}
		if t.Op == ir.OpRet && b.TermSrc[j] != 0 || !b.TermSrc[j].IsReg() {
			return fmt.Errorf("%v reads %v", t.LongString(), b.TermSrc[j])
		}
	}
	return nil
}

// A set is the values that a place holds: several when they are equal.
type set []*ir.Value

func (s set) has(v *ir.Value) bool {
	v = origin(v)
	for _, x := range s {
		if origin(x) == v {
			return true
		}
		if v.Op == ir.OpConst && x.Op == ir.OpConst && x.Aux == v.Aux {
			return true
		}
	}
	return false
}

// origin sees through copies and reloads: they are other names of one value.
func origin(v *ir.Value) *ir.Value {
	for v.Op == ir.OpCopy || v.Op == ir.OpReload {
		v = v.Args[0]
	}
	return v
}

type state map[Loc]set

func (s state) clone() state {
	c := make(state, len(s))
	for l, vs := range s {
		c[l] = append(set(nil), vs...)
	}
	return c
}

// forget drops v everywhere: a new turn of a loop computes it anew, and what
// places still hold of the turn before is stale.
func (s state) forget(v *ir.Value) {
	for l, vs := range s {
		var rest set
		for _, x := range vs {
			if origin(x) != v {
				rest = append(rest, x)
			}
		}
		if len(rest) == 0 {
			delete(s, l)
		} else {
			s[l] = rest
		}
	}
}

// meet keeps what both agree on; it reports whether s lost something.
func (s state) meet(t state) bool {
	changed := false
	for l, vs := range s {
		var both set
		for _, v := range vs {
			if t[l].has(v) {
				both = append(both, v)
			}
		}
		if len(both) != len(vs) {
			changed = true
			if len(both) == 0 {
				delete(s, l)
			} else {
				s[l] = both
			}
		}
	}
	return changed
}
