// Package gen writes bindings: what other programs need to talk to an
// object's maps, events and variables, in their own languages.
package gen

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
)

// A Language is a row of the table.
type Language struct {
	Name   string
	Suffix string // of the file, behind the name of the module
	Write  func(m *Module) ([]byte, error)
}

// Languages is the table: a file of this package for each.
var Languages = []Language{
	{"go", "_bpf.go", writeGo},
	{"c", "_bpf.h", writeC},
	{"rust", "_bpf.rs", writeRust},
	{"python", "_bpf.py", writePython},
	{"lisp", "_bpf.lisp", writeLisp},
}

// Choose finds the languages that a list such as "go,c" names; "all" is
// every one.
func Choose(list string) (ls []Language, err error) {
	var names []string
	for _, l := range Languages {
		names = append(names, l.Name)
	}
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name == "all" {
			return Languages, nil
		}
		i := slices.Index(names, name)
		if i < 0 {
			err := fmt.Errorf("no bindings are made for %q: there are %s and all", name, strings.Join(names, ", "))
			if m := lang.Nearest(name, append(slices.Clone(names), "all")); m != "" && len(name) > 1 {
				err = fmt.Errorf("%w; did you mean %s?", err, m)
			}
			return nil, err
		}
		if !slices.ContainsFunc(ls, func(l Language) bool { return l.Name == name }) {
			ls = append(ls, Languages[i])
		}
	}
	return ls, nil
}

// File is the name of a language's file.
func (m *Module) File(l Language) string { return m.Name + l.Suffix }

// ModuleName makes an identifier of a file's name: flow_stats of
// dir/flow-stats.lisp.
func ModuleName(file string) string {
	base := path.Base(file)
	for _, ext := range []string{".o", ".lisp", ".bpf"} {
		base = strings.TrimSuffix(base, ext)
	}
	return identifier(base)
}

// identifier replaces what no language has in names.
func identifier(s string) string {
	b := []byte(s)
	for i, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			b[i] = '_'
		}
	}
	if len(b) == 0 || '0' <= b[0] && b[0] <= '9' {
		return "_" + string(b)
	}
	return string(b)
}
