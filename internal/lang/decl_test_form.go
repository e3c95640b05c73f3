package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Test is a deftest. Compiling does not look into its body.
type Test struct {
	Name string // as written
	Doc  string
	Pos  source.Pos // of the form
	Body []sexp.Value
}

func declareTest(c *compiler, d *decl) sexp.Value {
	sym := d.name("test")
	for _, t := range c.unit.Tests {
		if t.Name == sym.Display() {
			panic(d.fail(sym, "the test `%s` is declared twice", t.Name).WithNote(t.Pos, "the first is here").WithHint("rename one of them").WithCode("duplicate"))
		}
	}
	t := &Test{Name: sym.Display(), Pos: d.pos, Body: d.args[1:]}
	if len(t.Body) > 0 {
		if s, ok := t.Body[0].(*sexp.String); ok && len(t.Body) > 1 {
			t.Doc, t.Body = s.String(), t.Body[1:]
		}
	}
	if len(t.Body) == 0 {
		panic(d.fail(d.form, "the test `%s` checks nothing", t.Name).WithExpected("forms such as (is-verdict XDP_PASS (run prog :packet (tcp-packet)))").WithCode("malformed-declaration"))
	}
	c.unit.Tests = append(c.unit.Tests, t)
	return sym
}

// An Accessor is what a defstruct defines a name for: the constructor where
// Field is nil, else a field.
type Accessor struct {
	Struct *types.Struct
	Field  *types.Field
}

// Accessors lists what structs define, by names in upper case.
func (u *Unit) Accessors() map[string]Accessor {
	out := map[string]Accessor{}
	for name, a := range u.access {
		if !a.ptr {
			out[name] = Accessor{a.s, a.field}
		}
	}
	return out
}

// HeaderField is where (tcp-dst-port p) reads: the header and a part of it in
// bytes, converted from network order where net says so.
func HeaderField(name string) (header string, off, size int, net, ok bool) {
	f, ok := headerPart(name)
	if !ok {
		return "", 0, 0, false, false
	}
	for i, r := range name {
		if r == '-' {
			header = toLower(name[:i])
			break
		}
	}
	return header, f.off, f.typ.Size, f.net, true
}

// HeaderFieldName is the accessor of a field that the kernel has under the C
// name: "ipv4-src-addr".
func HeaderFieldName(header, field string) string {
	best := ""
	for name, r := range headerNames {
		if r.header == header && r.field == field && r.add == 0 && r.size == 0 && (best == "" || name < best) {
			best = name
		}
	}
	if best == "" {
		best = header + "-" + field
	}
	return toLower(strings.ReplaceAll(best, "_", "-"))
}
