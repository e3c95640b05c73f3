package source

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Severity tells an error, which stops the compilation, from a warning.
type Severity uint8

// The severities.
const (
	SevError Severity = iota
	SevWarning
	SevBug // the compiler is wrong, not the user
)

func (s Severity) String() string {
	return [...]string{"error", "warning", "internal compiler error"}[s]
}

// An Error is one thing to tell the user: where, what is wrong, what was
// expected instead and what to do. The zero Severity is an error.
type Error struct {
	Severity  Severity
	Code      string // stable, for tools: "unknown-map"
	Pos       Pos
	What      string
	Expected  string
	Hint      string
	Notes     []Note  // other places that belong to it
	Expansion []Frame // macros that were being expanded, innermost first
	Culprit   any     // the datum that is wrong, for finding its place; never printed
	Cause     any     // what the analysis found, for mending it; never printed
	Meant     string  // the name that was probably meant by what stands at Pos
	Fixes     []Fix   // changes of the text after which it is not said any more
}

// A Fix is one way to mend a mistake: edits that belong together.
type Fix struct {
	Title string // what it does, in a few words
	Edits []Edit
}

// An Edit puts Text in the place of what Pos spans.
type Edit struct {
	Pos  Pos
	Text string
}

// Apply makes the edits to the text of file; those of other files are left out.
func (x *Fix) Apply(file *File) string {
	edits := make([]Edit, 0, len(x.Edits))
	for _, e := range x.Edits {
		if e.Pos.File == file {
			edits = append(edits, e)
		}
	}
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].Pos.Start < edits[j].Pos.Start })
	var b strings.Builder
	at := int32(0)
	for _, e := range edits {
		if e.Pos.Start < at { // inside of one before
			continue
		}
		b.WriteString(file.Text[at:e.Pos.Start])
		b.WriteString(e.Text)
		at = e.Pos.End
	}
	b.WriteString(file.Text[at:])
	return b.String()
}

// A Note is a second place of an error.
type Note struct {
	Pos  Pos
	Text string
}

// A Frame is one macro call on the way to an error.
type Frame struct {
	Name string
	Pos  Pos
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v: %v: %s", e.Pos, e.Severity, e.What)
}

// Errorf makes an error at pos.
func Errorf(pos Pos, format string, args ...any) *Error {
	return &Error{Pos: pos, What: fmt.Sprintf(format, args...)}
}

// WithHint adds what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// DidYouMean says which name was probably meant by the one at e's place.
func (e *Error) DidYouMean(name string) *Error {
	e.Meant = name
	return e.WithHint("did you mean `%s`?", name)
}

// WithExpected adds what would have been right.
func (e *Error) WithExpected(format string, args ...any) *Error {
	e.Expected = fmt.Sprintf(format, args...)
	return e
}

// WithNote adds a second place.
func (e *Error) WithNote(pos Pos, format string, args ...any) *Error {
	e.Notes = append(e.Notes, Note{pos, fmt.Sprintf(format, args...)})
	return e
}

// WithCode names the kind of error for tools.
func (e *Error) WithCode(code string) *Error {
	e.Code = code
	return e
}

// List gathers the diagnostics of one compilation.
type List []*Error

func (l List) Error() string {
	if len(l) == 0 {
		return "no errors"
	}
	s := l[0].Error()
	if len(l) > 1 {
		s += fmt.Sprintf(" (and %d more)", len(l)-1)
	}
	return s
}

// Errors is the part of l that stops a compilation.
func (l List) Errors() (errs List) {
	for _, e := range l {
		if e.Severity != SevWarning {
			errs = append(errs, e)
		}
	}
	return errs
}

// Sorted orders l by file and place, and drops what is said twice.
func (l List) Sorted() List {
	l = append(List(nil), l...)
	sort.SliceStable(l, func(i, j int) bool {
		a, b := l[i].Pos, l[j].Pos
		switch {
		case a.File == b.File:
			return a.Start < b.Start
		case a.File == nil || b.File == nil:
			return b.File != nil
		}
		return a.File.Name < b.File.Name
	})
	var out List
	for _, e := range l {
		if n := len(out); n > 0 && out[n-1].Pos == e.Pos && out[n-1].What == e.What {
			continue
		}
		out = append(out, e)
	}
	return out
}

// AsList makes a list of any error; nil stays nil.
func AsList(err error) List {
	var l List
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &l):
		return l
	case errors.As(err, &e):
		return List{e}
	}
	return List{{What: err.Error()}}
}

// Style colours the parts of a rendered error; the zero Style is plain.
type Style struct{ Error, Warning, Caret, Note, Off string }

// ANSI is the Style for terminals.
var ANSI = Style{Error: "\x1b[1;31m", Warning: "\x1b[1;33m", Caret: "\x1b[1;32m", Note: "\x1b[36m", Off: "\x1b[0m"}

// Render prints e for people:
//
//	filter.lisp:12:9: error: unknown map `conns` [unknown-map]
//	   12 |   (incf (getmap conns key))
//	      |                 ^^^^^
//	  expected: a map declared with defmap
//	  hint: did you mean `conn`?
func (e *Error) Render(st Style) string {
	var b strings.Builder
	colour := st.Error
	if e.Severity == SevWarning {
		colour = st.Warning
	}
	if e.Pos.Known() {
		fmt.Fprintf(&b, "%v: ", e.Pos)
	}
	fmt.Fprintf(&b, "%s%v:%s %s", colour, e.Severity, st.Off, e.What)
	if e.Code != "" {
		fmt.Fprintf(&b, " %s[%s]%s", st.Note, e.Code, st.Off)
	}
	b.WriteString("\n")
	e.Pos.quote(&b, st)
	if e.Expected != "" {
		fmt.Fprintf(&b, "  %sexpected:%s %s\n", st.Note, st.Off, e.Expected)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "  %shint:%s %s\n", st.Note, st.Off, e.Hint)
	}
	for _, n := range e.Notes {
		fmt.Fprintf(&b, "%v: %snote:%s %s\n", n.Pos, st.Note, st.Off, n.Text)
		n.Pos.quote(&b, st)
	}
	for i, f := range e.Expansion {
		if i == 12 {
			fmt.Fprintf(&b, "  ... and %d more expansions\n", len(e.Expansion)-i)
			break
		}
		fmt.Fprintf(&b, "  in the expansion of %s, at %v\n", f.Name, f.Pos)
	}
	return b.String()
}

// quote prints the source line of p with a caret under it.
func (p Pos) quote(b *strings.Builder, st Style) {
	if !p.Known() {
		return
	}
	n, col := p.LineCol()
	line := p.File.Line(n)
	runes := []rune(line)
	width := len([]rune(p.Text()))
	width = max(1, min(width, len(runes)-col+1))
	if first, _, multi := strings.Cut(p.Text(), "\n"); multi {
		width = max(1, len([]rune(strings.TrimRight(first, " \r"))))
	}
	// A very long line is shown around the caret only.
	const most = 160
	if len(runes) > most {
		from := max(0, min(col-1-most/2, len(runes)-most))
		runes, col = runes[from:min(from+most, len(runes))], col-from
		width = min(width, max(1, len(runes)-col+1))
	}
	pad := make([]rune, 0, col)
	for i := 0; i < col-1 && i < len(runes); i++ {
		if runes[i] == '\t' {
			pad = append(pad, '\t')
		} else {
			pad = append(pad, ' ')
		}
	}
	fmt.Fprintf(b, "%5d | %s\n      | %s%s%s%s\n", n, clean(runes), string(pad), st.Caret, strings.Repeat("^", width), st.Off)
}

// clean keeps control characters of a hostile source off the terminal.
func clean(rs []rune) string {
	out := make([]rune, len(rs))
	for i, r := range rs {
		if r < ' ' && r != '\t' || r == 0x7f {
			r = '?'
		}
		out[i] = r
	}
	return string(out)
}
