package lang

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// maxStruct is the largest struct; offsets of bit-fields in BTF have 24 bits.
const maxStruct = 1 << 21

func declareStruct(c *compiler, d *decl) sexp.Value {
	sym := d.typeName("struct")
	s := &types.Struct{Name: sym.Display(), Pos: d.at(0)}
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if str, isStr := x.Car.(*sexp.String); isStr && len(s.Fields) == 0 {
			s.Doc = str.String()
			continue
		}
		d.field(s, x)
	}
	return d.finishStruct(sym, s)
}

// typeName is the name that the form defines; no other type has it.
func (d *decl) typeName(what string) *sexp.Symbol {
	sym := d.name(what)
	e := d.fail(sym, "the %s `%s` is declared twice", what, sym.Display()).WithCode("duplicate")
	e.Pos = d.at(0)
	if types.ScalarNamed(sym.Name) != nil {
		e.What = "`" + sym.Display() + "` is the name of a scalar type"
		panic(e)
	}
	if old, taken := d.c.typePos(sym.Name); taken {
		panic(e.WithNote(old, "it is declared here first"))
	}
	return sym
}

// field adds (name type [docstring]), the car of x, to s.
func (d *decl) field(s *types.Struct, x *sexp.Cons) {
	f, proper := sexp.Slice(x.Car)
	var name *sexp.Symbol
	if proper && (len(f) == 2 || len(f) == 3) {
		name, _ = f[0].(*sexp.Symbol)
	}
	doc := ""
	if len(f) == 3 {
		str, isStr := f[2].(*sexp.String)
		if isStr {
			doc = str.String()
		} else {
			name = nil
		}
	}
	if name == nil || name.Keyword {
		e := d.fail(x.Car, "malformed field %s", shorten(sexp.Print(x.Car))).WithExpected("(name type)").WithCode("bad-field")
		e.Pos = x.At.Or(e.Pos)
		panic(e)
	}
	cell := x.Car.(*sexp.Cons)
	d.addField(s, name, cell.At.Or(d.pos), func(g *types.Field) {
		at := cell.Cdr.(*sexp.Cons).At.Or(d.pos)
		g.Doc = doc
		if !d.bitField(g, f[1], at) {
			g.Type = d.fieldType(s, f[1], at)
		}
	})
}

// addField adds a field that no other has the name of.
func (d *decl) addField(s *types.Struct, name *sexp.Symbol, at source.Pos, fill func(f *types.Field)) {
	for _, g := range s.Fields {
		if g.Name == name.Name || g.C == abi.ObjectName(name.Name) {
			panic(source.Errorf(at, "the field `%s` is declared twice", name.Display()).WithNote(g.Pos, "it is declared here first").WithCode("duplicate"))
		}
	}
	f := types.Field{Name: name.Name, C: abi.ObjectName(name.Name), Pos: at}
	fill(&f)
	s.Fields = append(s.Fields, f)
}

// bitField reads (bits type width).
func (d *decl) bitField(f *types.Field, v sexp.Value, at source.Pos) bool {
	items, ok := sexp.Slice(v)
	if !ok || len(items) == 0 {
		return false
	}
	if h, isSym := items[0].(*sexp.Symbol); !isSym || h.Name != "BITS" {
		return false
	}
	at = sexp.PosOf(v).Or(at)
	if len(items) != 3 {
		panic(source.Errorf(at, "malformed bit-field %s", shorten(sexp.Print(v))).WithExpected("(bits type width), such as (bits u32 3)").WithCode("bad-field"))
	}
	f.Of = d.typeOf(items[1], at)
	if f.Of.Kind != types.Int {
		panic(source.Errorf(at, "a bit-field of `%v`", f.Of).WithExpected("a scalar type, such as (bits u32 3)").WithCode("bad-field"))
	}
	n := d.number(option{value: items[2], at: at}, "the width of a bit-field")
	if n < 1 || n > int64(8*f.Of.Size) {
		panic(source.Errorf(at, "a bit-field of %d bits in `%v`", n, f.Of).WithExpected("1 to %d", 8*f.Of.Size).WithCode("bad-field"))
	}
	f.Bits = int(n)
	return true
}

// finishStruct lays s out and defines it.
func (d *decl) finishStruct(sym *sexp.Symbol, s *types.Struct) sexp.Value {
	what := "struct"
	if s.Union {
		what = "union"
	}
	if len(s.Fields) == 0 {
		panic(d.fail(nil, "the %s `%s` has no fields", what, s.Name).WithExpected("(field type)...").WithCode("bad-field"))
	}
	s.Layout()
	if s.Size > maxStruct {
		panic(d.fail(nil, "the %s `%s` has %d bytes", what, s.Name, s.Size).WithExpected("at most %d", maxStruct).WithCode("struct-size"))
	}
	s.C = d.c.objectName(what, sym, s.Pos)
	d.c.structs[sym.Name] = s
	d.c.unit.Structs = append(d.c.unit.Structs, s)
	d.c.addStruct(sym, s)
	return sym
}
