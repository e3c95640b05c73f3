package user

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
)

// Topics are what `whistler help` says of the functions and operators that
// only tests have.
func Topics() (out []lang.Topic) {
	add := func(name, params, doc string) {
		if strings.HasPrefix(name, "(") || strings.HasPrefix(name, "%") {
			return
		}
		syntax := strings.TrimSpace(name + " " + params)
		for _, f := range table() {
			if f.name == "(setf "+name+")" {
				doc += " It is a place."
			}
		}
		out = append(out, lang.Topic{Name: name, Kind: "test function", Syntax: fmt.Sprintf("(%s)", syntax), Doc: doc})
	}
	for _, f := range specialTable() {
		add(f.name, f.params, f.doc)
	}
	for _, f := range table() {
		add(f.name, f.params, f.doc)
	}
	return out
}
