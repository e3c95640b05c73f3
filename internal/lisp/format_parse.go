package lisp

import (
	"unicode"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// A directive is one piece of a format control string: text, or ~ with
// parameters, flags and for the bracketing ones the clauses inside.
type directive struct {
	op        rune // 0: text
	text      string
	params    []formatParam
	colon, at bool
	clauses   [][]directive
	last      bool // the last clause of ~[ came after ~:;
	closeFlag bool // the closing bracket has a colon
}

// formatParam is a parameter: a number or character, v (an argument), # (their
// number), or nothing.
type formatParam struct {
	val  Value // nil: v, # or nothing
	kind byte  // 'v', '#', 0
}

// formatParser reads a control string.
type formatParser struct {
	in  *Interp
	src []rune
	pos int
}

func (p *formatParser) fail(format string, args ...any) {
	p.in.fail(errAt(p.in.pos, nil, "format: "+format, args...).coded("bad-format"))
}

var closers = map[rune]rune{'{': '}', '[': ']', '(': ')', '<': '>'}

// sequence reads up to the end or to a closing directive or separator.
func (p *formatParser) sequence() (ds []directive, end directive) {
	for p.pos < len(p.src) {
		start := p.pos
		for p.pos < len(p.src) && p.src[p.pos] != '~' {
			p.pos++
		}
		if p.pos > start {
			ds = append(ds, directive{text: string(p.src[start:p.pos])})
		}
		if p.pos == len(p.src) {
			break
		}
		d := p.directive()
		switch d.op {
		case '}', ']', ')', '>', ';':
			return ds, d
		case '{', '[', '(', '<':
			p.in.enter()
			for {
				inner, stop := p.sequence()
				d.clauses = append(d.clauses, inner)
				if stop.op == 0 {
					p.fail("`~%c` is never closed by `~%c`", d.op, closers[d.op])
				}
				if stop.op == ';' {
					d.last = stop.colon
					continue
				}
				if stop.op != closers[d.op] {
					p.fail("`~%c` closes `~%c`", stop.op, d.op)
				}
				d.closeFlag = stop.colon
				break
			}
			p.in.leave()
		}
		ds = append(ds, d)
	}
	return ds, directive{}
}

// directive reads ~ and what follows.
func (p *formatParser) directive() (d directive) {
	p.pos++
	next := func() rune {
		if p.pos >= len(p.src) {
			p.fail("the control string ends inside of a directive")
		}
		return p.src[p.pos]
	}
	for {
		c := next()
		switch {
		case c == '\'':
			p.pos++
			d.params = append(d.params, formatParam{val: sexp.Char(next())})
			p.pos++
		case c == 'v' || c == 'V':
			d.params = append(d.params, formatParam{kind: 'v'})
			p.pos++
		case c == '#':
			d.params = append(d.params, formatParam{kind: '#'})
			p.pos++
		case c >= '0' && c <= '9' || (c == '-' || c == '+') && p.pos+1 < len(p.src) && unicode.IsDigit(p.src[p.pos+1]):
			n, sign := int64(0), int64(1)
			if c == '-' {
				sign = -1
			}
			if c == '-' || c == '+' {
				p.pos++
			}
			for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
				if n = n*10 + int64(p.src[p.pos]-'0'); n > 1<<40 {
					p.fail("a parameter is too large")
				}
				p.pos++
			}
			d.params = append(d.params, formatParam{val: n * sign})
		case c == ',':
			d.params = append(d.params, formatParam{})
		}
		if next() == ',' {
			p.pos++
			continue
		}
		break
	}
	for c := next(); c == ':' || c == '@'; c = next() {
		d.colon = d.colon || c == ':'
		d.at = d.at || c == '@'
		p.pos++
	}
	d.op = unicode.ToLower(next())
	p.pos++
	if d.op == '\n' { // the line ends here for the reader only
		for !d.colon && p.pos < len(p.src) && unicode.IsSpace(p.src[p.pos]) {
			p.pos++
		}
	}
	return d
}
