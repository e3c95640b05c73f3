package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// finder looks for elements of a sequence: by an item (find) or a predicate
// (find-if, find-if-not), with the usual keyword arguments.
type finder struct {
	seq     sequence // all of it
	lo, hi  int
	fromEnd bool
	count   int // of remove and substitute; -1 means all
	hit     func(v Value) bool
}

// finder reads (item sequence &key ...); mode is "", "if" or "if-not".
func (in *Interp) finder(mode string, what, seq Value, keys []Value) finder {
	k := make([]Value, 7)
	if len(keys) > 0 {
		k = in.keyArgs(keys, "TEST", "TEST-NOT", "KEY", "START", "END", "FROM-END", "COUNT")
	}
	f := finder{seq: in.sequence(seq), count: -1}
	f.lo, f.hi = in.bounds(len(f.seq.items), k[3], k[4])
	f.fromEnd = k[5] != nil && !isNil(k[5])
	if k[6] != nil && !isNil(k[6]) {
		if n, ok := k[6].(int64); ok && n < 0 {
			f.count = 0
		} else {
			f.count = in.index(k[6])
		}
	}
	t := in.tester(k[0], k[1], k[2])
	switch mode {
	case "":
		f.hit = func(v Value) bool { in.step(); return t.matches(in, what, v) }
	default:
		pred := in.function(what)
		want := mode == "if"
		f.hit = func(v Value) bool { in.step(); return in.Truthy(in.call1(pred, t.keyOf(in, v))) == want }
	}
	return f
}

// index of the first hit, from the end where that is asked; -1 for none.
func (f *finder) index() int {
	if f.fromEnd {
		for i := f.hi - 1; i >= f.lo; i-- {
			if f.hit(f.seq.items[i]) {
				return i
			}
		}
		return -1
	}
	for i := f.lo; i < f.hi; i++ {
		if f.hit(f.seq.items[i]) {
			return i
		}
	}
	return -1
}

// hits marks the elements found, no more than count.
func (f *finder) hits(in *Interp) []bool {
	in.alloc(int64(len(f.seq.items)/16 + 1))
	out := make([]bool, len(f.seq.items))
	left := f.count
	for n := f.lo; n < f.hi && left != 0; n++ {
		i := n
		if f.fromEnd && f.count >= 0 {
			i = f.hi - 1 - (n - f.lo)
		}
		if f.hit(f.seq.items[i]) {
			out[i] = true
			left--
		}
	}
	return out
}

// variants makes the three rows name, name-if and name-if-not. The item or
// predicate is argument at, the sequence follows it.
func variants(name, before string, at int, fn func(in *Interp, f finder, a []Value) Value) []row {
	var rows []row
	for _, v := range []struct{ suffix, mode, what string }{{"", "", "item"}, {"-IF", "if", "predicate"}, {"-IF-NOT", "if-not", "predicate"}} {
		rows = append(rows, row{name + v.suffix, before + v.what + " sequence &key test test-not key start end from-end count", func(in *Interp, a []Value) Value {
			return fn(in, in.finder(v.mode, a[at], a[at+1], a[at+2:]), a)
		}})
	}
	return rows
}

func seqFindRows() []row {
	var rows []row
	add := func(name, before string, at int, fn func(in *Interp, f finder, a []Value) Value) {
		rows = append(rows, variants(name, before, at, fn)...)
	}
	add("FIND", "", 0, func(in *Interp, f finder, a []Value) Value {
		if i := f.index(); i >= 0 {
			return f.seq.items[i]
		}
		return sexp.Nil
	})
	add("POSITION", "", 0, func(in *Interp, f finder, a []Value) Value {
		if i := f.index(); i >= 0 {
			return int64(i)
		}
		return sexp.Nil
	})
	add("COUNT", "", 0, func(in *Interp, f finder, a []Value) Value {
		n := 0
		for _, hit := range f.hits(in) {
			if hit {
				n++
			}
		}
		return int64(n)
	})
	remove := func(in *Interp, f finder, a []Value) Value {
		hits := f.hits(in)
		var items []Value
		var ats []source.Pos
		in.alloc(int64(len(hits)))
		for i, x := range f.seq.items {
			if !hits[i] {
				items = append(items, x)
				if f.seq.ats != nil {
					ats = append(ats, f.seq.ats[i])
				}
			}
		}
		return in.build(f.seq.kind, items, ats)
	}
	add("REMOVE", "", 0, remove)
	add("DELETE", "", 0, remove)
	substitute := func(in *Interp, f finder, a []Value) Value {
		newV := a[0]
		hits := f.hits(in)
		in.alloc(int64(len(hits)))
		items := append([]Value(nil), f.seq.items...)
		ats := append([]source.Pos(nil), f.seq.ats...)
		for i, hit := range hits {
			if hit {
				items[i] = newV
				if i < len(ats) {
					ats[i] = source.Pos{}
				}
			}
		}
		return in.build(f.seq.kind, items, ats)
	}
	add("SUBSTITUTE", "new ", 1, substitute)
	add("NSUBSTITUTE", "new ", 1, substitute)
	return append(rows,
		row{"SEARCH", "pattern sequence &key test test-not key start1 end1 start2 end2 from-end", search},
		row{"MISMATCH", "sequence sequence &key test test-not key start1 end1 start2 end2 from-end", mismatch},
		row{"REMOVE-DUPLICATES", "sequence &key test test-not key start end from-end", removeDuplicates},
		row{"DELETE-DUPLICATES", "sequence &key test test-not key start end from-end", removeDuplicates},
	)
}

// twoSequences reads the arguments of search and mismatch.
func (in *Interp) twoSequences(a []Value) (t tester, s1, s2 sequence, at1, at2 int, fromEnd bool) {
	k := in.keyArgs(a[2:], "TEST", "TEST-NOT", "KEY", "START1", "END1", "START2", "END2", "FROM-END")
	t = in.tester(k[0], k[1], k[2])
	s1, s2 = in.slice(in.sequence(a[0]), k[3], k[4]), in.slice(in.sequence(a[1]), k[5], k[6])
	if k[3] != nil && !isNil(k[3]) {
		at1 = in.index(k[3])
	}
	if k[5] != nil && !isNil(k[5]) {
		at2 = in.index(k[5])
	}
	return t, s1, s2, at1, at2, k[7] != nil && !isNil(k[7])
}

func search(in *Interp, a []Value) Value {
	t, s1, s2, _, at, fromEnd := in.twoSequences(a)
	found := -1
	for i := 0; i+len(s1.items) <= len(s2.items); i++ {
		j := 0
		for j < len(s1.items) && t.same(in, t.keyOf(in, s1.items[j]), t.keyOf(in, s2.items[i+j])) {
			in.step()
			j++
		}
		in.step()
		if j == len(s1.items) {
			found = i
			if !fromEnd {
				break
			}
		}
	}
	if found < 0 {
		return sexp.Nil
	}
	return int64(found + at)
}

func mismatch(in *Interp, a []Value) Value {
	t, s1, s2, at, _, fromEnd := in.twoSequences(a)
	n, m := len(s1.items), len(s2.items)
	same := func(i, j int) bool {
		in.step()
		return t.same(in, t.keyOf(in, s1.items[i]), t.keyOf(in, s2.items[j]))
	}
	if fromEnd {
		i := 0
		for i < n && i < m && same(n-1-i, m-1-i) {
			i++
		}
		if i == n && i == m {
			return sexp.Nil
		}
		return int64(at + n - i)
	}
	i := 0
	for i < n && i < m && same(i, i) {
		i++
	}
	if i == n && i == m {
		return sexp.Nil
	}
	return int64(at + i)
}

// removeDuplicates keeps the last of equal elements, from the end the first.
func removeDuplicates(in *Interp, a []Value) Value {
	k := in.keyArgs(a[1:], "TEST", "TEST-NOT", "KEY", "START", "END", "FROM-END")
	t := in.tester(k[0], k[1], k[2])
	s := in.sequence(a[0])
	lo, hi := in.bounds(len(s.items), k[3], k[4])
	fromEnd := k[5] != nil && !isNil(k[5])
	in.alloc(int64(2 * len(s.items)))
	keys := make([]Value, len(s.items))
	for i := lo; i < hi; i++ {
		keys[i] = t.keyOf(in, s.items[i])
	}
	var items []Value
	var ats []source.Pos
	for i, x := range s.items {
		dup := false
		if i >= lo && i < hi {
			if fromEnd {
				for j := lo; j < i && !dup; j++ {
					in.step()
					dup = t.same(in, keys[j], keys[i])
				}
			} else {
				for j := i + 1; j < hi && !dup; j++ {
					in.step()
					dup = t.same(in, keys[i], keys[j])
				}
			}
		}
		if !dup {
			items = append(items, x)
			if s.ats != nil {
				ats = append(ats, s.ats[i])
			}
		}
	}
	return in.build(s.kind, items, ats)
}
