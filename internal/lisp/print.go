package lisp

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// show prints v for a message: as the reader reads it, not too long.
func show(v Value) string {
	s := sexp.Print(abridge(v, 0))
	if len(s) > 120 {
		r := []rune(s)
		if len(r) > 100 {
			s = string(r[:100]) + "..."
		}
	}
	return s
}

// abridge copies the part of v that a message shows, so that an error about
// something huge costs no more than another.
func abridge(v Value, depth int) Value {
	const most = 30
	dots := &sexp.Symbol{Name: "...", Interned: true}
	if depth > 8 {
		return v
	}
	switch x := v.(type) {
	case *sexp.Cons:
		if depth == 8 {
			return dots
		}
		var items []Value
		var tail Value = x
		for c, ok := tail.(*sexp.Cons); ok; c, ok = tail.(*sexp.Cons) {
			if len(items) == most>>depth+3 {
				return sexp.ListStar(items, sexp.List(dots))
			}
			items = append(items, abridge(c.Car, depth+1))
			tail = c.Cdr
		}
		return sexp.ListStar(items, abridge(tail, depth+1))
	case *sexp.Vector:
		if depth == 8 {
			return dots
		}
		var items []Value
		for _, y := range x.Items {
			if len(items) == most>>depth+3 {
				items = append(items, dots)
				break
			}
			items = append(items, abridge(y, depth+1))
		}
		return &sexp.Vector{Items: items}
	case *sexp.String:
		if len(x.R) > 100 {
			return &sexp.String{R: append(append([]rune(nil), x.R[:90]...), []rune("...")...)}
		}
	case *sexp.Symbol:
		if len(x.Name) > 200 {
			return dots
		}
	case *big.Int:
		if x.BitLen() > 300 {
			return &sexp.Symbol{Name: "AN-INTEGER-OF-" + strconv.Itoa(x.BitLen()) + "-BITS", Interned: true}
		}
	case *big.Rat:
		if x.Num().BitLen()+x.Denom().BitLen() > 300 {
			return &sexp.Symbol{Name: "A-LONG-RATIO", Interned: true}
		}
	}
	return v
}

// A style says how a value prints.
type style struct {
	escape bool // prin1 instead of princ
	user   bool // symbols as the user spells them, for messages
	base   int  // of integers; 0 means 10
}

// A writer prints into a buffer whose growth counts as memory.
type writer struct {
	in *Interp
	b  strings.Builder
	st style
}

// text prints v. Symbols print in upper case, as in Common Lisp: macros make
// names of them.
func (in *Interp) text(v Value, st style) string {
	w := &writer{in: in, st: st}
	w.value(v)
	return w.b.String()
}

func (w *writer) put(s string) {
	w.in.alloc(int64(len(s)/16 + 1))
	w.b.WriteString(s)
}

func (w *writer) value(v Value) {
	switch v := v.(type) {
	case *sexp.Symbol:
		w.symbol(v)
	case int64:
		if w.st.base == 0 {
			w.put(strconv.FormatInt(v, 10))
		} else {
			w.put(strings.ToUpper(strconv.FormatInt(v, w.st.base)))
		}
	case *big.Int:
		w.put(w.in.bigText(v, w.base()))
	case *big.Rat:
		w.put(w.in.bigText(v.Num(), w.base()) + "/" + w.in.bigText(v.Denom(), w.base()))
	case *sexp.String:
		if !w.st.escape {
			w.in.alloc(int64(len(v.R)/4 + 1))
			w.b.WriteString(v.String())
			return
		}
		w.put(sexp.Print(v))
	case sexp.Char:
		if w.st.escape {
			w.put(sexp.Print(v))
		} else {
			w.put(string(rune(v)))
		}
	case *sexp.Vector:
		w.put("#")
		w.items(v.Items)
	case *sexp.Cons:
		w.list(v)
	case *Condition:
		if w.st.escape {
			w.put("#<" + strings.ToUpper(v.typ.name) + ">")
		} else {
			w.put(w.in.report(v, w.st.user))
		}
	case *Array:
		w.array(v)
	case sexp.Printer:
		w.put(v.PrintLisp())
	default:
		w.put(sexp.Print(v))
	}
}

func (w *writer) base() int {
	if w.st.base == 0 {
		return 10
	}
	return w.st.base
}

// bigText prints a big integer; its length is known before.
func (in *Interp) bigText(n *big.Int, base int) string {
	words := n.BitLen() / 64
	in.steps(words + words/16*words/16)
	in.alloc(int64(n.BitLen()/16 + 1))
	return strings.ToUpper(n.Text(base))
}

func (w *writer) items(items []Value) {
	w.in.enter()
	w.put("(")
	for i, x := range items {
		w.in.step()
		if i > 0 {
			w.put(" ")
		}
		w.value(x)
	}
	w.put(")")
	w.in.leave()
}

// marks are the reader's abbreviations.
var marks = map[*sexp.Symbol]string{sexp.Quote: "'", sexp.Function: "#'", sexp.Quasiquote: "`", sexp.Unquote: ",", sexp.UnquoteSplicing: ",@"}

func (w *writer) list(c *sexp.Cons) {
	w.in.enter()
	defer w.in.leave()
	if s, ok := c.Car.(*sexp.Symbol); ok && marks[s] != "" {
		if r, ok := c.Cdr.(*sexp.Cons); ok && isNil(r.Cdr) {
			w.put(marks[s])
			w.value(r.Car)
			return
		}
	}
	w.put("(")
	for {
		w.in.step()
		w.value(c.Car)
		next, ok := c.Cdr.(*sexp.Cons)
		if !ok {
			if !isNil(c.Cdr) {
				w.put(" . ")
				w.value(c.Cdr)
			}
			break
		}
		w.put(" ")
		c = next
	}
	w.put(")")
}

func (w *writer) symbol(s *sexp.Symbol) {
	switch {
	case w.st.user:
		w.put(s.Display())
	case !w.st.escape:
		if s.Keyword && w.st.escape {
			w.put(":")
		}
		w.put(s.Name)
	default:
		text := sexp.Print(s)
		if !strings.ContainsRune(text, '|') {
			text = upper(text)
		}
		w.put(text)
	}
}

func upper(s string) string { return strings.Map(unicode.ToUpper, s) }

func (w *writer) array(a *Array) {
	w.put("#" + strconv.Itoa(len(a.dims)) + "A")
	var rec func(dims []int, items []Value)
	rec = func(dims []int, items []Value) {
		if len(dims) == 0 {
			w.value(items[0])
			return
		}
		w.in.enter()
		w.put("(")
		if n := dims[0]; n > 0 {
			size := len(items) / n
			for i := 0; i < n; i++ {
				if i > 0 {
					w.put(" ")
				}
				rec(dims[1:], items[i*size:(i+1)*size])
			}
		}
		w.put(")")
		w.in.leave()
	}
	rec(a.dims, a.items)
}
