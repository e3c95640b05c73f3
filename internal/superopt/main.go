// Command superopt looks for rules that rules.lisp lacks: it takes small windows
// out of what the optimiser leaves of programs, searches each for an expression that
// costs less, and prints those that hold as lines for rules.lisp, with the programs
// in which they fire.
//
//	go run ./internal/superopt bench/lisp/*.lisp examples/*.lisp
//
// A rule holds if it does for all numbers where a byte has one bit, as far as its
// constants have a meaning there, and for 300,000 others as programs have them,
// near its constants. Whether the verifier still learns what it must is for the tests
// that run programs in the kernel, and for whoever takes the line over.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/opt"
	"github.com/whistler-lang/whistler/internal/source"
)

func main() {
	rules := flag.String("rules", "internal/opt/rules.lisp", "the rules that there are, which are not printed again")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: superopt [-rules FILE] SOURCE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	text, err := os.ReadFile(*rules)
	var have []string
	if err == nil {
		have, err = opt.Rules(string(text))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "superopt: %s: %v\n", *rules, err)
		os.Exit(1)
	}
	all := windowsOf{}
	for _, name := range flag.Args() {
		fs, err := functions(name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "superopt: left out: %v\n", err)
		}
		for _, f := range fs {
			all.add(f, filepath.Base(name))
		}
	}
	fmt.Fprintf(os.Stderr, "superopt: %d windows\n", len(all))
	all.report(os.Stdout, have)
}

// windowsOf are windows by their text.
type windowsOf map[string]*seen

type seen struct {
	e     *expr
	alone int             // the most that it costs somewhere, without what others want
	where map[string]bool // the programs that have it
}

func (ws windowsOf) add(f *ir.Func, name string) {
	windows(f, func(e *expr, alone int) {
		k := e.String()
		if ws[k] == nil {
			ws[k] = &seen{e: e, where: map[string]bool{}}
		}
		ws[k].alone = max(ws[k].alone, alone)
		ws[k].where[name] = true
	})
}

// report writes the rules that hold, but those in have.
func (ws windowsOf) report(w io.Writer, have []string) {
	lines := map[string]map[string]bool{} // where each fires
	for _, x := range ws {
		r := shorter(x.e, x.alone)
		if r == nil {
			continue
		}
		e, how := x.e, proved(x.e, r)
		if how == "" {
			continue
		}
		if l, g := generalise(x.e, r); l != nil {
			if any := proved(l, g); any != "" {
				e, r, how = l, g, any
			}
		}
		line := fmt.Sprintf("(rule %v %v)", e, r)
		if read, err := opt.Rules(line); err != nil || slices.Contains(have, read[0]) {
			if err != nil {
				fmt.Fprintf(os.Stderr, "superopt: %s: %v\n", line, err)
			}
			continue
		}
		line += " ; " + how
		if lines[line] == nil {
			lines[line] = map[string]bool{}
		}
		for n := range x.where {
			lines[line][n] = true
		}
	}
	for _, line := range sorted(lines) {
		fmt.Fprintf(w, "%s: %s\n", line, strings.Join(sorted(lines[line]), " "))
	}
}

func sorted[T any](m map[string]T) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// functions are those of a source, as the optimiser leaves them to the lowering.
func functions(name string) (fs []*ir.Func, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	last, lowered := map[string]*ir.Func{}, map[string]bool{}
	trace := func(program, stage string, what fmt.Stringer) {
		if f, ok := what.(*ir.Func); ok && !lowered[program] {
			if lowered[program] = stage == "after lower"; !lowered[program] {
				last[program] = f.Clone()
			}
		}
	}
	include := func(n string) (*source.File, error) {
		t, err := os.ReadFile(filepath.Join(filepath.Dir(name), n))
		return source.NewFile(n, string(t)), err
	}
	o := compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Include: include}, Trace: trace}
	if _, errs := compile.Compile([]*source.File{source.NewFile(name, string(text))}, o); len(errs.Errors()) > 0 {
		err = errs.Errors()[0]
	}
	for _, n := range sorted(last) {
		fs = append(fs, last[n])
	}
	return fs, err
}
