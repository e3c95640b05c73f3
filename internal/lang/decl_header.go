package lang

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// maxHeader bounds what an offset may be: a packet pointer reaches no
// farther in the verifier.
const maxHeader = 0xffff

const fieldSyntax = "(field :offset n :type t [:net-order t])"

// declareHeader is (defheader name (field :offset n :type t [:net-order t])...).
func declareHeader(c *compiler, d *decl) sexp.Value {
	sym := d.name("header")
	if old, twice := c.headers[sym.Name]; twice {
		panic(d.fail(sym, "the header `%s` is declared twice", sym.Display()).WithNote(old, "it is declared here first").WithCode("duplicate"))
	}
	if s := c.structs[sym.Name]; s != nil {
		panic(d.fail(sym, "`%s` is declared as a struct already", sym.Display()).WithNote(s.Pos, "it is declared here").WithCode("duplicate"))
	}
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	if x, ok := rest.(*sexp.Cons); ok {
		if _, isDoc := x.Car.(*sexp.String); isDoc {
			rest = x.Cdr
		}
	}
	seen := map[string]source.Pos{}
	fields := map[string]headerField{}
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		name, f, at := d.headerField(x)
		if old, twice := seen[name.Name]; twice {
			panic(source.Errorf(at, "the field `%s` is declared twice", name.Display()).WithNote(old, "it is declared here first").WithCode("duplicate"))
		}
		seen[name.Name] = at
		fields[sym.Name+"-"+name.Name] = f
	}
	if len(fields) == 0 {
		panic(d.fail(nil, "the header `%s` has no fields", sym.Display()).WithExpected("%s...", fieldSyntax).WithCode("bad-field"))
	}
	c.headers[sym.Name] = d.at(0)
	for n, f := range fields {
		c.fields[n] = f
		f.ptr = true
		if _, named := fields[n+"-PTR"]; !named {
			c.fields[n+"-PTR"] = f
		}
	}
	return sym
}

// headerField reads one field of a header.
func (d *decl) headerField(x *sexp.Cons) (*sexp.Symbol, headerField, source.Pos) {
	items, proper := sexp.Slice(x.Car)
	var name *sexp.Symbol
	if proper && len(items) > 0 {
		name, _ = items[0].(*sexp.Symbol)
	}
	if name == nil || name.Keyword {
		e := d.fail(x.Car, "malformed field %s", shorten(sexp.Print(x.Car))).WithExpected(fieldSyntax).WithCode("bad-field")
		e.Pos = x.At.Or(e.Pos)
		panic(e)
	}
	cell := x.Car.(*sexp.Cons)
	at := cell.At.Or(x.At).Or(d.pos)
	opts := d.options(cell.Cdr, ":offset :type :net-order")
	for _, need := range []string{"OFFSET", "TYPE"} {
		if _, ok := opts[need]; !ok {
			panic(source.Errorf(at, "the field `%s` has no :%s", name.Display(), toLower(need)).WithExpected(fieldSyntax).WithCode("bad-field"))
		}
	}
	o := opts["OFFSET"]
	off := d.number(o, "an offset")
	if off < 0 || off > maxHeader {
		panic(source.Errorf(o.at, "the offset of `%s` is %d", name.Display(), off).WithExpected("0 to %d", maxHeader).WithCode("bad-offset"))
	}
	t := d.typeOf(opts["TYPE"].value, opts["TYPE"].at)
	f := headerField{off: int(off), typ: t}
	if net, ok := opts["NET-ORDER"]; ok {
		if net.value != sexp.T && net.value != sexp.Value(sexp.Nil) {
			panic(source.Errorf(net.at, ":net-order is %s", shorten(sexp.Print(net.value))).WithExpected("t or nil").WithCode("bad-field"))
		}
		f.net = net.value == sexp.T
	}
	switch {
	case t.Kind != types.Int && t.Kind != types.Array:
		panic(source.Errorf(opts["TYPE"].at, "the field `%s` cannot be %v: a header holds numbers and bytes", name.Display(), t).
			WithExpected("u8 u16 u32 u64 i8 i16 i32 i64, or (array type n)").WithCode("bad-field"))
	case t.Kind == types.Array && f.net:
		panic(source.Errorf(opts["NET-ORDER"].at, "the field `%s` is an array, which is given by its address and not converted", name.Display()).
			WithHint("leave :net-order out").WithCode("bad-field"))
	}
	return name, f, at
}
