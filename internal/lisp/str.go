package lisp

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// stringOf reads a string designator: a string, a symbol or a character.
func (in *Interp) stringOf(v Value) []rune {
	switch x := v.(type) {
	case *sexp.String:
		in.steps(len(x.R) / 32)
		return x.R
	case *sexp.Symbol:
		in.steps(len(x.Name) / 32)
		return []rune(x.Name)
	case sexp.Char:
		return []rune{rune(x)}
	}
	in.typeError(v, "a string")
	return nil
}

func (in *Interp) char(v Value) rune {
	c, ok := v.(sexp.Char)
	if !ok {
		in.typeError(v, "a character")
	}
	return rune(c)
}

func (in *Interp) newString(r []rune) Value {
	in.alloc(int64(len(r)/4 + 4))
	return &sexp.String{R: r}
}

func (in *Interp) str(s string) Value {
	in.alloc(int64(len(s)/4 + 4))
	return sexp.NewString(s)
}

// capitalize makes the first letter of each word upper case.
func capitalize(r []rune) []rune {
	out := make([]rune, len(r))
	word := false
	for i, c := range r {
		if word {
			out[i] = unicode.ToLower(c)
		} else {
			out[i] = unicode.ToUpper(c)
		}
		word = unicode.IsLetter(c) || unicode.IsDigit(c)
	}
	return out
}

func mapRunes(r []rune, fn func(rune) rune) []rune {
	out := make([]rune, len(r))
	for i, c := range r {
		out[i] = fn(c)
	}
	return out
}

func stringRows() []row {
	change := func(name string, whole func(r []rune) []rune, inPlace bool) row {
		return row{name, "string &key start end", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[1:], "START", "END")
			r := in.stringOf(a[0])
			lo, hi := in.bounds(len(r), k[0], k[1])
			in.steps(len(r) / 8)
			in.alloc(int64(len(r) / 4))
			out := append([]rune(nil), r...)
			copy(out[lo:hi], whole(r[lo:hi]))
			if s, ok := a[0].(*sexp.String); ok && inPlace {
				in.change(s)
				s.R = out
				return s
			}
			return in.newString(out)
		}}
	}
	up := func(r []rune) []rune { return mapRunes(r, unicode.ToUpper) }
	down := func(r []rune) []rune { return mapRunes(r, unicode.ToLower) }
	trim := func(name string, left, right bool) row {
		return row{name, "characters string", func(in *Interp, a []Value) Value {
			set := map[rune]bool{}
			for _, c := range in.sequence(a[0]).items {
				set[in.char(c)] = true
			}
			r := in.stringOf(a[1])
			for left && len(r) > 0 && set[r[0]] {
				r = r[1:]
			}
			for right && len(r) > 0 && set[r[len(r)-1]] {
				r = r[:len(r)-1]
			}
			return in.newString(append([]rune(nil), r...))
		}}
	}
	rows := []row{
		change("STRING-UPCASE", up, false), change("STRING-DOWNCASE", down, false), change("STRING-CAPITALIZE", capitalize, false),
		change("NSTRING-UPCASE", up, true), change("NSTRING-DOWNCASE", down, true), change("NSTRING-CAPITALIZE", capitalize, true),
		trim("STRING-TRIM", true, true), trim("STRING-LEFT-TRIM", true, false), trim("STRING-RIGHT-TRIM", false, true),
		{"STRING", "object", func(in *Interp, a []Value) Value {
			if s, ok := a[0].(*sexp.String); ok {
				return s
			}
			return in.newString(in.stringOf(a[0]))
		}},
		{"STRINGP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*sexp.String); return truth(ok) }},
		{"SIMPLE-STRING-P", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*sexp.String); return truth(ok) }},
		{"MAKE-STRING", "size &key initial-element element-type", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[1:], "INITIAL-ELEMENT", "ELEMENT-TYPE")
			n := in.index(a[0])
			in.alloc(int64(n/4 + 4))
			in.steps(n / 16)
			r := make([]rune, n)
			if k[0] != nil {
				c := in.char(k[0])
				for i := range r {
					r[i] = c
				}
			}
			return &sexp.String{R: r}
		}},
		{"PARSE-INTEGER", "string &key start end radix junk-allowed", parseInteger},
	}
	// Comparisons give the place of the first difference, but = and /= of
	// equality only truth.
	for _, suffix := range []struct {
		names [6]string
		fold  func(rune) rune
	}{
		{[6]string{"STRING=", "STRING/=", "STRING<", "STRING>", "STRING<=", "STRING>="}, func(r rune) rune { return r }},
		{[6]string{"STRING-EQUAL", "STRING-NOT-EQUAL", "STRING-LESSP", "STRING-GREATERP", "STRING-NOT-GREATERP", "STRING-NOT-LESSP"}, fold},
	} {
		for i, name := range suffix.names {
			rows = append(rows, row{name, "string string &key start1 end1 start2 end2", func(in *Interp, a []Value) Value {
				k := in.keyArgs(a[2:], "START1", "END1", "START2", "END2")
				x, y := in.stringOf(a[0]), in.stringOf(a[1])
				lo1, hi1 := in.bounds(len(x), k[0], k[1])
				lo2, hi2 := in.bounds(len(y), k[2], k[3])
				x, y = x[lo1:hi1], y[lo2:hi2]
				in.steps(min(len(x), len(y)) / 16)
				n := 0
				for n < len(x) && n < len(y) && suffix.fold(x[n]) == suffix.fold(y[n]) {
					n++
				}
				sign := 0
				switch {
				case n < len(x) && n < len(y):
					sign = 1
					if suffix.fold(x[n]) < suffix.fold(y[n]) {
						sign = -1
					}
				case n < len(x):
					sign = 1
				case n < len(y):
					sign = -1
				}
				ok := [6]bool{sign == 0, sign != 0, sign < 0, sign > 0, sign <= 0, sign >= 0}[i]
				if i == 0 || !ok {
					return truth(ok)
				}
				return int64(lo1 + n)
			}})
		}
	}
	return rows
}

func parseInteger(in *Interp, a []Value) Value {
	k := in.keyArgs(a[1:], "START", "END", "RADIX", "JUNK-ALLOWED")
	s, ok := a[0].(*sexp.String)
	if !ok {
		in.typeError(a[0], "a string")
	}
	lo, hi := in.bounds(len(s.R), k[0], k[1])
	base := 10
	if k[2] != nil {
		if base = in.index(k[2]); base < 2 || base > 36 {
			in.typeError(k[2], "a radix from 2 to 36")
		}
	}
	i := lo
	for i < hi && unicode.IsSpace(s.R[i]) {
		i++
	}
	start := i
	if i < hi && (s.R[i] == '-' || s.R[i] == '+') {
		i++
	}
	digits := i
	for i < hi && digitValue(s.R[i], base) >= 0 {
		i++
	}
	end := i
	for i < hi && unicode.IsSpace(s.R[i]) {
		i++
	}
	junk := k[3] != nil && !isNil(k[3])
	if end == digits || i < hi && !junk {
		if junk {
			return values(sexp.Nil, int64(end))
		}
		e := errAt(in.pos, s, "%s is not an integer", show(s))
		e.kind = "PARSE-ERROR"
		in.fail(e)
	}
	in.steps((end - start) * (end - start) / 4096)
	in.alloc(int64(end - start))
	n, _ := new(big.Int).SetString(strings.TrimPrefix(string(s.R[start:end]), "+"), base)
	if i < hi {
		i = end
	}
	return values(sexp.Integer(n), int64(i))
}

// digitValue is the weight of a digit in a base, -1 if it is none.
func digitValue(r rune, base int) int {
	d := -1
	switch {
	case r >= '0' && r <= '9':
		d = int(r - '0')
	case r >= 'a' && r <= 'z':
		d = int(r-'a') + 10
	case r >= 'A' && r <= 'Z':
		d = int(r-'A') + 10
	}
	if d >= base {
		return -1
	}
	return d
}

func charRows() []row {
	is := func(name string, test func(r rune) bool) row {
		return row{name, "character", func(in *Interp, a []Value) Value { return truth(test(in.char(a[0]))) }}
	}
	base := func(in *Interp, a []Value) int {
		if len(a) > 1 {
			return in.index(a[1])
		}
		return 10
	}
	rows := []row{
		is("ALPHA-CHAR-P", unicode.IsLetter), is("UPPER-CASE-P", unicode.IsUpper), is("LOWER-CASE-P", unicode.IsLower),
		is("ALPHANUMERICP", func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }),
		is("BOTH-CASE-P", func(r rune) bool { return unicode.ToUpper(r) != unicode.ToLower(r) }),
		is("GRAPHIC-CHAR-P", unicode.IsPrint), is("STANDARD-CHAR-P", func(r rune) bool { return r == '\n' || r >= ' ' && r < 127 }),
		{"CHARACTERP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(sexp.Char); return truth(ok) }},
		{"DIGIT-CHAR-P", "character &optional radix", func(in *Interp, a []Value) Value {
			if d := digitValue(in.char(a[0]), base(in, a)); d >= 0 {
				return int64(d)
			}
			return sexp.Nil
		}},
		{"DIGIT-CHAR", "weight &optional radix", func(in *Interp, a []Value) Value {
			n, b := in.index(a[0]), base(in, a)
			if n >= b || b > 36 {
				return sexp.Nil
			}
			return sexp.Char(strings.ToUpper(strconv.FormatInt(int64(n), 36))[0])
		}},
		{"CHAR-CODE", "character", func(in *Interp, a []Value) Value { return int64(in.char(a[0])) }},
		{"CHAR-INT", "character", func(in *Interp, a []Value) Value { return int64(in.char(a[0])) }},
		{"CODE-CHAR", "code", func(in *Interp, a []Value) Value {
			n := in.index(a[0])
			if n > unicode.MaxRune {
				return sexp.Nil
			}
			return sexp.Char(n)
		}},
		{"CHAR-UPCASE", "character", func(in *Interp, a []Value) Value { return sexp.Char(unicode.ToUpper(in.char(a[0]))) }},
		{"CHAR-DOWNCASE", "character", func(in *Interp, a []Value) Value { return sexp.Char(unicode.ToLower(in.char(a[0]))) }},
		{"CHARACTER", "object", func(in *Interp, a []Value) Value {
			r := in.stringOf(a[0])
			if len(r) != 1 {
				in.typeError(a[0], "a character designator")
			}
			return sexp.Char(r[0])
		}},
		{"CHAR-NAME", "character", func(in *Interp, a []Value) Value {
			if n := sexp.CharName(in.char(a[0])); n != "" {
				return in.str(n)
			}
			return sexp.Nil
		}},
	}
	for _, suffix := range []struct {
		names [6]string
		fold  func(rune) rune
	}{
		{[6]string{"CHAR=", "CHAR/=", "CHAR<", "CHAR>", "CHAR<=", "CHAR>="}, func(r rune) rune { return r }},
		{[6]string{"CHAR-EQUAL", "CHAR-NOT-EQUAL", "CHAR-LESSP", "CHAR-GREATERP", "CHAR-NOT-GREATERP", "CHAR-NOT-LESSP"}, fold},
	} {
		for i, name := range suffix.names {
			rows = append(rows, row{name, "character &rest characters", func(in *Interp, a []Value) Value {
				rs := make([]rune, len(a))
				for j, v := range a {
					rs[j] = suffix.fold(in.char(v))
				}
				if i == 1 {
					seen := map[rune]bool{}
					for _, r := range rs {
						if seen[r] {
							return sexp.Nil
						}
						seen[r] = true
					}
					return sexp.T
				}
				for j := 1; j < len(rs); j++ {
					x, y := rs[j-1], rs[j]
					if ![6]bool{x == y, false, x < y, x > y, x <= y, x >= y}[i] {
						return sexp.Nil
					}
				}
				return sexp.T
			}})
		}
	}
	return rows
}
