package opt

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
)

// dce drops blocks that cannot be reached, parameters and values that
// nothing with an effect needs.
func dce(f *ir.Func, _ *Config) bool {
	changed := f.Prune()
	live := f.Bools(f.NumValues())
	feeds := f.Feeds()
	work := f.ValueTable(f.NumValues())[:0]
	need := func(v *ir.Value) {
		if !live[v.ID] {
			live[v.ID] = true
			work = append(work, v)
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if !droppable(v) {
				need(v)
			}
		}
		for _, a := range b.Term.Args {
			need(a)
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, a := range v.Args {
			need(a)
		}
		feeds.Each(v, need)
	}
	// An atomic whose old value nobody wants need not fetch it.
	used := f.Bools(f.NumValues())
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if live[v.ID] {
				for _, a := range v.Args {
					used[a.ID] = true
				}
			}
		}
		for _, a := range b.Term.Args {
			used[a.ID] = true
		}
		for _, e := range b.Succs {
			for i, a := range e.Args {
				used[a.ID] = used[a.ID] || live[e.To.Params[i].ID]
			}
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if op, fetch := strings.CutPrefix(v.Sym, "fetch-"); fetch && v.Op == ir.OpAtomic && !used[v.ID] {
				v.Sym, changed = op, true
			}
		}
	}
	for _, b := range f.Blocks {
		kept := b.Values[:0]
		for _, v := range b.Values {
			if live[v.ID] {
				kept = append(kept, v)
			}
		}
		changed = changed || len(kept) != len(b.Values)
		b.Values = kept
	}
	dead := func(p *ir.Value) bool { return !live[p.ID] }
	for _, b := range f.Blocks {
		for k := range b.Succs {
			e := &b.Succs[k]
			if e.To != f.Blocks[0] && slices.ContainsFunc(e.To.Params, dead) {
				var args []*ir.Value
				for i, a := range e.Args {
					if live[e.To.Params[i].ID] {
						args = append(args, a)
					}
				}
				e.Args = args
			}
		}
	}
	for _, b := range f.Blocks[1:] {
		n := len(b.Params)
		b.Params = slices.DeleteFunc(b.Params, dead)
		changed = changed || len(b.Params) != n
	}
	return changed
}

// droppable reports whether v matters only through its result.
func droppable(v *ir.Value) bool {
	return v.Op.Pure() || v.Op == ir.OpLoad || v.Op == ir.OpLoadS
}
