package lisp

import (
	"fmt"
	"math"
	"math/big"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// A Table is a hash table. It keeps the order of insertion, so that what a
// macro makes of it is the same every time.
type Table struct {
	test    byte // 'q' eq and eql, 'e' equal, 'p' equalp
	entries []entry
	gone    int // removed entries still in entries
	direct  map[any]int
	buckets map[uint64][]int // of keys that are compared by their parts
}

type entry struct {
	key, val Value
	gone     bool
}

// PrintLisp prints #<hash-table n>.
func (t *Table) PrintLisp() string { return fmt.Sprintf("#<hash-table %d>", t.count()) }

func (t *Table) count() int { return len(t.entries) - t.gone }

// Keys of the direct map that are not the value itself.
type (
	bigKey   string
	ratKey   string
	floatKey uint64
	textKey  string
)

// directKey gives the Go map key of v, if one comparison is all that is needed.
func (t *Table) directKey(v Value) (any, bool) {
	switch x := v.(type) {
	case *big.Int:
		return bigKey(x.Text(62)), t.test != 'p'
	case *big.Rat:
		return ratKey(x.String()), t.test != 'p'
	case float64:
		return floatKey(math.Float64bits(x)), t.test != 'p'
	case *sexp.String:
		if t.test == 'e' {
			return textKey(x.String()), true
		}
		return x, t.test == 'q'
	case *sexp.Cons, *sexp.Vector, *Array, *Table:
		return x, t.test == 'q' || t.test == 'e' && !isCons(v)
	case sexp.Char:
		if t.test == 'p' {
			return sexp.Char(fold(rune(x))), true
		}
	case int64:
		return x, t.test != 'p'
	}
	return v, true
}

func isCons(v Value) bool { _, ok := v.(*sexp.Cons); return ok }

func (t *Table) find(in *Interp, key Value) (i int, d any, h uint64) {
	in.step()
	switch x := key.(type) {
	case *sexp.String:
		in.steps(len(x.R) / 4)
	case *big.Int, *big.Rat:
		words := bitLen(x) / 64
		in.steps(words + words/16*words/16)
	}
	d, ok := t.directKey(key)
	if ok {
		if i, ok := t.direct[d]; ok {
			return i, d, 0
		}
		return -1, d, 0
	}
	hs := &hasher{in: in, h: 14695981039346656037}
	hs.add(key, t.test == 'p')
	for _, i := range t.buckets[hs.h] {
		k := t.entries[i].key
		if t.test == 'e' && in.equal(k, key) || t.test == 'p' && in.equalp(k, key) {
			return i, nil, hs.h
		}
	}
	return -1, nil, hs.h
}

func (t *Table) get(in *Interp, key Value) (Value, bool) {
	if i, _, _ := t.find(in, key); i >= 0 {
		return t.entries[i].val, true
	}
	return nil, false
}

func (t *Table) put(in *Interp, key, val Value) {
	i, d, h := t.find(in, key)
	if i >= 0 {
		t.entries[i].val = val
		return
	}
	in.alloc(16)
	t.entries = append(t.entries, entry{key: key, val: val})
	t.index(d, h, len(t.entries)-1)
}

func (t *Table) index(d any, h uint64, i int) {
	if d != nil {
		if t.direct == nil {
			t.direct = map[any]int{}
		}
		t.direct[d] = i
		return
	}
	if t.buckets == nil {
		t.buckets = map[uint64][]int{}
	}
	t.buckets[h] = append(t.buckets[h], i)
}

func (t *Table) remove(in *Interp, key Value) bool {
	i, d, h := t.find(in, key)
	if i < 0 {
		return false
	}
	t.entries[i] = entry{gone: true}
	t.gone++
	if d != nil {
		delete(t.direct, d)
	} else {
		b := t.buckets[h]
		for j := range b {
			if b[j] == i {
				t.buckets[h] = append(b[:j:j], b[j+1:]...)
				break
			}
		}
	}
	if t.gone > 32 && t.gone > len(t.entries)/2 {
		t.compact(in)
	}
	return true
}

// compact drops the removed entries.
func (t *Table) compact(in *Interp) {
	old := t.entries
	t.entries, t.gone, t.direct, t.buckets = nil, 0, nil, nil
	for _, e := range old {
		if e.gone {
			continue
		}
		_, d, h := t.find(in, e.key)
		t.entries = append(t.entries, e)
		t.index(d, h, len(t.entries)-1)
	}
}

// A hasher hashes what equal or equalp compares.
type hasher struct {
	in *Interp
	h  uint64
	n  int
}

func (h *hasher) word(x uint64) {
	h.h = (h.h ^ x) * 1099511628211
	h.h ^= h.h >> 29
}

func (h *hasher) add(v Value, p bool) {
	if h.n++; h.n > 64 { // equal values have equal beginnings
		return
	}
	switch x := v.(type) {
	case *sexp.Cons:
		h.word(1)
		for c := x; c != nil && h.n <= 64; {
			h.in.enter()
			h.add(c.Car, p)
			h.in.leave()
			next, ok := c.Cdr.(*sexp.Cons)
			if !ok {
				h.add(c.Cdr, p)
			}
			c = next
		}
	case *sexp.Symbol:
		h.word(2)
		for _, r := range x.Name[:min(len(x.Name), 32)] {
			h.word(uint64(r))
		}
	case *sexp.String, *sexp.Vector:
		_, isStr := v.(*sexp.String)
		if !p && !isStr {
			h.word(5) // compared by identity
			return
		}
		n := vectorLength(v)
		h.word(uint64(n) + 7)
		for i := 0; i < n && i < 64; i++ {
			h.in.enter()
			h.add(vectorItem(v, i), p)
			h.in.leave()
		}
	case sexp.Char:
		r := rune(x)
		if p {
			r = fold(r)
		}
		h.word(uint64(r) + 1<<32)
	case int64:
		h.number(float64(x))
	case *big.Int, *big.Rat:
		h.number(h.in.float(v))
	case float64:
		h.number(x)
	case *Array:
		h.word(3)
	default:
		h.word(4)
	}
}

// number hashes by value as a float: numbers that are = hash alike.
func (h *hasher) number(f float64) {
	if f == 0 { // -0.0 too
		f = 0
	}
	h.word(math.Float64bits(f))
}

// hashTable is v as a hash table.
func (in *Interp) hashTable(v Value) *Table {
	t, ok := v.(*Table)
	if !ok {
		in.typeError(v, "a hash table")
	}
	return t
}

func hashRows() []row {
	return []row{
		{"MAKE-HASH-TABLE", "&key test size rehash-size rehash-threshold", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a, "TEST", "SIZE", "REHASH-SIZE", "REHASH-THRESHOLD", "SYNCHRONIZED", "WEAKNESS")
			t := &Table{test: 'q'}
			if k[0] != nil {
				name := ""
				switch x := k[0].(type) {
				case *sexp.Symbol:
					name = x.Name
				case *Function:
					if s := x.Name(); s != nil {
						name = s.Name
					}
				}
				switch name {
				case "EQ", "EQL":
				case "EQUAL":
					t.test = 'e'
				case "EQUALP":
					t.test = 'p'
				default:
					in.typeError(k[0], "a test of hash tables (eq, eql, equal or equalp)")
				}
			}
			in.alloc(16)
			return t
		}},
		{"GETHASH", "key table &optional default", func(in *Interp, a []Value) Value {
			if v, ok := in.hashTable(a[1]).get(in, a[0]); ok {
				return values(v, sexp.T)
			}
			return values(optional(a, 2), sexp.Nil)
		}},
		{"REMHASH", "key table", func(in *Interp, a []Value) Value { return truth(in.hashTable(a[1]).remove(in, a[0])) }},
		{"CLRHASH", "table", func(in *Interp, a []Value) Value {
			t := in.hashTable(a[0])
			*t = Table{test: t.test}
			return t
		}},
		{"HASH-TABLE-COUNT", "table", func(in *Interp, a []Value) Value { return int64(in.hashTable(a[0]).count()) }},
		{"HASH-TABLE-SIZE", "table", func(in *Interp, a []Value) Value { return int64(len(in.hashTable(a[0]).entries)) }},
		{"HASH-TABLE-P", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*Table); return truth(ok) }},
		{"HASH-TABLE-TEST", "table", func(in *Interp, a []Value) Value {
			return in.table.Intern(map[byte]string{'q': "EQL", 'e': "EQUAL", 'p': "EQUALP"}[in.hashTable(a[0]).test])
		}},
		{"MAPHASH", "function table", func(in *Interp, a []Value) Value {
			fn, t := in.function(a[0]), in.hashTable(a[1])
			for _, e := range append([]entry(nil), t.entries...) {
				if !e.gone {
					in.call2(fn, e.key, e.val)
				}
			}
			return sexp.Nil
		}},
		{"%HASH-ENTRIES", "table", func(in *Interp, a []Value) Value {
			l := in.builder()
			for _, e := range in.hashTable(a[0]).entries {
				if !e.gone {
					in.step()
					l.add(in.cons(e.key, e.val))
				}
			}
			return l.head
		}},
	}
}
