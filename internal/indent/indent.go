// Package indent lays sources out: it changes the white space at the
// beginnings and ends of lines and nothing else, so that what the reader
// reads, and every comment, stays what it is.
package indent

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bodies says how many arguments of an operator come before its body; ok is
// false for functions.
type Bodies func(operator string) (before int, ok bool)

// A list is one that is open where a line begins.
type list struct {
	kind
	column int    // of its parenthesis
	inner  int    // of what follows it: of a vector, one further
	head   string // its first item, in lower case; "" if that is no name, "#" if it is another atom
	items  int
	first  int // column of the item behind the head, 0 if there is none yet, -1 if it is on another line
	attach int // how many data belong to the item before: behind a quote, one
}

// A kind is what a list is by its place.
type kind int

const (
	call      kind = iota
	datum          // quoted; its items stand below each other, and so on
	clause         // of cond and case
	bindings       // of let
	binding        // one of them
	functions      // of flet
	function       // one of them
)

// Source gives text with its lines indented.
func Source(text string, bodies Bodies) string {
	s := &scanner{text: text, bodies: bodies}
	s.run()
	return s.out.String()
}

type scanner struct {
	text   string
	off    int
	out    strings.Builder
	column int // of the output
	open   []list
	bodies Bodies
	quote  bool // the next datum is quoted
	note   int  // column of a comment behind code on the line before, -1 for none
}

func (s *scanner) run() {
	s.note = -1
	blank := 0
	for s.off < len(s.text) {
		end := strings.IndexByte(s.text[s.off:], '\n')
		line := s.text[s.off:]
		if end >= 0 {
			line = line[:end]
		}
		rest := strings.TrimLeftFunc(line, unicode.IsSpace)
		if rest == "" || rest == "\ufeff" {
			s.off += len(line) + 1
			blank++
			s.note = -1
			continue
		}
		s.out.WriteString(strings.Repeat("\n", blank))
		blank = 0
		s.off += len(line) - len(rest)
		s.column = s.indentation(rest)
		s.out.WriteString(strings.Repeat(" ", s.column))
		s.line(rest)
	}
}

// line copies from here to the end of a line that is not inside of a datum.
func (s *scanner) line(rest string) {
	alone := true // nothing but white space so far
	note := -1
	for s.off < len(s.text) {
		c := s.text[s.off]
		switch {
		case c == '\n':
			s.off++
			s.endLine()
			s.note = note
			return
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			from := s.off
			for s.off < len(s.text) && strings.IndexByte(" \t\r\f\v", s.text[s.off]) >= 0 {
				s.off++
			}
			if s.off < len(s.text) && s.text[s.off] != '\n' {
				s.copy(from)
			}
			continue
		case c == ';':
			if !alone || s.column == s.note {
				note = s.column
			}
			from := s.off
			if i := strings.IndexByte(s.text[s.off:], '\n'); i >= 0 {
				s.off += i
			} else {
				s.off = len(s.text)
			}
			s.out.WriteString(strings.TrimRightFunc(s.text[from:s.off], unicode.IsSpace))
		default:
			s.token()
		}
		alone = false
	}
	s.endLine()
}

func (s *scanner) endLine() {
	s.out.WriteByte('\n')
	s.column = 0
	for i := range s.open {
		if l := &s.open[i]; l.items == 1 && l.first == 0 {
			l.first = -1
		}
	}
}

// copy writes what lies between from and here.
func (s *scanner) copy(from int) {
	text := s.text[from:s.off]
	s.out.WriteString(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text, s.column = text[i+1:], 0
	}
	s.column += utf8.RuneCountInString(text)
}

// item notes that an item of the innermost list begins here.
func (s *scanner) item(name string) {
	if len(s.open) == 0 {
		return
	}
	l := &s.open[len(s.open)-1]
	if l.attach > 0 {
		l.attach--
		return
	}
	switch l.items {
	case 0:
		l.head = name
	case 1:
		if l.first == 0 {
			l.first = s.column
		}
	}
	l.items++
}

// mark copies a prefix, which with the next n data is one item.
func (s *scanner) mark(size, n int) {
	s.item("")
	if len(s.open) > 0 {
		s.open[len(s.open)-1].attach += n
	}
	from := s.off
	s.off += size
	s.copy(from)
}

// inside is what a list is that begins here.
func (s *scanner) inside() kind {
	if s.quote && !s.code() {
		return datum
	}
	if len(s.open) == 0 {
		return call
	}
	l := &s.open[len(s.open)-1]
	switch l.kind {
	case datum:
		return datum
	case bindings:
		return binding
	case functions:
		return function
	case call:
		for _, r := range places {
			if (r.at == l.items || r.at < l.items && r.kind == clause) && strings.Contains(r.heads, " "+l.head+" ") {
				return r.kind
			}
		}
	}
	return call
}

// code reports whether what is quoted here is a form all the same: the
// answer of a macro.
func (s *scanner) code() bool {
	rest := strings.TrimPrefix(s.text[s.off:], "(")
	end := strings.IndexAny(rest, " \t\r\n()")
	if end <= 0 {
		return false
	}
	_, ok := s.operator(strings.ToLower(rest[:end]))
	return ok
}

// places are the arguments of operators that are no calls.
var places = []struct {
	heads string
	at    int // which one; of clauses, the first
	kind  kind
}{
	{" let let* do do* symbol-macrolet when-let when-let* if-let if-let* ", 1, bindings},
	{" flet labels macrolet ", 1, functions},
	{" cond ", 1, clause},
	{" case ecase ccase typecase etypecase ctypecase do do* ", 2, clause},
}

// indentation is the column where a line begins.
func (s *scanner) indentation(rest string) int {
	if rest[0] == ';' && !strings.HasPrefix(rest, ";;") && s.note >= 0 {
		return s.note // goes on with the comment above
	}
	if len(s.open) == 0 {
		return 0
	}
	l := &s.open[len(s.open)-1]
	switch {
	case l.items == 0:
		return l.inner
	case l.kind == binding:
		return l.column + 2
	case l.kind == function:
		return l.column + argument(l.items-1, 1)
	case l.kind == clause && l.head != "" && l.first > 0:
		return l.first
	case l.kind != call || l.head == "" || strings.IndexByte(":#", l.head[0]) >= 0:
		return l.inner
	}
	before, ok := s.operator(l.head)
	switch {
	case ok && before > 0:
		return l.column + argument(l.items-1, before)
	case l.first > 0:
		return l.first
	case ok:
		return l.column + 2
	}
	return l.inner
}

// argument is how far an argument stands in: those before the body twice as
// far.
func argument(n, before int) int {
	if n < before {
		return 4
	}
	return 2
}

// operator says how many arguments of an operator come before its body.
func (s *scanner) operator(head string) (before int, ok bool) {
	if n, ok := s.bodies(head); ok {
		return n, true
	}
	for _, prefix := range []string{"def", "with-", "%with-", "do-"} {
		if strings.HasPrefix(head, prefix) && !strings.HasPrefix(head, "default") {
			return 1, true
		}
	}
	return 0, false
}

func (s *scanner) token() {
	rest := s.text[s.off:]
	from := s.off
	switch {
	case rest[0] == '(' || strings.HasPrefix(rest, "#("):
		size := strings.IndexByte(rest, '(') + 1
		l := list{kind: s.inside(), column: s.column, inner: s.column + size}
		if size == 2 {
			l.kind = datum
		}
		s.item("")
		s.quote = false
		s.off += size
		s.copy(from)
		s.open = append(s.open, l)
		return
	case rest[0] == ')':
		if n := len(s.open); n > 0 {
			s.open = s.open[:n-1]
		}
		s.off++
		s.copy(from)
		return
	case rest[0] == '\'':
		s.mark(1, 1)
		s.quote = true
		return
	case strings.HasPrefix(rest, "#'"), strings.HasPrefix(rest, ",@"):
		s.mark(2, 1)
		return
	case rest[0] == '`' || rest[0] == ',':
		s.mark(1, 1)
		return
	case strings.HasPrefix(rest, "#+"), strings.HasPrefix(rest, "#-"):
		s.mark(2, 2)
		return
	case strings.HasPrefix(rest, "#|"):
		depth := 0
		for more := true; more && s.off < len(s.text); {
			switch {
			case strings.HasPrefix(s.text[s.off:], "#|"):
				depth, s.off = depth+1, s.off+2
			case strings.HasPrefix(s.text[s.off:], "|#"):
				depth, s.off = depth-1, s.off+2
				more = depth > 0
			default:
				s.off++
			}
		}
		s.copy(from)
		return
	case rest[0] == '"':
		s.item("")
		s.quote = false
		s.off++
		for s.off < len(s.text) && s.text[s.off] != '"' {
			if s.text[s.off] == '\\' {
				s.off++
			}
			s.off++
		}
		s.off = min(s.off+1, len(s.text))
		s.copy(from)
		return
	}
	s.quote = false
	if strings.HasPrefix(rest, "#\\") {
		s.off += 2
		_, n := utf8.DecodeRuneInString(s.text[s.off:])
		s.off += n
	}
	for s.off < len(s.text) && strings.IndexByte(" \t\r\f\v\n()\"';`,", s.text[s.off]) < 0 {
		switch s.text[s.off] {
		case '|':
			if i := strings.IndexByte(s.text[s.off+1:], '|'); i >= 0 {
				s.off += i + 1
			}
		case '\\':
			s.off++
		}
		s.off++
	}
	s.off = min(max(s.off, from+1), len(s.text))
	name := strings.ToLower(s.text[from:s.off])
	if c := name[0]; c == '#' || '0' <= c && c <= '9' {
		name = "#"
	}
	s.item(name)
	s.copy(from)
}
