package gen

import (
	"go/token"
	"strings"
	"unicode"
)

// A scope gives every name once: the second one, and a word of the language,
// gets an underscore.
type scope map[string]bool

func newScope(reserved string) scope {
	s := scope{}
	for _, w := range strings.Fields(reserved) {
		s[w] = true
	}
	return s
}

func (s scope) name(n string) string {
	for s[n] {
		n += "_"
	}
	s[n] = true
	return n
}

// camel makes a name of the form that bpf2go gives fields, types and
// handles: pkt_count is PktCount.
func camel(c string) string {
	prev := rune(-1)
	out := strings.Map(func(r rune) rune {
		switch {
		case r == '_' && (prev == -1 || unicode.IsDigit(prev) || unicode.IsLower(prev)):
			prev = -1
			return -1
		case prev == -1:
			r = unicode.ToUpper(r)
		}
		prev = r
		return r
	}, c)
	if out == "" || unicode.IsDigit(rune(out[0])) {
		return "X" + out
	}
	return out
}

// Stem is the prefix of a module's names in Go, which are not exported.
func Stem(module string) string {
	s := camel(module)
	s = strings.ToLower(s[:1]) + s[1:]
	if token.IsKeyword(s) {
		return s + "BPF"
	}
	return s
}

// shout is a name as constants have it.
func shout(c string) string { return strings.ToUpper(c) }

// comment writes a docstring, each line behind prefix.
func comment(doc, prefix string) string {
	if doc == "" {
		return ""
	}
	var b strings.Builder
	for _, l := range strings.Split(strings.TrimSpace(doc), "\n") {
		b.WriteString(strings.TrimRight(prefix+strings.TrimSpace(l), " ") + "\n")
	}
	return b.String()
}
