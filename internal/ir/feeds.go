package ir

// Feeds says what edges give to the parameters of blocks.
type Feeds struct {
	first  []int32 // by value: where its list begins, plus one
	values []*Value
	next   []int32
}

// Feeds gathers them, in memory that is good until Done.
func (f *Func) Feeds() Feeds {
	n := 0
	for _, b := range f.Blocks {
		for i := range b.Succs {
			n += len(b.Succs[i].Args)
		}
	}
	s := Feeds{first: f.Ints(f.nextV), values: f.ValueTable(n), next: f.Ints(n)}
	last := f.Ints(f.nextV)
	k := int32(0)
	for _, b := range f.Blocks {
		for _, e := range b.Succs {
			for i, a := range e.Args {
				s.values[k] = a
				k++
				p := e.To.Params[i].ID
				if at := last[p]; at > 0 {
					s.next[at-1] = k
				} else {
					s.first[p] = k
				}
				last[p] = k
			}
		}
	}
	return s
}

// Each calls do with what edges give to v, in the order of the blocks.
func (s *Feeds) Each(v *Value, do func(*Value)) {
	for i := s.first[v.ID]; i > 0; i = s.next[i-1] {
		do(s.values[i-1])
	}
}
