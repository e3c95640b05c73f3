package lisp

import (
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// A row is a standard function: its name, its lambda list, from which the
// number of arguments follows, and what it does.
type row struct {
	name   string
	params string
	fn     func(in *Interp, a []Value) Value
}

// A special is a standard operator that does not evaluate all of its
// arguments. It compiles its form, or rewrites it as a macro does.
type special struct {
	name     string
	params   string
	min, max int
	compile  func(c *comp, x *sexp.Cons) code
	macro    func(c *comp, x *sexp.Cons) Value
}

// index holds the standard operators by name. It is built once and never
// changes afterwards.
var index struct {
	once     sync.Once
	rows     map[string]*row
	specials map[string]*special
}

func tables() [][]row {
	return [][]row{
		listRows(), setRows(), treeRows(), seqRows(), seqFindRows(), sortRows(), mapRows(), numRows(), bitRows(), floatRows(),
		compareRows(), charRows(), stringRows(), vectorRows(), arrayRows(), hashRows(), symbolRows(), callRows(), typeRows(),
		condRows(), formatRows(), streamRows(), placeRows(), expandRows(), sandboxRows(),
	}
}

func specialTables() [][]special {
	return [][]special{
		basicSpecials(), bindSpecials(), controlSpecials(), caseSpecials(), iterSpecials(), valueSpecials(),
		defineSpecials(), quasiSpecials(), setfSpecials(), loopSpecials(), condSpecials(), streamSpecials(), noSpecials(),
	}
}

func build() {
	rows := tables()
	index.rows = make(map[string]*row, entries(rows))
	for _, t := range rows {
		for i := range t {
			index.rows[t[i].name] = &t[i]
		}
	}
	specials := specialTables()
	index.specials = make(map[string]*special, entries(specials))
	for _, t := range specials {
		for i := range t {
			t[i].min, t[i].max = arity(t[i].params)
			index.specials[t[i].name] = &t[i]
		}
	}
}

func entries[T any](tables [][]T) (n int) {
	for _, t := range tables {
		n += len(t)
	}
	return n
}

func findRow(name string) *row {
	index.once.Do(build)
	return index.rows[name]
}

func findSpecial(name string) *special {
	index.once.Do(build)
	return index.specials[name]
}

// arity counts the parameters of a lambda list's text; max is -1 for any.
func arity(params string) (lo, hi int) {
	state, depth := 0, 0
	words := strings.Fields(params)
	for _, w := range words {
		if depth == 0 {
			switch w {
			case "&optional":
				state = 1
				continue
			case "&rest", "&body", "&key":
				return lo, -1
			}
			if state == 0 {
				lo++
			}
			hi++
		}
		depth += strings.Count(w, "(") - strings.Count(w, ")")
	}
	return lo, hi
}

// manyValued are the standard functions that may give other than one value.
var manyValued = map[string]bool{
	"VALUES": true, "VALUES-LIST": true, "FUNCALL": true, "APPLY": true, "EVAL": true, "GETHASH": true,
	"FLOOR": true, "CEILING": true, "TRUNCATE": true, "ROUND": true, "FFLOOR": true, "FCEILING": true, "FTRUNCATE": true, "FROUND": true,
	"MACROEXPAND": true, "MACROEXPAND-1": true, "PARSE-INTEGER": true, "INTERN": true, "FIND-SYMBOL": true,
	"GET-SETF-EXPANSION": true, "GET-PROPERTIES": true, "READ-FROM-STRING": true, "READ-LINE": true,
}

// A multi is what a form gives that has other than one value. It exists
// between the form and its consumer only; see one.
type multi struct{ vals []Value }

// one is the first value.
func one(v Value) Value {
	if m, ok := v.(*multi); ok {
		if len(m.vals) == 0 {
			return sexp.Nil
		}
		return m.vals[0]
	}
	return v
}

// all lists the values of v.
func all(v Value) []Value {
	if m, ok := v.(*multi); ok {
		return m.vals
	}
	return []Value{v}
}

// values makes the result of a form with these values.
func values(vs ...Value) Value { return &multi{vs} }

// truth is t or nil.
func truth(b bool) Value {
	if b {
		return sexp.T
	}
	return sexp.Nil
}

func isNil(v Value) bool { return v == Value(sexp.Nil) }

func isSymbol(v Value) bool {
	_, ok := v.(*sexp.Symbol)
	return ok
}

// length of a proper list; -1 for anything else.
func length(v Value) int {
	slow := v
	for n := 0; ; n++ {
		c, ok := v.(*sexp.Cons)
		if !ok {
			if isNil(v) {
				return n
			}
			return -1
		}
		v = c.Cdr
		if n%2 == 1 {
			slow = slow.(*sexp.Cons).Cdr
			if slow == v {
				return -1
			}
		}
	}
}

// list makes a list of a copy of items.
func (in *Interp) list(items []Value) Value {
	var all Value = sexp.Nil
	for i := len(items) - 1; i >= 0; i-- {
		all = in.cons(items[i], all)
	}
	return all
}

func (in *Interp) cons(a, d Value) *sexp.Cons {
	in.alloc(4)
	c := in.table.Cons()
	c.Car, c.Cdr = a, d
	return c
}

// listOf gives the items of v, which must be a proper list.
func (in *Interp) listOf(v Value, who string) []Value {
	if isNil(v) {
		return nil
	}
	c, ok := v.(*sexp.Cons)
	if !ok {
		in.fail(in.typeErr(v, "a list").inCall(who))
	}
	items, ok := sexp.Slice(c)
	if !ok {
		in.fail(in.typeErr(v, "a proper list").inCall(who))
	}
	in.steps(len(items) / 8)
	return items
}

func lower(s string) string { return strings.ToLower(s) }

func joinWords(a, b string) string { return strings.TrimSpace(a + " " + b) }
