package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

func sortRows() []row {
	return []row{
		{"SORT", "sequence predicate &key key", sortSeq},
		{"STABLE-SORT", "sequence predicate &key key", sortSeq},
		{"MERGE", "type sequence sequence predicate &key key", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[4:], "KEY")
			x, y := in.elems(a[1], in.keyFunction(k[0])), in.elems(a[2], in.keyFunction(k[0]))
			out := in.mergeElems(x, y, in.function(a[3]))
			return in.fromElems(in.sequenceType(a[0]), out)
		}},
		{"REDUCE", "function sequence &key key from-end start end initial-value", reduce},
	}
}

// An elem is an element on its way through a sort.
type elem struct {
	v, key Value
	at     source.Pos
}

func (in *Interp) elems(v Value, key *Function) []elem {
	s := in.sequence(v)
	in.alloc(int64(4 * len(s.items)))
	out := make([]elem, len(s.items))
	for i, x := range s.items {
		out[i].v, out[i].key = x, x
		if key != nil {
			out[i].key = in.call1(key, x)
		}
		if s.ats != nil {
			out[i].at = s.ats[i]
		}
	}
	return out
}

func (in *Interp) fromElems(kind byte, es []elem) Value {
	items := make([]Value, len(es))
	ats := make([]source.Pos, len(es))
	for i, e := range es {
		items[i], ats[i] = e.v, e.at
	}
	return in.build(kind, items, ats)
}

// mergeElems merges two sorted runs, stably.
func (in *Interp) mergeElems(x, y []elem, less *Function) []elem {
	out := make([]elem, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		in.step()
		if in.Truthy(in.call2(less, y[0].key, x[0].key)) {
			out, y = append(out, y[0]), y[1:]
		} else {
			out, x = append(out, x[0]), x[1:]
		}
	}
	return append(append(out, x...), y...)
}

func (in *Interp) sortElems(es []elem, less *Function) []elem {
	if len(es) < 2 {
		return es
	}
	h := len(es) / 2
	return in.mergeElems(in.sortElems(es[:h], less), in.sortElems(es[h:], less), less)
}

// sortSeq sorts stably. A vector is sorted in place, of a list a sorted copy
// is made.
func sortSeq(in *Interp, a []Value) Value {
	k := in.keyArgs(a[2:], "KEY")
	es := in.sortElems(in.elems(a[0], in.keyFunction(k[0])), in.function(a[1]))
	if v, ok := a[0].(*sexp.Vector); ok {
		for i, e := range es {
			v.Items[i] = e.v
		}
		return v
	}
	return in.fromElems(in.sequence(a[0]).kind, es)
}

func reduce(in *Interp, a []Value) Value {
	fn := in.function(a[0])
	k := in.keyArgs(a[2:], "KEY", "FROM-END", "START", "END", "INITIAL-VALUE")
	s := in.slice(in.sequence(a[1]), k[2], k[3])
	key := in.keyFunction(k[0])
	items := s.items
	fromEnd := k[1] != nil && !isNil(k[1])
	if fromEnd {
		in.alloc(int64(len(items)))
		items = reverse(items)
	}
	keyOf := func(v Value) Value {
		if key != nil {
			return in.call1(key, v)
		}
		return v
	}
	acc := k[4]
	if acc == nil {
		if len(items) == 0 {
			return one(in.call(fn, nil))
		}
		acc, items = keyOf(items[0]), items[1:]
	}
	for _, x := range items {
		x = keyOf(x)
		if fromEnd {
			acc = in.call2(fn, x, acc)
		} else {
			acc = in.call2(fn, acc, x)
		}
	}
	return acc
}
