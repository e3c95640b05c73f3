// Package sexp is the data of Lisp source: what the reader makes of text
// and the printer turns back into it.
package sexp

import (
	"math/big"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Value is any datum: *Symbol, *Cons, int64, *big.Int (only outside of
// int64), *big.Rat (never an integer), float64, *String, Char, *Vector, and
// whatever objects the evaluator adds (functions, hash tables).
type Value any

// A Symbol is a name. Two symbols of one Table with one Name are the same
// pointer. There is one namespace and no packages.
type Symbol struct {
	Name     string // "FOO"; "aB" was written |aB|
	Spelling string // as it was first written, for messages
	Keyword  bool   // :foo; Name is "FOO"
	Interned bool   // false for #:foo and gensyms
}

// Display is the symbol as the user knows it.
func (s *Symbol) Display() string {
	name := s.Spelling
	if name == "" {
		name = strings.ToLower(s.Name)
	}
	if s.Keyword {
		return ":" + name
	}
	return name
}

// A Cons is a pair. Pos spans the list that starts here; At is the place of
// Car, which is how symbols and numbers have places. Both are unknown in
// lists that programs build.
type Cons struct {
	Car, Cdr Value
	Pos, At  source.Pos
}

// A String is mutable, as in Common Lisp, unless it stands in a file whose
// contents are Fixed.
type String struct {
	R     []rune
	Fixed bool
}

// NewString makes a String of s.
func NewString(s string) *String { return &String{R: []rune(s)} }

func (s *String) String() string { return string(s.R) }

// A Char is a Lisp character.
type Char rune

// A Vector is #(...), and what make-array gives.
type Vector struct {
	Items []Value
	Fill  bool // has a fill pointer (adjustable): vector-push-extend works
	Pos   source.Pos
}

// Nil and T are the same symbols in every table.
var (
	Nil             = &Symbol{Name: "NIL", Spelling: "nil", Interned: true}
	T               = &Symbol{Name: "T", Spelling: "t", Interned: true}
	Quote           = &Symbol{Name: "QUOTE", Spelling: "quote", Interned: true}
	Function        = &Symbol{Name: "FUNCTION", Spelling: "function", Interned: true}
	Quasiquote      = &Symbol{Name: "QUASIQUOTE", Spelling: "quasiquote", Interned: true}
	Unquote         = &Symbol{Name: "UNQUOTE", Spelling: "unquote", Interned: true}
	UnquoteSplicing = &Symbol{Name: "UNQUOTE-SPLICING", Spelling: "unquote-splicing", Interned: true}
)

var wellKnown = []*Symbol{Nil, T, Quote, Function, Quasiquote, Unquote, UnquoteSplicing}

// A Table interns symbols. It is for one goroutine; a table on top of a
// base that no longer changes shares the base's symbols.
type Table struct {
	base     *Table
	symbols  map[string]*Symbol
	keywords map[string]*Symbol
	pool     *Pool // where new symbols are looked for; nil: nowhere
	fills    bool  // and put if they are not there
	seen     func(*Symbol)
	conses   slab.Lent[Cons]
	items    slab.Lent[Value]
}

// A Pool has symbols for several tables on one base, of which each takes what
// it would make itself otherwise: what is known of them in one is not known
// in the others. Any number of goroutines may use it.
type Pool struct {
	mu    sync.RWMutex
	table Table // without a base
}

// Draw has t take symbols of p. If t fills it, those that p does not have
// are for others too.
func (t *Table) Draw(p *Pool, fills bool) { t.pool, t.fills = p, fills }

// Watch calls seen for each symbol that is interned from now on, new or not.
func (t *Table) Watch(seen func(*Symbol)) { t.seen = seen }

// Take makes s, which is of a table on the same base and not of that, the symbol
// of its name. It reports whether it is: t may have another one already.
func (t *Table) Take(s *Symbol) bool {
	all := t.symbols
	if s.Keyword {
		all = t.keywords
	}
	if has := all[s.Name]; has != nil {
		return has == s
	}
	all[s.Name] = s
	return true
}

// Own reports whether s is a symbol of t, but not of its base.
func (t *Table) Own(s *Symbol) bool {
	if s.Keyword {
		return t.keywords[s.Name] == s
	}
	return t.symbols[s.Name] == s
}

// NewPool makes an empty pool.
func NewPool() *Pool {
	return &Pool{table: Table{symbols: map[string]*Symbol{}, keywords: map[string]*Symbol{}}}
}

// take gives the pool's symbol of that name, if it is spelled so too. Where
// there is none, and make, it gives a new one.
func (p *Pool) take(name, spelling string, keyword, make bool) *Symbol {
	all := p.table.symbols
	if keyword {
		all = p.table.keywords
	}
	p.mu.RLock()
	s := all[name]
	p.mu.RUnlock()
	if s == nil && make {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s = all[name]; s == nil {
			s = &Symbol{Name: name, Spelling: spelling, Keyword: keyword, Interned: true}
			all[name] = s
		}
	}
	if s != nil && (s.Spelling == spelling || s.Display() == (&Symbol{Name: name, Spelling: spelling, Keyword: keyword}).Display()) {
		return s
	}
	return nil
}

// NewTable makes a table on top of base, which may be nil and must not
// change any more.
func NewTable(base *Table) *Table {
	t, _ := tables.Get().(*Table)
	if t == nil {
		t = &Table{symbols: make(map[string]*Symbol, 160), keywords: map[string]*Symbol{}}
	}
	t.base = base
	if base == nil {
		for _, s := range wellKnown {
			t.symbols[s.Name] = s
		}
	}
	return t
}

// What tables have in turn.
var (
	tables   sync.Pool
	consPool = slab.Pool[Cons]{AtOnce: 64}
	itemPool = slab.Pool[Value]{AtOnce: 128}
)

// mostSymbols is how many a table may have had and be used again.
const mostSymbols = 1 << 10

// Cons gives a cons that is nowhere, of nothing. It is good until Free.
func (t *Table) Cons() *Cons { return t.conses.New(&consPool) }

// Slice is Slice; items are good until Free.
func (t *Table) Slice(v Value) (items []Value, ok bool) {
	n, ok := length(v)
	if n > 0 {
		items = fill(t.items.Take(&itemPool, n), v)
	}
	return items, ok
}

// Free gives t and its conses to the tables that come: nobody may use them any
// more. Symbols stay what they are.
func (t *Table) Free() {
	t.conses.Back(&consPool)
	t.items.Back(&itemPool)
	symbols, keywords := t.symbols, t.keywords
	*t = Table{}
	if len(symbols)+len(keywords) > mostSymbols {
		return
	}
	clear(symbols)
	clear(keywords)
	tables.Put(&Table{symbols: symbols, keywords: keywords})
}

// Find gives the symbol of that exact name, or nil.
func (t *Table) Find(name string) *Symbol {
	for ; t != nil; t = t.base {
		if s := t.symbols[name]; s != nil {
			return s
		}
	}
	return nil
}

// Intern gives the symbol of that exact name (upper case for ordinary ones).
func (t *Table) Intern(name string) *Symbol { return t.intern(name, "") }

// InternAs is Intern for a symbol that messages show as spelling.
func (t *Table) InternAs(name, spelling string) *Symbol { return t.intern(name, spelling) }

func (t *Table) intern(name, spelling string) *Symbol {
	s := t.Find(name)
	if s == nil {
		s = t.fresh(name, spelling, false)
		t.symbols[name] = s
	}
	if t.seen != nil {
		t.seen(s)
	}
	return s
}

// fresh gives a symbol that t does not have.
func (t *Table) fresh(name, spelling string, keyword bool) *Symbol {
	if t.pool != nil {
		if s := t.pool.take(name, spelling, keyword, t.fills); s != nil {
			return s
		}
	}
	return &Symbol{Name: name, Spelling: spelling, Keyword: keyword, Interned: true}
}

// Keyword gives the keyword of that exact name, without the colon.
func (t *Table) Keyword(name string) *Symbol { return t.keyword(name, "") }

func (t *Table) keyword(name, spelling string) *Symbol {
	for b := t; b != nil; b = b.base {
		if s := b.keywords[name]; s != nil {
			if t.seen != nil {
				t.seen(s)
			}
			return s
		}
	}
	s := t.fresh(name, spelling, true)
	t.keywords[name] = s
	if t.seen != nil {
		t.seen(s)
	}
	return s
}

// List makes a list of items, without places.
func List(items ...Value) Value { return ListStar(items, Nil) }

// ListStar makes a list of items that ends in tail.
func ListStar(items []Value, tail Value) Value {
	for i := len(items) - 1; i >= 0; i-- {
		tail = &Cons{Car: items[i], Cdr: tail}
	}
	return tail
}

// Slice gives the items of a proper list; ok is false for anything else,
// circular lists included.
func Slice(v Value) (items []Value, ok bool) {
	n, ok := length(v)
	if n > 0 {
		items = fill(make([]Value, n), v)
	}
	return items, ok
}

// length is how many items v has, as far as it is a list, and whether it is a
// proper one; 0 if it is circular.
func length(v Value) (n int, proper bool) {
	for slow := v; ; n++ {
		c, isCons := v.(*Cons)
		if !isCons {
			return n, v == Value(Nil)
		}
		v = c.Cdr
		if n%2 == 1 {
			slow = slow.(*Cons).Cdr
			if slow == v {
				return 0, false
			}
		}
	}
}

func fill(items []Value, v Value) []Value {
	for i := range items {
		c := v.(*Cons)
		items[i], v = c.Car, c.Cdr
	}
	return items
}

// PosOf is the place of v where v itself knows it: lists and vectors do.
func PosOf(v Value) source.Pos {
	switch v := v.(type) {
	case *Cons:
		return v.Pos
	case *Vector:
		return v.Pos
	}
	return source.Pos{}
}

// Integer makes the smallest representation of n.
func Integer(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}
