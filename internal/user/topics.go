package user

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
)

// Topics are what `whistler help` says of the functions and operators that
// only tests and sessions have.
func Topics() []lang.Topic {
	s := &Session{}
	return slices.Concat(topics("user-space function", nil, mapFunctions),
		topics("test function", specialTable(), slices.Concat(runFunctions, packetFunctions, mockFunctions)),
		topics("session function", sessionSpecials(s), sessionFunctions(s)))
}

func topics(kind string, specials []special, functions []function) (out []lang.Topic) {
	add := func(name, params, doc string) {
		if strings.HasPrefix(name, "(") || strings.HasPrefix(name, "%") || name == "with-bpf-session" {
			return
		}
		for _, f := range functions {
			if f.name == "(setf "+name+")" {
				doc += " It is a place."
			}
		}
		out = append(out, lang.Topic{Name: name, Kind: kind, Syntax: "(" + strings.TrimSpace(name+" "+params) + ")", Doc: doc})
	}
	for _, f := range specials {
		add(f.name, f.params, f.doc)
	}
	for _, f := range functions {
		add(f.name, f.params, f.doc)
	}
	return out
}
