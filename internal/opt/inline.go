package opt

import "github.com/whistler-lang/whistler/internal/ir"

// An Inliner says which functions calls may be replaced by.
type Inliner struct {
	Funcs map[string]*ir.Func // by name: with nothing left to inline in them, and improved if they are called more than once
	Calls map[string]int      // how often each is called, in all functions
}

// smallBody is the number of values up to which a copy of a function is not
// larger than its call: moves of arguments and result, the call, and what
// the caller must save over it.
const smallBody = 8

// fits reports whether a copy of f in place of its call is no larger.
func (in *Inliner) fits(name string) bool {
	f := in.Funcs[name]
	if f == nil {
		return false
	}
	if in.Calls[name] == 1 {
		return true
	}
	n := 0
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op != ir.OpConst && v.Op != ir.OpCopy {
				n++
			}
			if v.Op.IsCall() {
				return false
			}
		}
		n++
	}
	return n <= smallBody
}

// Inline replaces calls of small functions, and of those that are called
// once, by their bodies.
func Inline(f *ir.Func, in *Inliner) (bool, error) {
	changed := false
	for i := 0; i < len(f.Blocks); i++ {
		b := f.Blocks[i]
		for k, v := range b.Values {
			if v.Op == ir.OpCallSub && in.fits(v.Sym) {
				splice(f, b, k, in.Funcs[v.Sym])
				changed = true
				break // what follows the call is a new block behind
			}
		}
	}
	if !changed {
		return false, nil
	}
	return true, ir.Verify(f)
}

// splice puts a copy of g in place of value k of b, a call:
//
//	b: ... r = callsub g x; rest   =>   b: ... jump g0(x)
//	                                    g: ... jump after(result)
//	                                    after(r): rest
func splice(f *ir.Func, b *ir.Block, k int, g *ir.Func) {
	call := b.Values[k]
	after := f.NewBlock()
	after.Values = append(after.Values, b.Values[k+1:]...)
	after.Term, after.Succs = b.Term, b.Succs
	result := f.NewParam(after, call.Type, call.Pos)
	replaceUses(f, call, result)
	for i := range after.Succs {
		replaceIn(after.Succs[i].Args, call, result)
	}

	slots := make([]int, len(g.Slots))
	for i, s := range g.Slots {
		if s != nil {
			slots[i] = f.NewSlot(s.Size, s.Name, s.Pos)
		}
	}
	blocks := map[*ir.Block]*ir.Block{}
	values := map[*ir.Value]*ir.Value{}
	for _, gb := range g.Blocks {
		nb := f.NewBlock()
		blocks[gb] = nb
		for i, p := range gb.Params {
			t := p.Type
			if gb == g.Blocks[0] && i < len(call.Args) && call.Args[i].Type != ir.Scalar {
				t = call.Args[i].Type // the caller knows where it points
			}
			values[p] = f.NewParam(nb, t, p.Pos)
		}
	}
	copyOf := func(v *ir.Value) *ir.Value {
		w := f.NewValue(v.Op, v.Pos)
		id := w.ID
		*w = *v
		w.ID = id
		w.Slot = slots[v.Slot]
		values[v] = w
		return w
	}
	for _, gb := range g.Blocks {
		nb := blocks[gb]
		for _, v := range gb.Values {
			nb.Append(copyOf(v))
		}
		nb.Term = copyOf(gb.Term)
	}
	for _, gb := range g.Blocks {
		nb := blocks[gb]
		args := func(old []*ir.Value) (out []*ir.Value) {
			for _, a := range old {
				out = append(out, values[a])
			}
			return out
		}
		for i, v := range gb.Values {
			nb.Values[i].Args = args(v.Args)
		}
		nb.Term.Args = args(gb.Term.Args)
		for _, e := range gb.Succs {
			nb.Succs = append(nb.Succs, ir.Edge{To: blocks[e.To], Args: args(e.Args)})
		}
		if gb.Term.Op == ir.OpRet {
			x := nb.Term.Args
			if gb.Term.HasImm {
				x = []*ir.Value{nb.Append(f.Const(gb.Term.Imm, gb.Term.Pos))}
			}
			nb.Term = f.NewValue(ir.OpJump, gb.Term.Pos)
			nb.Succs = []ir.Edge{{To: after, Args: x}}
		}
	}
	b.Values = b.Values[:k:k]
	b.Term = f.NewValue(ir.OpJump, call.Pos)
	b.Succs = []ir.Edge{{To: blocks[g.Blocks[0]], Args: call.Args}}
}

func replaceUses(f *ir.Func, old, by *ir.Value) {
	for _, b := range f.Blocks {
		b.Uses(func(p **ir.Value) {
			if *p == old {
				*p = by
			}
		})
	}
}

func replaceIn(args []*ir.Value, old, by *ir.Value) {
	for i, a := range args {
		if a == old {
			args[i] = by
		}
	}
}
