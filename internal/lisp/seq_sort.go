package lisp

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

func sortRows() []row {
	return []row{
		{"SORT", "sequence predicate &key key", sortSeq},
		{"STABLE-SORT", "sequence predicate &key key", sortSeq},
		{"MERGE", "type sequence sequence predicate &key key", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[4:], "KEY")
			key := in.keyFunction(k[0])
			out := append(in.elems(in.sequence(a[1]), key), in.elems(in.sequence(a[2]), key)...)
			in.sortElems(out, in.function(a[3]))
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

func (in *Interp) elems(s sequence, key *Function) []elem {
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
	var ats []source.Pos
	for i, e := range es {
		if items[i] = e.v; e.at.Known() {
			if ats == nil {
				ats = make([]source.Pos, len(es))
			}
			ats[i] = e.at
		}
	}
	return in.build(kind, items, ats)
}

// sortElems sorts in place, stably.
func (in *Interp) sortElems(es []elem, less *Function) {
	slices.SortStableFunc(es, func(a, b elem) int {
		in.step()
		if in.Truthy(in.call2(less, a.key, b.key)) {
			return -1
		}
		return 0
	})
}

// sortSeq sorts stably. A vector is sorted in place, of a list a sorted copy
// is made.
func sortSeq(in *Interp, a []Value) Value {
	k := in.keyArgs(a[2:], "KEY")
	s := in.sequence(a[0])
	es := in.elems(s, in.keyFunction(k[0]))
	in.sortElems(es, in.function(a[1]))
	if v, ok := a[0].(*sexp.Vector); ok {
		in.change(v)
		for i, e := range es {
			v.Items[i] = e.v
		}
		return v
	}
	return in.fromElems(s.kind, es)
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
