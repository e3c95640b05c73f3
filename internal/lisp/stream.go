package lisp

import (
	"strings"
	"unicode"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A stream collects text, or hands it to the host, or gives the characters
// of a string.
type stream struct {
	b   strings.Builder
	out func(string)
	col int // column of what comes next

	input bool
	src   []rune
	pos   int
}

// PrintLisp prints #<stream>.
func (s *stream) PrintLisp() string { return "#<stream>" }

func (s *stream) write(in *Interp, text string) {
	if text == "" {
		return
	}
	in.alloc(int64(len(text)/16 + 1))
	in.steps(len(text) / 64)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		s.col = len([]rune(text[i+1:]))
	} else {
		s.col += len([]rune(text))
	}
	if s.out != nil {
		s.out(text)
		return
	}
	s.b.WriteString(text)
}

func (s *stream) text() string { return s.b.String() }

// output is the stream that a destination argument means.
func (in *Interp) output(v Value) *stream {
	switch x := v.(type) {
	case *stream:
		if !x.input {
			return x
		}
	case *sexp.Symbol:
		if x == sexp.T || x == sexp.Nil {
			if st, ok := in.global(in.table.Intern("*STANDARD-OUTPUT*")).val.(*stream); ok {
				return st
			}
			return in.stdout
		}
	}
	in.typeError(v, "an output stream")
	return nil
}

func (in *Interp) inputStream(v Value) *stream {
	s, ok := v.(*stream)
	if !ok || !s.input {
		in.fail(sandboxed(in.pos, "read"))
	}
	return s
}

func formatRows() []row {
	return []row{
		{"FORMAT", "destination control &rest arguments", func(in *Interp, a []Value) Value {
			if s, ok := a[0].(*sexp.String); ok { // a string with room to append to
				text := in.formatText(a[1], a[2:], false)
				in.change(s)
				s.R = append(s.R, []rune(text)...)
				return sexp.Nil
			}
			if isNil(a[0]) {
				return in.str(in.formatText(a[1], a[2:], false))
			}
			in.format(in.output(a[0]), a[1], a[2:], false)
			return sexp.Nil
		}},
		{"PRINC-TO-STRING", "object", func(in *Interp, a []Value) Value { return in.str(in.text(a[0], style{})) }},
		{"PRIN1-TO-STRING", "object", func(in *Interp, a []Value) Value { return in.str(in.text(a[0], style{escape: true})) }},
		{"WRITE-TO-STRING", "object &key escape base radix pretty case circle readably level length", func(in *Interp, a []Value) Value {
			return in.str(in.text(a[0], in.writeStyle(a[1:])))
		}},
	}
}

// writeStyle reads the keyword arguments of write.
func (in *Interp) writeStyle(a []Value) style {
	k := in.keyArgs(a, "ESCAPE", "BASE", "RADIX", "PRETTY", "CASE", "CIRCLE", "READABLY", "LEVEL", "LENGTH", "STREAM")
	st := style{escape: k[0] == nil || !isNil(k[0])}
	if k[1] != nil {
		if st.base = in.index(k[1]); st.base < 2 || st.base > 36 {
			in.typeError(k[1], "a base from 2 to 36")
		}
	}
	return st
}

func streamRows() []row {
	write := func(name string, text func(in *Interp, v Value, st *stream) string) row {
		return row{name, "object &optional stream", func(in *Interp, a []Value) Value {
			st := in.output(optional(a, 1))
			st.write(in, text(in, a[0], st))
			return a[0]
		}}
	}
	str := func(name, end string) row {
		return row{name, "string &optional stream &key start end", func(in *Interp, a []Value) Value {
			s, ok := a[0].(*sexp.String)
			if !ok {
				in.typeError(a[0], "a string")
			}
			r := s.R
			if len(a) > 2 {
				k := in.keyArgs(a[2:], "START", "END")
				lo, hi := in.bounds(len(r), k[0], k[1])
				r = r[lo:hi]
			}
			in.output(optional(a, 1)).write(in, string(r)+end)
			return a[0]
		}}
	}
	return []row{
		write("PRINC", func(in *Interp, v Value, _ *stream) string { return in.text(v, style{}) }),
		write("PRIN1", func(in *Interp, v Value, _ *stream) string { return in.text(v, style{escape: true}) }),
		write("PRINT", func(in *Interp, v Value, _ *stream) string { return "\n" + in.text(v, style{escape: true}) + " " }),
		write("PPRINT", func(in *Interp, v Value, _ *stream) string { return "\n" + in.text(v, style{escape: true}) }),
		write("WRITE-CHAR", func(in *Interp, v Value, _ *stream) string { return string(in.char(v)) }),
		str("WRITE-STRING", ""), str("WRITE-LINE", "\n"),
		{"WRITE", "object &key stream escape base radix pretty case circle readably level length", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[1:], "STREAM", "ESCAPE", "BASE", "RADIX", "PRETTY", "CASE", "CIRCLE", "READABLY", "LEVEL", "LENGTH")
			in.output(orNil(k[0])).write(in, in.text(a[0], in.writeStyle(a[1:])))
			return a[0]
		}},
		{"TERPRI", "&optional stream", func(in *Interp, a []Value) Value {
			in.output(optional(a, 0)).write(in, "\n")
			return sexp.Nil
		}},
		{"FRESH-LINE", "&optional stream", func(in *Interp, a []Value) Value {
			st := in.output(optional(a, 0))
			if st.col == 0 {
				return sexp.Nil
			}
			st.write(in, "\n")
			return sexp.T
		}},
		{"FINISH-OUTPUT", "&optional stream", nothing}, {"FORCE-OUTPUT", "&optional stream", nothing}, {"CLEAR-OUTPUT", "&optional stream", nothing},
		{"MAKE-STRING-OUTPUT-STREAM", "&key element-type", func(in *Interp, a []Value) Value { in.alloc(16); return &stream{} }},
		{"GET-OUTPUT-STREAM-STRING", "stream", func(in *Interp, a []Value) Value {
			st, ok := a[0].(*stream)
			if !ok || st.input || st.out != nil {
				in.typeError(a[0], "a string output stream")
			}
			v := in.str(st.text())
			st.b.Reset()
			st.col = 0
			return v
		}},
		{"MAKE-STRING-INPUT-STREAM", "string &optional start end", func(in *Interp, a []Value) Value {
			r := in.stringOf(a[0])
			lo, hi := in.bounds(len(r), orNil(optional(a, 1)), optional(a, 2))
			in.alloc(16)
			return &stream{input: true, src: r[lo:hi]}
		}},
		{"READ-CHAR", "&optional stream error-p eof recursive", func(in *Interp, a []Value) Value { return in.readChar(a, true) }},
		{"PEEK-CHAR", "&optional type stream error-p eof recursive", func(in *Interp, a []Value) Value {
			if len(a) > 0 {
				if !isNil(a[0]) {
					st := in.inputStream(optional(a, 1))
					for a[0] == Value(sexp.T) && st.pos < len(st.src) && strings.ContainsRune(" \t\n\r\f", st.src[st.pos]) {
						st.pos++
					}
				}
				a = a[1:]
			}
			return in.readChar(a, false)
		}},
		{"READ-LINE", "&optional stream error-p eof recursive", func(in *Interp, a []Value) Value {
			st := in.inputStream(optional(a, 0))
			if st.pos >= len(st.src) {
				return values(in.endOfFile(a), sexp.T)
			}
			start := st.pos
			for st.pos < len(st.src) && st.src[st.pos] != '\n' {
				st.pos++
			}
			in.steps((st.pos - start) / 16)
			line := in.newString(append([]rune(nil), st.src[start:st.pos]...))
			if st.pos < len(st.src) {
				st.pos++
				return values(line, sexp.Nil)
			}
			return values(line, sexp.T)
		}},
		{"READ-FROM-STRING", "string &optional error-p eof &key start end preserve-whitespace", func(in *Interp, a []Value) Value {
			s, ok := a[0].(*sexp.String)
			if !ok {
				in.typeError(a[0], "a string")
			}
			var keys []Value
			if len(a) > 3 {
				keys = a[3:]
			}
			k := in.keyArgs(keys, "START", "END", "PRESERVE-WHITESPACE")
			lo, hi := in.bounds(len(s.R), k[0], k[1])
			in.steps(hi - lo)
			in.alloc(int64(8 * (hi - lo)))
			r := sexp.NewReader(source.NewFile("string", string(s.R[lo:hi])), in.table, nil)
			v, pos, ok, err := r.Next()
			if err != nil {
				e := errAt(in.pos, s, "read-from-string: %s", err.What)
				e.kind = "READER-ERROR"
				in.fail(e)
			}
			if !ok {
				return values(in.endOfFile(a), int64(hi))
			}
			used := len([]rune(pos.File.Text[:pos.End]))
			// The white space that ends a symbol or a number is read with it.
			if c := s.R[lo+used-1]; c != ')' && c != '"' && lo+used < hi && unicode.IsSpace(s.R[lo+used]) {
				used++
			}
			return values(v, int64(lo+used))
		}},
	}
}

func (in *Interp) readChar(a []Value, advance bool) Value {
	st := in.inputStream(optional(a, 0))
	if st.pos >= len(st.src) {
		return in.endOfFile(a)
	}
	c := sexp.Char(st.src[st.pos])
	if advance {
		st.pos++
	}
	return c
}

// endOfFile is what reading gives at the end: an error, or the eof argument.
func (in *Interp) endOfFile(a []Value) Value {
	if len(a) > 1 && isNil(a[1]) {
		return optional(a, 2)
	}
	e := errAt(in.pos, nil, "reading behind the end of a string")
	e.kind = "END-OF-FILE"
	in.fail(e)
	return nil
}

// streamSpecials bind streams.
func streamSpecials() []special {
	return []special{
		{name: "WITH-OUTPUT-TO-STRING", params: "(variable [string]) &body body", compile: func(c *comp, x *sexp.Cons) code {
			head, ok := sexp.Slice(second(x).Car)
			if !ok || len(head) == 0 || !isSymbol(head[0]) {
				c.in.fail(errAt(c.pos, x, "malformed `with-output-to-string`").WithExpected("(with-output-to-string (variable) form...)"))
			}
			target := nilCode
			if len(head) > 1 {
				target = c.value(head[1])
			}
			return c.scoped(func() code {
				_, decls, forms := c.splitBody(rest(second(x)), false)
				b := c.binder(head[0].(*sexp.Symbol), declaredSpecial(decls))
				sig := c.sig
				c.sig = nil
				body := c.body(forms)
				c.sig = sig
				c.one = false
				return func(f *frame) Value {
					into := target(f)
					st := &stream{}
					mark := len(f.in.specials)
					b.set(f, st)
					v := body(f)
					f.in.unbindTo(mark)
					if s, ok := into.(*sexp.String); ok {
						f.in.change(s)
						s.R = append(s.R, []rune(st.text())...)
						return v
					}
					return f.in.str(st.text())
				}
			})
		}},
		{name: "WITH-INPUT-FROM-STRING", params: "(variable string) &body body", compile: func(c *comp, x *sexp.Cons) code {
			head, ok := sexp.Slice(second(x).Car)
			if !ok || len(head) < 2 || !isSymbol(head[0]) {
				c.in.fail(errAt(c.pos, x, "malformed `with-input-from-string`").WithExpected("(with-input-from-string (variable string) form...)"))
			}
			text := c.value(head[1])
			return c.scoped(func() code {
				_, decls, forms := c.splitBody(rest(second(x)), false)
				b := c.binder(head[0].(*sexp.Symbol), declaredSpecial(decls))
				body := c.body(forms)
				return func(f *frame) Value {
					st := &stream{input: true, src: f.in.stringOf(text(f))}
					mark := len(f.in.specials)
					b.set(f, st)
					v := body(f)
					f.in.unbindTo(mark)
					return v
				}
			})
		}},
		{name: "WITH-STANDARD-IO-SYNTAX", params: "&body body", compile: func(c *comp, x *sexp.Cons) code { return c.body(x.Cdr) }},
		{name: "WITH-HASH-TABLE-ITERATOR", params: "(name table) &body body", compile: func(c *comp, x *sexp.Cons) code {
			c.in.failAt(c.pos, x, "`with-hash-table-iterator` is not supported; use maphash or loop")
			return nil
		}},
	}
}
