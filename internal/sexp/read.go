package sexp

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/whistler-lang/whistler/internal/source"
)

// Features are the names that #+ and #- know, in upper case.
type Features map[string]bool

// A Reader reads the data of one file in order.
type Reader struct {
	file     *source.File
	text     string
	off      int
	table    *Table
	features Features
	depth    int
	dropping int // inside a form that #+ or #| leaves out: literals are not judged
}

// NewReader reads f, interning into table.
func NewReader(f *source.File, table *Table, features Features) *Reader {
	return &Reader{file: f, text: f.Text, table: table, features: features}
}

// maxDepth bounds the nesting of lists, so that hostile text cannot exhaust
// the stack.
const maxDepth = 5000

// ReadAll reads all of f. After an error it goes on with the next top-level
// form (a line that starts with an opening parenthesis), so that several
// errors are found in one run.
func ReadAll(f *source.File, table *Table, features Features) (forms []Located, errs source.List) {
	r := NewReader(f, table, features)
	for {
		v, pos, ok, err := r.Next()
		if err != nil {
			errs = append(errs, err)
			if len(errs) >= 20 || !r.resync() {
				return forms, errs
			}
			continue
		}
		if !ok {
			return forms, errs
		}
		forms = append(forms, Located{v, pos})
	}
}

// ReadAt reads the datum that begins at pos.
func ReadAt(pos source.Pos, table *Table) (Value, *source.Error) {
	r := NewReader(pos.File, table, nil)
	r.off = int(pos.Start)
	v, _, _, err := r.Next()
	return v, err
}

// Located is a top-level datum and its place.
type Located struct {
	V   Value
	Pos source.Pos
}

// Next reads one datum; ok is false at the end of the text.
func (r *Reader) Next() (v Value, pos source.Pos, ok bool, err *source.Error) {
	defer func() {
		if e := recover(); e != nil {
			se, isErr := e.(*source.Error)
			if !isErr {
				panic(e)
			}
			v, ok, err = nil, false, se
			r.depth, r.dropping = 0, 0
		}
	}()
	for {
		r.skip()
		if r.off >= len(r.text) {
			return nil, source.Pos{}, false, nil
		}
		start := r.off
		if r.text[r.off] == ')' {
			r.off++
			panic(r.errorf(start, "unbalanced `)`").WithHint("no list is open here; remove it, or look for one `)` too many above").WithCode("unbalanced"))
		}
		if v, ok = r.datum(); ok {
			return v, r.pos(start), true, nil
		}
	}
}

// resync moves to the next line that starts with `(`.
func (r *Reader) resync() bool {
	i := strings.Index(r.text[r.off:], "\n(")
	if i < 0 {
		return false
	}
	r.off += i + 1
	return true
}

func (r *Reader) pos(start int) source.Pos {
	return source.Pos{File: r.file, Start: int32(start), End: int32(r.off)}
}

func (r *Reader) errorf(start int, format string, args ...any) *source.Error {
	end := max(r.off, start+1)
	return source.Errorf(source.Pos{File: r.file, Start: int32(start), End: int32(end)}, format, args...).WithCode("syntax")
}

// skip passes white space and comments.
func (r *Reader) skip() {
	for r.off < len(r.text) {
		if b := r.text[r.off]; b < utf8.RuneSelf && ends[b] == 0 && b != '#' {
			return
		}
		c, n := utf8.DecodeRuneInString(r.text[r.off:])
		switch {
		case unicode.IsSpace(c) || c == 0xfeff:
			r.off += n
		case c == ';':
			if i := strings.IndexByte(r.text[r.off:], '\n'); i >= 0 {
				r.off += i
			} else {
				r.off = len(r.text)
			}
		case strings.HasPrefix(r.text[r.off:], "#|"):
			r.blockComment()
		default:
			return
		}
	}
}

func (r *Reader) blockComment() {
	start, depth := r.off, 0
	for r.off < len(r.text) {
		switch {
		case strings.HasPrefix(r.text[r.off:], "#|"):
			depth++
			r.off += 2
		case strings.HasPrefix(r.text[r.off:], "|#"):
			depth--
			r.off += 2
			if depth == 0 {
				return
			}
		default:
			r.off++
		}
	}
	r.off = start + 2
	e := r.errorf(start, "this comment is never closed").WithExpected("`|#`")
	r.off = len(r.text)
	panic(e)
}

// must reads one datum that has to be there, for what.
func (r *Reader) must(start int, what string) (Value, source.Pos) {
	for {
		r.skip()
		if r.off >= len(r.text) || r.text[r.off] == ')' {
			panic(r.errorf(start, "nothing follows %s", what))
		}
		from := r.off
		if v, ok := r.datum(); ok {
			return v, r.pos(from)
		}
	}
}

// datum reads one datum at r.off, which is no white space; ok is false
// where a feature test left it out.
func (r *Reader) datum() (v Value, ok bool) {
	if r.depth++; r.depth > maxDepth {
		panic(r.errorf(r.off, "lists are nested more than %d deep", maxDepth))
	}
	defer func() { r.depth-- }()
	start := r.off
	switch c := r.text[r.off]; c {
	case '(':
		r.off++
		return r.list(start), true
	case '\'':
		r.off++
		return r.wrap(start, Quote, "'"), true
	case '`':
		r.off++
		return r.wrap(start, Quasiquote, "`"), true
	case ',':
		r.off++
		if strings.HasPrefix(r.text[r.off:], "@") {
			r.off++
			return r.wrap(start, UnquoteSplicing, ",@"), true
		}
		return r.wrap(start, Unquote, ","), true
	case '"':
		return r.str(start), true
	case '#':
		return r.hash(start)
	}
	return r.token(start), true
}

func (r *Reader) wrap(start int, head *Symbol, mark string) Value {
	markEnd := r.off
	v, at := r.must(start, "`"+mark+"`")
	whole := r.pos(start)
	tail := r.cons()
	*tail = Cons{Car: v, Cdr: Nil, At: at, Pos: at}
	c := r.cons()
	*c = Cons{Car: head, Pos: whole, At: source.Pos{File: r.file, Start: int32(start), End: int32(markEnd)}, Cdr: tail}
	return c
}

func (r *Reader) cons() *Cons { return r.table.Cons() }

func (r *Reader) list(start int) Value {
	var head Value = Nil
	var last *Cons
	for {
		r.skip()
		if r.off >= len(r.text) {
			panic(r.unclosed(start))
		}
		at := r.off
		if r.text[r.off] == ')' {
			r.off++
			break
		}
		if last != nil && r.text[r.off] == '.' && r.delimited(r.off+1) {
			r.off++
			v, _ := r.must(at, "the dot")
			last.Cdr = v
			for r.skip(); r.off < len(r.text) && r.text[r.off] != ')'; r.skip() {
				extra := r.off
				if _, ok := r.datum(); ok {
					panic(r.errorf(extra, "more than one datum follows the dot"))
				}
			}
			if r.off >= len(r.text) {
				panic(r.unclosed(start))
			}
			r.off++
			break
		}
		v, ok := r.datum()
		if !ok {
			continue
		}
		c := r.cons()
		c.Car, c.Cdr, c.At = v, Nil, r.pos(at)
		if last == nil {
			head = c
		} else {
			last.Cdr = c
		}
		last = c
	}
	// Each tail spans from its first item to the end of the list.
	whole := r.pos(start)
	for c, _ := head.(*Cons); c != nil; {
		c.Pos = whole
		if c != head {
			c.Pos.Start = c.At.Start
		}
		next, _ := c.Cdr.(*Cons)
		if next == nil || !next.At.Known() || next.Pos.Known() {
			break
		}
		c = next
	}
	return head
}

// unclosed points at the parenthesis that was never closed and guesses, by
// indentation, where its `)` belongs.
func (r *Reader) unclosed(start int) *source.Error {
	r.off = start + 1
	e := r.errorf(start, "this `(` is never closed").WithExpected("`)` before the end of the file").WithCode("unbalanced")
	// A later line in column 1 that opens a list was surely meant as a new form.
	if i := strings.Index(r.text[start+1:], "\n("); i >= 0 {
		at := start + 1 + i + 1
		e.WithNote(source.Pos{File: r.file, Start: int32(at), End: int32(at + 1)}, "the next form starts here: a `)` is missing before it")
	} else {
		r.off = len(r.text)
	}
	return e
}

// delimited reports whether a token ends before off.
func (r *Reader) delimited(off int) bool {
	if off >= len(r.text) {
		return true
	}
	if b := r.text[off]; b < utf8.RuneSelf {
		return ends[b] != 0
	}
	c, _ := utf8.DecodeRuneInString(r.text[off:])
	return unicode.IsSpace(c)
}

// ends marks the bytes below utf8.RuneSelf that end a token.
var ends = [utf8.RuneSelf]uint8{'\t': 1, '\n': 1, '\v': 1, '\f': 1, '\r': 1, ' ': 1, '(': 1, ')': 1, '"': 1, '\'': 1, ';': 1, '`': 1, ',': 1}

func (r *Reader) str(start int) Value {
	r.off++
	out := []rune{}
	if end := strings.IndexByte(r.text[r.off:], '"'); end > 0 {
		out = make([]rune, 0, end)
	}
	for r.off < len(r.text) {
		c, n := utf8.DecodeRuneInString(r.text[r.off:])
		r.off += n
		switch c {
		case '"':
			return &String{out, r.file.Fixed}
		case '\\':
			if r.off < len(r.text) {
				c, n = utf8.DecodeRuneInString(r.text[r.off:])
				r.off += n
			}
		}
		out = append(out, c)
	}
	r.off = start + 1
	e := r.errorf(start, "this string is never closed").WithExpected("`\"`").WithCode("unbalanced")
	r.off = len(r.text)
	panic(e)
}

func (r *Reader) hash(start int) (Value, bool) {
	if r.off+1 >= len(r.text) {
		r.off++
		panic(r.errorf(start, "nothing follows `#`"))
	}
	c := r.text[r.off+1]
	switch c {
	case '(':
		r.off += 2
		items, ok := Slice(r.list(start + 1))
		if !ok {
			panic(r.errorf(start, "a vector cannot have a dotted tail"))
		}
		return &Vector{Items: items, Pos: r.pos(start)}, true
	case '\'':
		r.off += 2
		return r.wrap(start, Function, "#'"), true
	case '\\':
		return r.char(start), true
	case '+', '-':
		r.off += 2
		test, _ := r.must(start, "`#"+string(c)+"`")
		if r.feature(start, test) == (c == '+') {
			v, _ := r.must(start, "the feature test")
			return v, true
		}
		r.dropping++
		r.must(start, "the feature test")
		r.dropping--
		return nil, false
	case ':':
		r.off += 2
		name, _, _ := r.name(r.off)
		return &Symbol{Name: name, Spelling: strings.ToLower(name)}, true
	case 'x', 'X', 'o', 'O', 'b', 'B':
		base := map[byte]int{'x': 16, 'o': 8, 'b': 2}[c|0x20]
		r.off += 2
		text, _, _ := r.name(r.off)
		n, ok := new(big.Int).SetString(strings.TrimPrefix(text, "+"), base)
		if !ok || strings.Contains(text, "_") {
			if num, den, isRat := strings.Cut(text, "/"); isRat {
				a, ok1 := new(big.Int).SetString(num, base)
				b, ok2 := new(big.Int).SetString(den, base)
				if ok1 && ok2 && b.Sign() > 0 {
					return number(new(big.Rat).SetFrac(a, b)), true
				}
			}
			panic(r.errorf(start, "`%s` is not a number in base %d", r.text[start:r.off], base))
		}
		return r.checkWidth(start, Integer(n)), true
	case '.':
		r.off += 2
		panic(r.errorf(start, "`#.` is refused: nothing is evaluated while reading").WithHint("use a macro or defconstant"))
	}
	r.off += 2
	panic(r.errorf(start, "unknown reader syntax `#%c`", c))
}

func (r *Reader) char(start int) Value {
	r.off += 2
	if r.off >= len(r.text) {
		panic(r.errorf(start, "no character follows `#\\`"))
	}
	c, n := utf8.DecodeRuneInString(r.text[r.off:])
	first := r.off
	r.off += n
	for !r.delimited(r.off) {
		_, n := utf8.DecodeRuneInString(r.text[r.off:])
		r.off += n
	}
	name := r.text[first:r.off]
	if utf8.RuneCountInString(name) == 1 {
		return Char(c)
	}
	if code, ok := charNames[strings.ToLower(name)]; ok {
		return Char(code)
	}
	if strings.HasPrefix(strings.ToUpper(name), "U+") {
		if code, err := strconv.ParseUint(name[2:], 16, 21); err == nil {
			return Char(rune(code))
		}
	}
	panic(r.errorf(start, "unknown character name `%s`", name).WithExpected("one character, or Space, Newline, Tab, Return, Null, ..."))
}

func (r *Reader) feature(start int, test Value) bool {
	switch t := test.(type) {
	case *Symbol:
		return r.features[t.Name]
	case *Cons:
		items, ok := Slice(t)
		head, isSym := t.Car.(*Symbol)
		if ok && isSym {
			switch head.Name {
			case "AND":
				for _, x := range items[1:] {
					if !r.feature(start, x) {
						return false
					}
				}
				return true
			case "OR":
				for _, x := range items[1:] {
					if r.feature(start, x) {
						return true
					}
				}
				return false
			case "NOT":
				if len(items) == 2 {
					return !r.feature(start, items[1])
				}
			}
		}
	}
	panic(r.errorf(start, "malformed feature test").WithExpected("a name, (and ...), (or ...) or (not x)"))
}

// name reads the characters of a token, upcased except in bars; escaped
// tells whether any were in bars or behind a backslash, colon the number of
// bytes of name before the last package marker (-1 for none).
func (r *Reader) name(start int) (name string, escaped bool, colon int) {
	colon = -1
	var b strings.Builder
	for r.off < len(r.text) && !r.delimited(r.off) {
		c, n := utf8.DecodeRuneInString(r.text[r.off:])
		r.off += n
		switch c {
		case '|':
			escaped = true
			end := -1
			for i := r.off; i < len(r.text); i++ {
				if r.text[i] == '\\' {
					i++
				} else if r.text[i] == '|' {
					end = i
					break
				}
			}
			if end < 0 {
				r.off = start + 1
				e := r.errorf(start, "this `|` is never closed").WithCode("unbalanced")
				r.off = len(r.text)
				panic(e)
			}
			for r.off < end {
				c, n := utf8.DecodeRuneInString(r.text[r.off:])
				r.off += n
				if c == '\\' && r.off < len(r.text) {
					c, n = utf8.DecodeRuneInString(r.text[r.off:])
					r.off += n
				}
				b.WriteRune(c)
			}
			r.off = end + 1
		case '\\':
			escaped = true
			if r.off < len(r.text) {
				c, n := utf8.DecodeRuneInString(r.text[r.off:])
				r.off += n
				b.WriteRune(c)
			}
		case ':':
			b.WriteByte(':')
			colon = b.Len()
		default:
			if c >= 'a' && c <= 'z' {
				c -= 32
			} else if c >= utf8.RuneSelf {
				c = unicode.ToUpper(c)
			}
			b.WriteRune(c)
		}
	}
	return b.String(), escaped, colon
}

// plain reads a token that is a symbol's name, which is known already, in the
// usual characters; nil if it is not.
func (r *Reader) plain() *Symbol {
	var upper [40]byte
	rest := r.text[r.off:]
	n := 0
	for ; n < len(rest); n++ {
		c := rest[n]
		switch {
		case c >= 'a' && c <= 'z':
			c -= 32
		case c >= utf8.RuneSelf, c == '|', c == '\\', c == ':', c == '.', c >= '0' && c <= '9' && n < 2:
			return nil // a number, perhaps
		case ends[c] != 0:
			goto end
		}
		if n == len(upper) {
			return nil
		}
		upper[n] = c
	}
end:
	for t := r.table; t != nil && n > 0; t = t.base {
		if s := t.symbols[string(upper[:n])]; s != nil {
			r.off += n
			return s
		}
	}
	return nil
}

func (r *Reader) token(start int) Value {
	if s := r.plain(); s != nil {
		return s
	}
	first := r.text[r.off]
	name, escaped, colon := r.name(start)
	spelling := r.text[start:r.off]
	if r.off == start {
		r.off++
		panic(r.errorf(start, "unexpected character %q", first))
	}
	if !escaped {
		if v, ok := parseNumber(spelling); ok {
			return r.checkWidth(start, v)
		}
		if strings.Trim(name, ".") == "" {
			panic(r.errorf(start, "`%s` is not a datum: a dot belongs before the last item of a list", name))
		}
	}
	switch {
	case colon == 1 && first == ':':
		if len(name) == 1 && !escaped {
			panic(r.errorf(start, "a keyword needs a name behind the colon"))
		}
		return r.table.keyword(name[1:], strings.TrimPrefix(spelling, ":"))
	case colon > 0:
		// One namespace: whistler/loader:with-bpf-session is with-bpf-session,
		// but bpf:map stays what section 12 of the language calls it.
		prefix := strings.TrimRight(name[:colon], ":")
		if name = name[colon:]; name == "" {
			panic(r.errorf(start, "no name follows the package prefix"))
		}
		spelling = spelling[strings.LastIndexByte(spelling, ':')+1:]
		if prefix == "BPF" {
			name, spelling = "BPF:"+name, "bpf:"+spelling
		} else if prefix == "KEYWORD" {
			return r.table.keyword(name, spelling)
		}
	}
	if strings.ContainsRune(spelling, '|') {
		spelling = ""
	}
	return r.table.intern(name, spelling)
}

// checkWidth refuses integers that no 64-bit value can hold.
func (r *Reader) checkWidth(start int, v Value) Value {
	if n, ok := v.(*big.Int); ok && r.dropping == 0 && (n.Sign() < 0 || n.BitLen() > 64) {
		panic(r.errorf(start, "this number does not fit in 64 bits").
			WithExpected("-9223372036854775808 to 18446744073709551615 (#xffffffffffffffff)").WithCode("literal-too-wide"))
	}
	return v
}

func number(q *big.Rat) Value {
	if q.IsInt() {
		return Integer(new(big.Int).Set(q.Num()))
	}
	return q
}

// parseNumber reads an integer, ratio or float in decimal.
func parseNumber(s string) (Value, bool) {
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 || body == "" || (body[0] < '0' || body[0] > '9') && body[0] != '.' {
		return nil, false
	}
	digits := func(t string) bool {
		for i := 0; i < len(t); i++ {
			if t[i] < '0' || t[i] > '9' {
				return false
			}
		}
		return t != ""
	}
	if digits(strings.TrimSuffix(body, ".")) { // 12. is the integer 12
		s = strings.TrimSuffix(s, ".")
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, true
		}
		n, ok := new(big.Int).SetString(strings.TrimPrefix(s, "+"), 10)
		return Integer(n), ok
	}
	if num, den, ok := strings.Cut(body, "/"); ok {
		if !digits(num) || !digits(den) || strings.Trim(den, "0") == "" {
			return nil, false
		}
		n, _ := new(big.Int).SetString(num, 10) // Rat.SetString would read 010 as octal
		d, _ := new(big.Int).SetString(den, 10)
		if s[0] == '-' {
			n.Neg(n)
		}
		return number(new(big.Rat).SetFrac(n, d)), true
	}
	mant, exp := body, ""
	if i := strings.IndexAny(body, "eEdDfFsSlL"); i > 0 {
		mant, exp = body[:i], body[i+1:]
		if !digits(strings.TrimLeft(exp, "+-")) || len(exp)-len(strings.TrimLeft(exp, "+-")) > 1 {
			return nil, false
		}
	}
	whole, frac, dot := strings.Cut(mant, ".")
	if (whole != "" && !digits(whole)) || (frac != "" && !digits(frac)) || whole+frac == "" || dot && frac == "" {
		return nil, false
	}
	text := s[:len(s)-len(body)] + mant
	if exp != "" {
		text += "e" + exp
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, false
	}
	return f, true
}
