package opt

import "github.com/whistler-lang/whistler/internal/ir"

// feeds says what edges give to the parameters of blocks.
type feeds struct {
	first []int32 // by value: where its list begins in all
	all   []feed  // all[0] is unused
}

type feed struct {
	v    *ir.Value
	next int32
}

// feedsOf gathers them, in memory of f until the pass is done.
func feedsOf(f *ir.Func) feeds {
	n := 1
	for _, b := range f.Blocks {
		for i := range b.Succs {
			n += len(b.Succs[i].Args)
		}
	}
	s := feeds{f.Ints(f.NumValues()), make([]feed, 1, n)}
	for _, b := range f.Blocks {
		for _, e := range b.Succs {
			for i, a := range e.Args {
				first := &s.first[e.To.Params[i].ID]
				s.all = append(s.all, feed{a, *first})
				*first = int32(len(s.all) - 1)
			}
		}
	}
	return s
}

// each calls do with what edges give to v.
func (s *feeds) each(v *ir.Value, do func(*ir.Value)) {
	for i := s.first[v.ID]; i != 0; i = s.all[i].next {
		do(s.all[i].v)
	}
}
