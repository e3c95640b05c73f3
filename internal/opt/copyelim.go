package opt

import "github.com/whistler-lang/whistler/internal/ir"

// copyelim lets users of copies use the original, and removes parameters
// that are always given the same value:
//
//	jump b1(v0)    b1(v1): v2 = add v1 v1   =>   jump b1    b1: v2 = add v0 v0
func copyelim(f *ir.Func, _ *Config) bool {
	changed := false
	for again := true; again; {
		again = false
		preds := f.Preds()
		// Inner joins come behind outer ones, and decide them.
		for k := len(f.Blocks) - 1; k > 0; k-- {
			b := f.Blocks[k]
			for i := 0; i < len(b.Params); i++ {
				same, ok := sameArg(b, i, preds[b.ID])
				if !ok {
					continue
				}
				p := b.Params[i]
				b.Params = f.Without(b.Params, i)
				for n, pr := range preds[b.ID] {
					if n > 0 && preds[b.ID][n-1] == pr {
						continue // two edges from one block stand side by side
					}
					for k := range pr.Succs {
						if e := &pr.Succs[k]; e.To == b {
							e.Args = f.Without(e.Args, i)
						}
					}
				}
				// The parameter becomes a copy where it stood.
				f.MakeCopy(p, same)
				b.Insert(0, p)
				i--
				changed, again = true, true
			}
		}
		original := func(list []*ir.Value) {
			for i, v := range list {
				for v.Op == ir.OpCopy {
					v = v.Args[0]
					list[i], changed = v, true
				}
			}
		}
		for _, b := range f.Blocks {
			b.Args(original)
		}
	}
	if changed {
		for _, b := range f.Blocks {
			kept := b.Values[:0]
			for _, v := range b.Values {
				if v.Op != ir.OpCopy {
					kept = append(kept, v)
				}
			}
			b.Values = kept
		}
	}
	return changed
}

// sameArg gives the one value that every edge gives to parameter i of b,
// edges that pass the parameter itself aside.
func sameArg(b *ir.Block, i int, preds []*ir.Block) (*ir.Value, bool) {
	var same *ir.Value
	for _, p := range preds { // some twice
		for _, e := range p.Succs {
			if e.To != b {
				continue
			}
			a := e.Args[i]
			for a.Op == ir.OpCopy {
				a = a.Args[0]
			}
			if a == b.Params[i] || a == same {
				continue
			}
			if same != nil {
				return nil, false
			}
			same = a
		}
	}
	return same, same != nil
}
