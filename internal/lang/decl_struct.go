package lang

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

func declareStruct(c *compiler, d *decl) sexp.Value {
	sym := d.name("struct")
	s := &types.Struct{Name: sym.Display(), Pos: d.at(0)}
	if old := c.structs[sym.Name]; old != nil || types.ScalarNamed(sym.Name) != nil {
		e := d.fail(sym, "the struct `%s` is declared twice", sym.Display()).WithCode("duplicate")
		if old != nil {
			e.WithNote(old.Pos, "it is declared here first")
		} else {
			e.What = "`" + sym.Display() + "` is the name of a scalar type"
		}
		panic(e)
	}
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if str, isStr := x.Car.(*sexp.String); isStr && len(s.Fields) == 0 {
			s.Doc = str.String()
			continue
		}
		f, proper := sexp.Slice(x.Car)
		var name *sexp.Symbol
		if proper && len(f) == 2 {
			name, _ = f[0].(*sexp.Symbol)
		}
		if name == nil || name.Keyword {
			e := d.fail(x.Car, "malformed field %s", shorten(sexp.Print(x.Car))).WithExpected("(name type)").WithCode("bad-field")
			e.Pos = x.At.Or(e.Pos)
			panic(e)
		}
		cell := x.Car.(*sexp.Cons)
		for _, g := range s.Fields {
			if g.Name == name.Name || g.C == abi.ObjectName(name.Name) {
				panic(source.Errorf(cell.At.Or(d.pos), "the field `%s` is declared twice", name.Display()).WithNote(g.Pos, "it is declared here first").WithCode("duplicate"))
			}
		}
		t := d.typeOf(f[1], cell.Cdr.(*sexp.Cons).At.Or(d.pos))
		s.Fields = append(s.Fields, types.Field{Name: name.Name, C: abi.ObjectName(name.Name), Type: t, Pos: cell.At.Or(d.pos)})
	}
	if len(s.Fields) == 0 {
		panic(d.fail(nil, "the struct `%s` has no fields", s.Name).WithExpected("(field type)...").WithCode("bad-field"))
	}
	s.Layout()
	if s.Size > 1<<24 {
		panic(d.fail(nil, "the struct `%s` has %d bytes", s.Name, s.Size).WithCode("struct-size"))
	}
	s.C = c.objectName("struct", sym, s.Pos)
	c.structs[sym.Name] = s
	c.unit.Structs = append(c.unit.Structs, s)
	c.addStruct(sym, s)
	return sym
}
