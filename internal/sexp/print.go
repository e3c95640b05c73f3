package sexp

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// Print writes v as the reader reads it back (Lisp's prin1). Symbols print
// in lower case, in bars where that would read as something else.
func Print(v Value) string {
	var b strings.Builder
	p := printer{&b, true, 0}
	p.print(v)
	return b.String()
}

// Display writes v for people (Lisp's princ): strings and characters bare.
func Display(v Value) string {
	var b strings.Builder
	p := printer{&b, false, 0}
	p.print(v)
	return b.String()
}

// most bounds what is printed of circular and huge data.
const most = 1 << 20

type printer struct {
	b      *strings.Builder
	escape bool
	depth  int
}

// A Printer is an evaluator's object that knows how it prints.
type Printer interface{ PrintLisp() string }

func (p *printer) print(v Value) {
	if p.b.Len() > most || p.depth > 10000 {
		p.b.WriteString("...")
		return
	}
	p.depth++
	defer func() { p.depth-- }()
	switch v := v.(type) {
	case nil:
		p.b.WriteString("#<none>")
	case *Symbol:
		p.symbol(v)
	case int64:
		p.b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		p.b.WriteString(v.String())
	case *big.Rat:
		p.b.WriteString(v.RatString())
	case float64:
		p.b.WriteString(FormatFloat(v))
	case Char:
		p.char(v)
	case *String:
		if !p.escape {
			p.b.WriteString(string(v.R))
			return
		}
		p.b.WriteByte('"')
		for _, r := range v.R {
			if r == '"' || r == '\\' {
				p.b.WriteByte('\\')
			}
			p.b.WriteRune(r)
		}
		p.b.WriteByte('"')
	case *Vector:
		p.b.WriteString("#(")
		for i, x := range v.Items {
			if i > 0 {
				p.b.WriteByte(' ')
			}
			p.print(x)
		}
		p.b.WriteByte(')')
	case *Cons:
		p.list(v)
	case Printer:
		p.b.WriteString(v.PrintLisp())
	default:
		fmt.Fprintf(p.b, "#<%T>", v)
	}
}

var readerMacros = map[*Symbol]string{Quote: "'", Function: "#'", Quasiquote: "`", Unquote: ",", UnquoteSplicing: ",@"}

func (p *printer) list(c *Cons) {
	if head, ok := c.Car.(*Symbol); ok {
		if mark := readerMacros[head]; mark != "" {
			if rest, ok := c.Cdr.(*Cons); ok && rest.Cdr == Value(Nil) {
				p.b.WriteString(mark)
				// ,@x is not the same as , followed by @x.
				if s, ok := rest.Car.(*Symbol); ok && head == Unquote && strings.HasPrefix(s.Name, "@") && !s.Keyword && s.Interned {
					p.b.WriteByte(' ')
				}
				p.print(rest.Car)
				return
			}
		}
	}
	p.b.WriteByte('(')
	slow, n := c, 0
	for {
		p.print(c.Car)
		next, ok := c.Cdr.(*Cons)
		if !ok {
			if c.Cdr != Value(Nil) {
				p.b.WriteString(" . ")
				p.print(c.Cdr)
			}
			break
		}
		if n++; n%2 == 0 {
			slow = slow.Cdr.(*Cons)
		}
		if next == slow || p.b.Len() > most {
			p.b.WriteString(" ...")
			break
		}
		// (a . 'b) is the list (a quote b); keep the tail a tail.
		p.b.WriteByte(' ')
		c = next
	}
	p.b.WriteByte(')')
}

func (p *printer) symbol(s *Symbol) {
	if !p.escape {
		if s.Keyword {
			p.b.WriteByte(':')
		}
		p.b.WriteString(lowerName(s.Name))
		return
	}
	if s.Keyword {
		p.b.WriteByte(':')
	} else if !s.Interned {
		p.b.WriteString("#:")
	}
	if plain(s.Name, s.Keyword || !s.Interned) {
		p.b.WriteString(strings.ToLower(s.Name))
		return
	}
	p.b.WriteByte('|')
	for _, r := range s.Name {
		if r == '|' || r == '\\' {
			p.b.WriteByte('\\')
		}
		p.b.WriteRune(r)
	}
	p.b.WriteByte('|')
}

func lowerName(name string) string {
	if strings.ToUpper(name) == name {
		return strings.ToLower(name)
	}
	return name
}

// plain reports whether the reader makes the symbol name of its lower case.
func plain(name string, marked bool) bool {
	lower := strings.ToLower(name)
	if name == "" || strings.ToUpper(lower) != name || strings.ContainsRune(name, ':') {
		return false
	}
	for i, r := range lower {
		if !constituent(r) || i == 0 && r == '#' {
			return false
		}
	}
	if strings.Trim(name, ".") == "" {
		return false
	}
	if marked {
		return true
	}
	_, isNumber := parseNumber(lower)
	return !isNumber
}

func constituent(r rune) bool {
	return !unicode.IsSpace(r) && unicode.IsPrint(r) && !strings.ContainsRune("()\"';`,|\\", r)
}

var charNames = map[string]rune{
	"space": ' ', "newline": '\n', "tab": '\t', "return": '\r', "null": 0, "nul": 0, "backspace": 8,
	"rubout": 127, "delete": 127, "page": 12, "linefeed": '\n', "escape": 27, "bell": 7,
}

// CharName is the standard name of r, or "".
func CharName(r rune) string {
	switch r {
	case ' ':
		return "Space"
	case '\n':
		return "Newline"
	case '\t':
		return "Tab"
	case '\r':
		return "Return"
	case 0:
		return "Null"
	case 8:
		return "Backspace"
	case 127:
		return "Rubout"
	case 12:
		return "Page"
	case 27:
		return "Escape"
	case 7:
		return "Bell"
	}
	return ""
}

func (p *printer) char(c Char) {
	if !p.escape {
		p.b.WriteRune(rune(c))
		return
	}
	p.b.WriteString(`#\`)
	if n := CharName(rune(c)); n != "" {
		p.b.WriteString(n)
	} else if !unicode.IsPrint(rune(c)) {
		fmt.Fprintf(p.b, "U+%04X", rune(c))
	} else {
		p.b.WriteRune(rune(c))
	}
}

// FormatFloat writes f with a decimal point, so that it reads back a float.
func FormatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "+inf.0"
	case math.IsInf(f, -1):
		return "-inf.0"
	case math.IsNaN(f):
		return "+nan.0"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mant, exp, _ := strings.Cut(s, "e")
		if !strings.Contains(mant, ".") {
			mant += ".0"
		}
		n, _ := strconv.Atoi(exp)
		return mant + "e" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
