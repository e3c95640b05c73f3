package main

import (
	"fmt"
	"strings"
)

// reference is the text of docs/reference.md: all topics of `whistler help`,
// in their order, under a heading for each kind.
func reference() string {
	var b strings.Builder
	b.WriteString("# Reference\n\nWhat `whistler help` says, on one page. This file is generated from the\n" +
		"compiler's tables and docstrings: `go test ./cmd/whistler -run TestReference -update`.\n" +
		"The examples are run by `go test ./internal/difftest -run TestFormExamples`, on a packet\n" +
		"of Ethernet, IPv4 and TCP from port 8080 to 80, or of the protocol that they are about.\n")
	topics := allTopics()
	kinds := []string{}
	for _, t := range topics {
		if len(kinds) == 0 || kinds[len(kinds)-1] != t.Kind {
			kinds = append(kinds, t.Kind)
		}
	}
	b.WriteString("\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "* [%s](#%s)\n", plural(k), strings.ReplaceAll(strings.ToLower(plural(k)), " ", "-"))
	}
	kind := ""
	for _, t := range topics {
		if t.Kind != kind {
			kind = t.Kind
			fmt.Fprintf(&b, "\n## %s\n", plural(kind))
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n```lisp\n%s\n```\n", t.Name, t.Syntax)
		doc := t.Doc
		if proto, rest, ok := strings.Cut(doc, "\n"); ok && t.Kind == "helper" {
			doc = "`" + proto + "`\n\n" + rest // the C prototype
		}
		if doc != "" {
			fmt.Fprintf(&b, "\n%s\n", escape(doc))
		}
		if e := exampleOf(t); e != nil {
			outcome := ""
			if o := e.Outcome(); o != "" {
				outcome = ", which " + o
			}
			fmt.Fprintf(&b, "\nExample%s:\n\n```lisp\n%s\n```\n", outcome, e.Source)
		}
	}
	b.WriteString("\n## Differences from the original\n\nA Common Lisp implementation of this language came before. Sources for it compile, except that:\n\n")
	for _, d := range differences {
		fmt.Fprintf(&b, "* %s\n", d)
	}
	return b.String()
}

// differences are meant to be: what older sources may have to change for.
var differences = []string{
	"Typed places truncate: a variable, field or map value of 8, 16 or 32 bits holds so many bits, whatever is stored.",
	"The types i8 to i64 sign-extend when they are loaded and widened.",
	"Constants and run time agree: what is computed while compiling is what the program would compute.",
	"Helper numbers and the offsets of context fields are the kernel's.",
	"Access to kernel structs by name is relocated: an object finds the fields of the kernel that it is loaded into. A field that is a struct or an array is given by its address.",
	"`(incf (getmap ...))` is atomic: two CPUs that add at the same time lose nothing.",
	"`with-ringbuf` discards the record on an early return; nothing leaks.",
	"Compile-time code is sandboxed: no files, processes, clock or random numbers.",
	"An unknown section is an error, and so is one that belongs to another program type.",
}

func plural(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] + "s" }

// escape keeps Markdown from reading marks into a docstring. Its lines stay
// lines, and its indentation goes.
func escape(doc string) string {
	r := strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "<", "&lt;", ">", "&gt;", "[", "\\[", "]", "\\]", "#", "\\#")
	var lines []string
	for _, l := range strings.Split(doc, "\n") {
		// What is between backquotes is as it stands.
		parts := strings.Split(strings.TrimSpace(l), "`")
		for i := 0; i < len(parts); i += 2 {
			parts[i] = r.Replace(parts[i])
		}
		lines = append(lines, strings.Join(parts, "`"))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
