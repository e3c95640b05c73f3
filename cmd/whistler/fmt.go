package main

import (
	"fmt"
	"io"
	"strings"

	layout "github.com/whistler-lang/whistler/internal/indent"
	"github.com/whistler-lang/whistler/internal/source"
)

// fmtCmd lays sources out.
type fmtCmd struct {
	Files []string `arg:"" name:"file" help:"Lisp sources, or - for standard input."`
	Write bool     `short:"w" help:"Write what changes to the files, and print their names."`
	Diff  bool     `short:"d" help:"Print the lines that would change; the exit code is 1 if there are any."`
}

func (c *fmtCmd) Run(a *app) error {
	code := exitOK
	for _, name := range c.Files {
		in := input{File: name}
		text, shown, err := in.read()
		if err != nil {
			return err
		}
		f := source.NewFile(shown, string(text))
		bodies, err := layout.For(f)
		if err != nil {
			return a.compileError(err, false)
		}
		out := layout.Source(f.Text, bodies)
		switch {
		case c.Diff:
			if lineChanges(a.out, name, f.Text, out) {
				code = exitUser
			}
		case c.Write && name != "-":
			if out == f.Text {
				continue
			}
			if err := rewrite(name, text, out); err != nil {
				return err
			}
			fmt.Fprintln(a.out, name)
		default:
			io.WriteString(a.out, out)
		}
	}
	if code != exitOK {
		return errSilent(code)
	}
	return nil
}

// lineChanges prints lines before and after, and reports whether there are any.
// Laying out leaves the number of lines, but for blank ones at the end.
func lineChanges(w io.Writer, name, before, after string) (any bool) {
	from, to := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	for i := range max(len(from), len(to)) {
		a, b := lineAt(from, i), lineAt(to, i)
		if a == b {
			continue
		}
		any = true
		fmt.Fprintf(w, "%s:%d\n", name, i+1)
		if a != "" {
			fmt.Fprintf(w, "-%s\n", strings.TrimSuffix(a, "\n"))
		}
		if b != "" {
			fmt.Fprintf(w, "+%s\n", strings.TrimSuffix(b, "\n"))
		}
	}
	return any
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
