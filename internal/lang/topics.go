package lang

import (
	"fmt"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
)

// A Topic is one thing that help can explain.
type Topic struct {
	Name, Kind, Syntax, Doc string
}

// Topics lists declarations, forms, macros, compile-time functions, packet headers, helpers,
// map types and program types, from their tables and docstrings.
func Topics() (ts []Topic) {
	syntax := func(name, params string) string {
		return strings.TrimSpace("("+strings.ToLower(name)+" "+params) + ")"
	}
	for _, d := range declarations() {
		ts = append(ts, Topic{strings.ToLower(d.name), "declaration", syntax(d.name, d.params), d.doc})
	}
	for _, f := range forms {
		if !strings.HasPrefix(f.name, "%") {
			ts = append(ts, Topic{strings.ToLower(f.name), "form", syntax(f.name, f.params), f.doc})
		}
	}
	base := preludeBase()
	var names []string
	for n := range base.defs {
		names = append(names, n)
	}
	table := sexp.NewTable(base.table)
	sort.Strings(names)
	for _, n := range names {
		if strings.HasPrefix(n, "%") || !base.defs[n].Macro {
			continue
		}
		items, _ := sexp.Slice(base.read(n, table))
		t := Topic{Name: strings.ToLower(n), Kind: "macro"}
		params := ""
		if list, ok := sexp.Slice(items[2]); ok {
			var ps []string
			for _, p := range list {
				ps = append(ps, sexp.Print(p))
			}
			params = strings.Join(ps, " ")
		}
		t.Syntax = syntax(n, params)
		if len(items) > 4 {
			if s, ok := items[3].(*sexp.String); ok {
				t.Doc = s.String()
			}
		} else if len(items) == 4 {
			if s, ok := items[3].(*sexp.String); ok {
				t.Doc = s.String()
			}
		}
		ts = append(ts, t)
	}
	for _, b := range (&compiler{}).builtins() {
		if !strings.HasPrefix(b.Name, "%") {
			ts = append(ts, Topic{strings.ToLower(b.Name), "compile-time function", syntax(b.Name, b.Params), b.Doc})
		}
	}
	ts = append(ts, headerTopics()...)
	for _, m := range abi.MapTypes() {
		ts = append(ts, Topic{":" + m.Keyword, "map type", fmt.Sprintf("(defmap name :type :%s ...)", m.Keyword), m.C})
	}
	for _, p := range abi.ProgTypes() {
		doc := p.Doc + fmt.Sprintf("\nDefault section: %s.", p.Section)
		if p.Ctx != "" {
			doc += " Context: struct " + p.Ctx + "."
		}
		if p.Pass != "" {
			doc += " Pass verdict: " + p.Pass + "."
		}
		ts = append(ts, Topic{":" + p.Keyword, "program type", fmt.Sprintf("(defprog name (:type :%s) ...)", p.Keyword), doc})
	}
	for _, h := range abi.Helpers() {
		params := strings.ReplaceAll(strings.Join(h.Params, " "), "_", "-")
		doc := h.Proto + "\n" + h.Doc
		if h.Returns != "" {
			doc += "\nReturns: " + h.Returns
		}
		if h.GPL {
			doc += "\nNeeds a GPL-compatible licence."
		}
		ts = append(ts, Topic{h.Name, "helper", syntax(h.Name, params), doc})
	}
	return ts
}

// Nearest is the one of names that name may be a misspelling of, or "".
func Nearest(name string, names []string) string { return didYouMean(name, names) }
