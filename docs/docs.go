// Package docs holds the pages that the command shows.
package docs

import (
	_ "embed"
	"strings"
)

//go:embed errors.md
var errorsPage string

// A Diagnostic is an entry of errors.md: what a code means, and a source
// that gets it and one that does not. The sources are empty where no source
// alone shows it.
type Diagnostic struct {
	Code, Text, Wrong, Right string
}

// Diagnostics are the entries of errors.md, in their order.
func Diagnostics() (ds []Diagnostic) {
	for _, part := range strings.Split(errorsPage, "\n### `")[1:] {
		code, rest, _ := strings.Cut(part, "`\n")
		rest, _, _ = strings.Cut(rest, "\n## ")
		d := Diagnostic{Code: code}
		text := rest
		for _, ex := range []struct {
			title string
			to    *string
		}{{"Right", &d.Right}, {"Wrong", &d.Wrong}} {
			if before, block, ok := strings.Cut(text, ex.title+":\n\n```lisp\n"); ok {
				*ex.to, _, _ = strings.Cut(block, "\n```")
				text = before
			}
		}
		d.Text = strings.TrimSpace(text)
		ds = append(ds, d)
	}
	return ds
}

//go:embed examples.txt
var examplesText string

// An Example shows forms of the language, in a source whose last form is a
// program, or is run in one.
type Example struct {
	Topics []string
	Packet string // which packet it gets, "" for TCP over IPv4
	Source string
	Gives  string // a value, "verdict N" of a program, or "loads"
}

// Examples are the entries of examples.txt, in their order.
func Examples() (es []Example) {
	for _, part := range strings.Split(examplesText, "\n== ")[1:] {
		head, rest, _ := strings.Cut(part, "\n")
		e := Example{}
		for _, w := range strings.Fields(head) {
			if p, ok := strings.CutPrefix(w, "@"); ok {
				e.Packet = p
			} else {
				e.Topics = append(e.Topics, w)
			}
		}
		e.Source, e.Gives, _ = strings.Cut(rest, "\n=> ")
		e.Gives = strings.TrimSpace(e.Gives)
		es = append(es, e)
	}
	return es
}

// Outcome says what the example gives, for people.
func (e Example) Outcome() string {
	if e.Gives == "loads" {
		return ""
	}
	if v, ok := strings.CutPrefix(e.Gives, "verdict "); ok {
		return "gives the verdict " + v
	}
	return "gives " + e.Gives
}
