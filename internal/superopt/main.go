// Command superopt looks for rules that rules.lisp lacks: it takes small windows
// out of what the optimiser leaves of programs, and searches each for a shorter
// expression.
//
//	go run ./internal/superopt bench/lisp/*.lisp examples/*.lisp
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

func main() {
	flag.Parse()
	seen := map[string]map[string]bool{}
	exprs := map[string]*expr{}
	for _, name := range flag.Args() {
		for _, f := range functions(name) {
			windows(f, func(e *expr) {
				k := e.String()
				if seen[k] == nil {
					seen[k] = map[string]bool{}
					exprs[k] = e
				}
				seen[k][filepath.Base(name)] = true
			})
		}
	}
	var keys []string
	for k := range exprs {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	fmt.Fprintln(os.Stderr, len(keys), "windows")
	for _, k := range keys {
		if r := shorter(exprs[k]); r != nil {
			var where []string
			for n := range seen[k] {
				where = append(where, n)
			}
			sort.Strings(where)
			fmt.Printf("(rule %s %s) ; %s\n", k, r, strings.Join(where, " "))
		}
	}
}

// functions are those of a source, as the optimiser leaves them.
func functions(name string) (fs []*ir.Func) {
	text, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	last := map[string]*ir.Func{}
	lowered := map[string]bool{}
	trace := func(program, stage string, what fmt.Stringer) {
		f, ok := what.(*ir.Func)
		if !ok || lowered[program] {
			return
		}
		if stage == "after lower" {
			lowered[program] = true
			return
		}
		last[program] = f.Clone()
	}
	dir := filepath.Dir(name)
	include := func(n string) (*source.File, error) {
		t, err := os.ReadFile(filepath.Join(dir, n))
		return source.NewFile(n, string(t)), err
	}
	_, errs := compile.Compile([]*source.File{source.NewFile(name, string(text))}, compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Include: include}, Trace: trace})
	if len(errs.Errors()) > 0 {
		fmt.Fprintln(os.Stderr, name, errs[0])
	}
	var names []string
	for n := range last {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fs = append(fs, last[n])
	}
	return fs
}
