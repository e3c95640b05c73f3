package lisp

import (
	"strings"
	"unicode"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// A formatter carries out directives.
type formatter struct {
	in   *Interp
	out  *stream
	args []Value
	pos  int
	user bool
	rest bool // something follows in the iteration around (for ~:^)
}

// formatText is format with a nil destination.
func (in *Interp) formatText(control Value, args []Value, user bool) string {
	st := &stream{}
	in.format(st, control, args, user)
	return st.text()
}

func (in *Interp) format(out *stream, control Value, args []Value, user bool) {
	if fn, ok := control.(*Function); ok {
		in.call(fn, append([]Value{out}, args...))
		return
	}
	s, ok := control.(*sexp.String)
	if !ok {
		in.typeError(control, "a format control string")
	}
	in.steps(len(s.R) / 8)
	p := &formatParser{in: in, src: s.R}
	ds, end := p.sequence()
	if end.op != 0 {
		p.fail("`~%c` closes nothing", end.op)
	}
	f := &formatter{in: in, out: out, args: args, user: user}
	f.run(ds)
}

func (f *formatter) fail(format string, args ...any) {
	f.in.fail(errAt(f.in.pos, nil, "format: "+format, args...).coded("bad-format"))
}

func (f *formatter) next(op rune) Value {
	if f.pos >= len(f.args) {
		f.fail("no argument is left for `~%c`", op)
	}
	v := f.args[f.pos]
	f.pos++
	return v
}

// params evaluates the parameters of d.
func (f *formatter) params(d directive) []Value {
	out := make([]Value, len(d.params))
	for i, p := range d.params {
		switch p.kind {
		case 'v':
			if v := f.next('v'); !isNil(v) {
				out[i] = v
			}
		case '#':
			out[i] = int64(len(f.args) - f.pos)
		default:
			out[i] = p.val
		}
	}
	return out
}

func (f *formatter) num(ps []Value, i, def int) int {
	if i >= len(ps) || ps[i] == nil {
		return def
	}
	n, ok := ps[i].(int64)
	if !ok || n > 1<<31-1 || n < -1<<31 {
		f.fail("the parameter %s is no small integer", show(ps[i]))
	}
	return int(n)
}

func (f *formatter) char(ps []Value, i int, def rune) rune {
	if i >= len(ps) || ps[i] == nil {
		return def
	}
	return f.in.char(ps[i])
}

// repeat is n times r; the memory is counted first.
func (f *formatter) repeat(r rune, n int) string {
	if n <= 0 {
		return ""
	}
	f.in.alloc(int64(n/4 + 1))
	return strings.Repeat(string(r), n)
}

// run carries out ds; false: ~^ ended it.
func (f *formatter) run(ds []directive) bool {
	f.in.enter()
	defer f.in.leave()
	for i := range ds {
		f.in.step()
		if !f.one(ds[i]) {
			return false
		}
	}
	return true
}

func (f *formatter) one(d directive) bool {
	in, out := f.in, f.out
	if d.op == 0 {
		out.write(in, d.text)
		return true
	}
	ps := f.params(d)
	switch d.op {
	case 'a', 's', 'w':
		v := f.next(d.op)
		text := in.text(v, style{escape: d.op != 'a', user: f.user && d.op == 'a'})
		if isNil(v) && d.colon {
			text = "()"
		}
		f.padded(text, ps, d.at)
	case 'd', 'x', 'o', 'b':
		f.integer(f.next(d.op), map[rune]int{'d': 10, 'x': 16, 'o': 8, 'b': 2}[d.op], ps, d)
	case 'r':
		f.radix(ps, d)
	case 'f', 'e', 'g', '$':
		f.float(ps, d)
	case 'c':
		c := f.next('c')
		r := in.char(c)
		switch {
		case d.at:
			out.write(in, sexp.Print(c))
		case d.colon && sexp.CharName(r) != "":
			out.write(in, sexp.CharName(r))
		default:
			out.write(in, string(r))
		}
	case '%', '|', '~':
		r := map[rune]rune{'%': '\n', '|': '\f', '~': '~'}[d.op]
		out.write(in, f.repeat(r, f.num(ps, 0, 1)))
	case '&':
		n := f.num(ps, 0, 1)
		if n > 0 && out.col != 0 {
			out.write(in, "\n")
		}
		out.write(in, f.repeat('\n', n-1))
	case '\n':
		if d.at {
			out.write(in, "\n")
		}
	case '_', 'i':
	case 't':
		f.tab(ps, d)
	case '*':
		switch n := f.num(ps, 0, -1); {
		case d.at:
			f.pos = max(n, 0)
		case d.colon:
			f.pos -= map[bool]int{true: 1, false: n}[n < 0]
		default:
			f.pos += map[bool]int{true: 1, false: n}[n < 0]
		}
		if f.pos < 0 || f.pos > len(f.args) {
			f.fail("`~*` goes to an argument that is not there")
		}
	case 'p':
		f.plural(d)
	case '?':
		f.indirect(d)
	case '(':
		return f.changeCase(d)
	case '[':
		return f.choose(ps, d)
	case '{':
		f.iterate(ps, d)
	case '<':
		return f.justify(ps, d)
	case '^':
		return f.goesOn(ps, d)
	case '/':
		f.fail("`~/function/` is not supported")
	default:
		f.fail("unknown directive `~%c`", d.op)
	}
	return true
}

// padded writes text in a field: mincol, colinc, minpad, padchar.
func (f *formatter) padded(text string, ps []Value, left bool) {
	if len(ps) == 0 {
		f.out.write(f.in, text)
		return
	}
	mincol, colinc, minpad, pad := f.num(ps, 0, 0), max(1, f.num(ps, 1, 1)), f.num(ps, 2, 0), f.char(ps, 3, ' ')
	n := max(minpad, 0)
	if width := len([]rune(text)); width+n < mincol {
		n += (mincol - width - n + colinc - 1) / colinc * colinc
	}
	fill := f.repeat(pad, n)
	if left {
		text = fill + text
	} else {
		text += fill
	}
	f.out.write(f.in, text)
}

// integer writes v in a base: mincol, padchar, commachar, interval.
func (f *formatter) integer(v Value, base int, ps []Value, d directive) {
	n := toBig(v)
	if n == nil {
		text := f.in.text(v, style{base: base, user: f.user})
		f.out.write(f.in, f.repeat(' ', f.num(ps, 0, 0)-len([]rune(text)))+text)
		return
	}
	text := strings.TrimPrefix(f.in.bigText(n, base), "-")
	if d.colon {
		comma, every := f.char(ps, 2, ','), max(1, f.num(ps, 3, 3))
		f.in.alloc(int64(len(text)))
		var b strings.Builder
		for i, c := range text {
			if i > 0 && (len(text)-i)%every == 0 {
				b.WriteRune(comma)
			}
			b.WriteRune(c)
		}
		text = b.String()
	}
	if n.Sign() < 0 {
		text = "-" + text
	} else if d.at {
		text = "+" + text
	}
	f.out.write(f.in, f.repeat(f.char(ps, 1, ' '), f.num(ps, 0, 0)-len([]rune(text)))+text)
}

func (f *formatter) radix(ps []Value, d directive) {
	v := f.next('r')
	if len(ps) > 0 && ps[0] != nil {
		base := f.num(ps, 0, 10)
		if base < 2 || base > 36 {
			f.fail("the radix %d is not from 2 to 36", base)
		}
		f.integer(v, base, ps[1:], d)
		return
	}
	n := f.in.bigInt(v)
	var text string
	switch {
	case n.BitLen() > 300:
		text = f.in.bigText(n, 10)
	case d.at:
		if !n.IsInt64() || n.Int64() < 1 || n.Int64() > 3999 {
			text = n.String()
		} else {
			text = roman(int(n.Int64()), d.colon)
		}
	default:
		text = english(n, d.colon)
	}
	f.out.write(f.in, text)
}

func (f *formatter) tab(ps []Value, d directive) {
	col, inc := f.num(ps, 0, 1), f.num(ps, 1, 1)
	n := 0
	cur := f.out.col
	switch {
	case d.at:
		n = max(col, 0)
		if inc > 0 && (cur+n)%inc != 0 {
			n += inc - (cur+n)%inc
		}
	case cur < col:
		n = col - cur
	case inc > 0:
		n = inc - (cur-col)%inc
	}
	f.out.write(f.in, f.repeat(' ', n))
}

func (f *formatter) plural(d directive) {
	if d.colon {
		if f.pos == 0 {
			f.fail("`~:p` has no argument before it")
		}
		f.pos--
	}
	single := eql(f.next('p'), int64(1))
	switch {
	case d.at && single:
		f.out.write(f.in, "y")
	case d.at:
		f.out.write(f.in, "ies")
	case !single:
		f.out.write(f.in, "s")
	}
}

func (f *formatter) indirect(d directive) {
	control := f.next('?')
	if !d.at {
		f.in.format(f.out, control, f.in.listOf(f.next('?'), "format"), f.user)
		return
	}
	s, ok := control.(*sexp.String)
	if !ok {
		f.in.typeError(control, "a format control string")
	}
	p := &formatParser{in: f.in, src: s.R}
	ds, _ := p.sequence()
	f.run(ds)
}

func (f *formatter) changeCase(d directive) bool {
	outer := f.out
	f.out = &stream{col: outer.col}
	ok := f.run(d.clauses[0])
	text := []rune(f.out.text())
	f.out = outer
	switch {
	case d.colon && d.at:
		text = mapRunes(text, unicode.ToUpper)
	case d.colon:
		text = capitalize(text)
	case d.at:
		text = mapRunes(text, unicode.ToLower)
		for i, r := range text {
			if unicode.IsLetter(r) {
				text[i] = unicode.ToUpper(r)
				break
			}
		}
	default:
		text = mapRunes(text, unicode.ToLower)
	}
	f.out.write(f.in, string(text))
	return ok
}

func (f *formatter) choose(ps []Value, d directive) bool {
	switch {
	case d.colon:
		if len(d.clauses) != 2 {
			f.fail("`~:[` takes two clauses")
		}
		if isNil(f.next('[')) {
			return f.run(d.clauses[0])
		}
		return f.run(d.clauses[1])
	case d.at:
		if isNil(f.next('[')) {
			return true
		}
		f.pos--
		return f.run(d.clauses[0])
	}
	var v Value
	if len(ps) > 0 && ps[0] != nil {
		v = ps[0]
	} else {
		v = f.next('[')
	}
	n, ok := v.(int64)
	if !ok && !isInteger(v) {
		f.in.typeError(v, "an integer, as `~[` needs it")
	}
	if ok && n >= 0 && n < int64(len(d.clauses)) {
		return f.run(d.clauses[n])
	}
	if d.last {
		return f.run(d.clauses[len(d.clauses)-1])
	}
	return true
}

func (f *formatter) iterate(ps []Value, d directive) {
	most := f.num(ps, 0, -1)
	body := d.clauses[0]
	if len(body) == 0 {
		control := f.next('{')
		s, ok := control.(*sexp.String)
		if !ok {
			f.in.typeError(control, "a format control string")
		}
		p := &formatParser{in: f.in, src: s.R}
		body, _ = p.sequence()
	}
	args := f.args[f.pos:]
	if !d.at {
		args = f.in.listOf(f.next('{'), "format")
	}
	inner := &formatter{in: f.in, out: f.out, args: args, user: f.user}
	for n := 0; n != most; n++ {
		f.in.step()
		if inner.pos >= len(inner.args) && !(n == 0 && d.closeFlag) {
			break
		}
		if !d.colon {
			before := inner.pos
			if !inner.run(body) {
				break
			}
			if inner.pos == before && most < 0 && len(inner.args) > 0 && !consumes(body) {
				f.fail("`~{` takes no argument and would never end")
			}
			continue
		}
		sub := &formatter{in: f.in, out: f.out, user: f.user, rest: inner.pos+1 < len(inner.args)}
		if inner.pos < len(inner.args) {
			sub.args = f.in.listOf(inner.next('{'), "format")
		}
		if !sub.run(body) && sub.pos < 0 {
			break
		}
	}
	if d.at {
		f.pos += min(inner.pos, len(args))
		if d.colon {
			f.pos = len(f.args) - (len(args) - inner.pos)
		}
	}
}

// consumes reports whether some directive may take an argument.
func consumes(ds []directive) bool {
	for _, d := range ds {
		if d.op != 0 && !strings.ContainsRune("%&~|\n_i", d.op) {
			return true
		}
	}
	return false
}

func (f *formatter) goesOn(ps []Value, d directive) bool {
	if len(ps) > 0 {
		n := 0
		for i := 1; i < len(ps); i++ {
			if ps[i] != nil && ps[i-1] != nil && eql(ps[i], ps[i-1]) {
				n++
			}
		}
		if len(ps) == 1 {
			return !eql(ps[0], int64(0))
		}
		return n != len(ps)-1
	}
	if d.colon {
		if !f.rest {
			f.pos = -1
			return false
		}
		return true
	}
	return f.pos < len(f.args)
}

// justify spreads segments over mincol columns; with ~:> it takes a list as
// a logical block, which is printed on one line.
func (f *formatter) justify(ps []Value, d directive) bool {
	if d.closeFlag {
		args := f.in.listOf(f.next('<'), "format")
		inner := &formatter{in: f.in, out: f.out, args: args, user: f.user}
		clauses := d.clauses
		prefix, suffix := "", ""
		if d.colon {
			prefix, suffix = "(", ")"
		}
		if len(clauses) > 1 {
			if len(clauses[0]) == 1 {
				prefix = clauses[0][0].text
			} else {
				prefix = ""
			}
			if len(clauses) > 2 {
				suffix = ""
				if len(clauses[2]) == 1 {
					suffix = clauses[2][0].text
				}
			}
			clauses = clauses[1:2]
		}
		f.out.write(f.in, prefix)
		inner.run(clauses[0])
		f.out.write(f.in, suffix)
		return true
	}
	var segments []string
	total := 0
	for _, c := range d.clauses {
		outer := f.out
		f.out = &stream{}
		ok := f.run(c)
		text := f.out.text()
		f.out = outer
		if !ok {
			break
		}
		segments = append(segments, text)
		total += len([]rune(text))
	}
	mincol, colinc, minpad, pad := f.num(ps, 0, 0), max(1, f.num(ps, 1, 1)), max(0, f.num(ps, 2, 0)), f.char(ps, 3, ' ')
	gaps := len(segments) - 1
	if d.colon || gaps == 0 && !d.at {
		gaps++
	}
	if d.at {
		gaps++
	}
	gaps = max(gaps, 1)
	width := total + gaps*minpad
	if width < mincol {
		width = mincol
	} else if (width-mincol)%colinc != 0 {
		width += colinc - (width-mincol)%colinc
	}
	space := width - total
	f.in.alloc(int64(max(space, 0)/4 + 1))
	var b strings.Builder
	gap := 0
	put := func() {
		n := space*(gap+1)/gaps - space*gap/gaps
		gap++
		b.WriteString(strings.Repeat(string(pad), max(n, 0)))
	}
	if d.colon || len(segments) == 1 && !d.at {
		put()
	}
	for i, s := range segments {
		if i > 0 {
			put()
		}
		b.WriteString(s)
	}
	if d.at {
		put()
	}
	f.out.write(f.in, b.String())
	return true
}
