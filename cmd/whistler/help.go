package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/docs"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/user"
)

// helpCmd explains a form of the language, from the tables and docstrings.
type helpCmd struct {
	Name string `arg:"" optional:"" help:"A form, macro, declaration, helper, map type (:hash) or program type (:xdp)."`
}

func (c *helpCmd) Run(a *app) error {
	topics := allTopics()
	if c.Name == "" {
		groups := map[string][]string{}
		var order []string
		for _, t := range topics {
			if groups[t.Kind] == nil {
				order = append(order, t.Kind)
			}
			groups[t.Kind] = append(groups[t.Kind], t.Name)
		}
		for _, kind := range order {
			names := groups[kind]
			sort.Strings(names)
			fmt.Fprintf(a.out, "%ss:\n%s\n", kind, wrap(strings.Join(names, " "), 2, 96))
		}
		fmt.Fprintln(a.out, "`whistler help NAME` explains one; `whistler --help` lists the commands.")
		return nil
	}
	found := false
	for _, t := range topics {
		if strings.EqualFold(t.Name, c.Name) {
			if found {
				fmt.Fprintln(a.out)
			}
			found = true
			fmt.Fprintf(a.out, "%s  [%s]\n", t.Syntax, t.Kind)
			if t.Doc != "" {
				fmt.Fprintln(a.out, wrap(t.Doc, 2, 96))
			}
			if e := exampleOf(t); e != nil {
				fmt.Fprintf(a.out, "\n  example:\n    %s\n", strings.ReplaceAll(e.Source, "\n", "\n    "))
				if o := e.Outcome(); o != "" {
					fmt.Fprintf(a.out, "  %s\n", o)
				}
			}
		}
	}
	if !found {
		err := fmt.Errorf("nothing is called `%s`", c.Name)
		var names []string
		for _, t := range topics {
			names = append(names, t.Name)
		}
		if m := lang.Nearest(c.Name, names); m != "" {
			err = fmt.Errorf("%w: did you mean `%s`?", err, m)
		}
		return err
	}
	return nil
}

// allTopics are those of the language, and of tests.
func allTopics() []lang.Topic { return append(lang.Topics(), user.Topics()...) }

// exampleOf is the example of a topic, nil if it has none.
func exampleOf(t lang.Topic) *docs.Example {
	if t.Kind == "helper" || strings.HasSuffix(t.Kind, " function") && t.Kind != "compile-time function" { // some have the name of a form
		return nil
	}
	for _, e := range docs.Examples() {
		if slices.Contains(e.Topics, t.Name) {
			return &e
		}
	}
	return nil
}

// wrap breaks text into lines of at most width, indented.
func wrap(text string, indent, width int) string {
	var out []string
	for _, para := range strings.Split(text, "\n") {
		line := strings.Repeat(" ", indent)
		empty := true
		for _, word := range strings.Fields(para) {
			if !empty && len(line)+1+len(word) > width {
				out = append(out, line)
				line, empty = strings.Repeat(" ", indent), true
			}
			if !empty {
				line += " "
			}
			line += word
			empty = false
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return strings.Join(out, "\n")
}
