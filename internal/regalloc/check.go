package regalloc

import (
	"fmt"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
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
	c := checker{places: int(Slot0) + r.Spills}
	all := (f.NumBlocks() + 2) * c.places
	room := states.Take(all)
	room.List = room.List[:all]
	defer states.Give(room)
	defer c.names.Back(&names)
	in := func(id int) state { return room.List[id*c.places:][:c.places:c.places] }
	st, to := state(in(f.NumBlocks())), state(in(f.NumBlocks()+1))
	for i, p := range f.Blocks[0].Params {
		in(f.Blocks[0].ID)[Loc(1+i)] = c.one(p)
	}
	const reached, stale = 1, 2 // stale is what has changed since it was looked at
	is := make([]uint8, f.NumBlocks())
	is[f.Blocks[0].ID] = reached | stale
	order := f.ReversePostorder()
	for again := true; again; {
		again = false
		for _, b := range order {
			if is[b.ID]&stale == 0 {
				continue
			}
			is[b.ID] &^= stale
			copy(st, in(b.ID))
			blk := index[b.ID]
			if blk == nil {
				return fmt.Errorf("b%d is missing", b.ID)
			}
			if err := c.block(blk, st); err != nil {
				return fmt.Errorf("b%d: %v", b.ID, err)
			}
			for _, e := range b.Succs {
				end := st
				if len(e.To.Params) > 0 {
					c.along(e, st, to)
					end = to
				}
				if is[e.To.ID] == 0 {
					copy(in(e.To.ID), end)
				} else if !in(e.To.ID).meet(end) {
					continue
				}
				is[e.To.ID], again = reached|stale, true
			}
		}
	}
	return nil
}

// A checker makes the sets of one Check.
type checker struct {
	places int
	names  slab.Lent[*ir.Value]
}

// What all of them have in turn.
var (
	states slab.Rooms[set]
	names  = slab.Pool[*ir.Value]{AtOnce: 128}
)

// one is the set of v alone.
func (c *checker) one(v *ir.Value) set {
	return c.names.Copy(&names, []*ir.Value{v})
}

// along makes to what s is behind the edge e: each parameter becomes one more
// name of what its argument's place holds; names from an earlier turn of a loop go.
func (c *checker) along(e ir.Edge, s, to state) {
	for l, vs := range s {
		if len(vs) > 0 {
			was := vs
			vs = was.without(func(v *ir.Value) bool { return v.IsParamOf(e.To) })
			for i, a := range e.Args {
				if was.has(a) {
					vs = append(vs[:len(vs):len(vs)], e.To.Params[i])
				}
			}
		}
		to[l] = vs
	}
}

// block follows b from st on, which becomes what places hold behind it.
func (c *checker) block(b *Block, st state) error {
	need := func(v *ir.Value, l Loc, by *ir.Value) error {
		if l < 0 || int(l) >= len(st) {
			return fmt.Errorf("%s wants %v in %v", by.LongString(), v, l)
		}
		if !st[l].has(v) {
			return fmt.Errorf("%s wants %v in %v, which holds %v", by.LongString(), v, l, st[l])
		}
		return nil
	}
	for _, i := range b.Insts {
		switch {
		case i.V == nil && i.Remat != nil:
			st[i.Dst] = c.one(i.Remat)
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
			st[i.Dst] = st[i.Src[0]]
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
					st[r] = nil
				}
			}
			st.forget(v)
			if v.Op.HasResult() {
				if !i.Dst.IsReg() {
					return fmt.Errorf("%v: no register for the result", i)
				}
				st[i.Dst] = c.one(v)
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

// without is s without the values that drop takes. Sets are never changed in
// place: states share them.
func (s set) without(drop func(*ir.Value) bool) set {
	i := slices.IndexFunc(s, drop)
	if i < 0 {
		return s
	}
	rest := slices.Clone(s[:i])
	for _, v := range s[i+1:] {
		if !drop(v) {
			rest = append(rest, v)
		}
	}
	return rest
}

// A state is what each place holds.
type state []set

// forget drops v everywhere: a new turn of a loop computes it anew, and what
// places still hold of the turn before is stale.
func (s state) forget(v *ir.Value) {
	for l, vs := range s {
		if len(vs) > 0 {
			s[l] = vs.without(func(x *ir.Value) bool { return origin(x) == v })
		}
	}
}

// meet keeps what both agree on; it reports whether s lost something.
func (s state) meet(t state) bool {
	changed := false
	for l, vs := range s {
		if both := vs.without(func(v *ir.Value) bool { return !t[l].has(v) }); len(both) != len(vs) {
			s[l], changed = both, true
		}
	}
	return changed
}
