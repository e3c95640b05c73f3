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
