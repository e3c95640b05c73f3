package main

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/docs"
	"github.com/whistler-lang/whistler/internal/lang"
)

// explainCmd describes a diagnostic, from docs/errors.md.
type explainCmd struct {
	Code string `arg:"" optional:"" help:"What stands in brackets behind a message, such as unknown-map; none lists all."`
}

func (c *explainCmd) Run(a *app) error {
	ds := docs.Diagnostics()
	var codes []string
	for _, d := range ds {
		codes = append(codes, d.Code)
		if d.Code != strings.Trim(strings.ToLower(c.Code), "[]") {
			continue
		}
		fmt.Fprintf(a.out, "%s\n%s\n", d.Code, wrap(strings.ReplaceAll(d.Text, "\n", " "), 2, 96))
		for _, ex := range []struct{ title, text string }{{"wrong", d.Wrong}, {"right", d.Right}} {
			if ex.text != "" {
				fmt.Fprintf(a.out, "\n%s:\n  %s\n", ex.title, strings.ReplaceAll(ex.text, "\n", "\n  "))
			}
		}
		return nil
	}
	if c.Code == "" {
		fmt.Fprintf(a.out, "%s\n", wrap(strings.Join(codes, " "), 0, 98))
		fmt.Fprintln(a.out, "`whistler explain CODE` describes one, with a wrong and a right example.")
		return nil
	}
	err := fmt.Errorf("no diagnostic has the code `%s`", c.Code)
	if m := lang.Nearest(c.Code, codes); m != "" {
		err = fmt.Errorf("%w: did you mean `%s`?", err, m)
	}
	return err
}
