package ir

// Clone copies a whole function: nothing that is done to the copy shows in f.
func (f *Func) Clone() *Func {
	g := &Func{Name: f.Name, nextV: f.nextV, nextB: f.nextB}
	for _, s := range f.Slots {
		if s != nil {
			t := *s
			s = &t
		}
		g.Slots = append(g.Slots, s)
	}
	values := make([]*Value, f.nextV)
	value := func(v *Value) *Value {
		if v == nil {
			return nil
		}
		if values[v.ID] == nil {
			values[v.ID] = new(Value)
		}
		return values[v.ID]
	}
	list := func(from []*Value) (to []*Value) {
		if len(from) > 0 {
			to = make([]*Value, len(from))
		}
		for i, v := range from {
			to[i] = value(v)
		}
		return to
	}
	fill := func(v *Value) *Value {
		w := value(v)
		if w != nil {
			*w = *v
			w.Args = list(v.Args)
		}
		return w
	}
	blocks := make([]*Block, f.nextB)
	for _, b := range f.Blocks {
		nb := &Block{ID: b.ID, Depth: b.Depth}
		blocks[b.ID] = nb
		g.Blocks = append(g.Blocks, nb)
	}
	for _, b := range f.Blocks {
		nb := blocks[b.ID]
		for _, v := range b.Params {
			nb.Params = append(nb.Params, fill(v))
		}
		for _, v := range b.Values {
			nb.Values = append(nb.Values, fill(v))
		}
		nb.Term = fill(b.Term)
		for _, e := range b.Succs {
			nb.Succs = append(nb.Succs, Edge{blocks[e.To.ID], list(e.Args)})
		}
	}
	return g
}
