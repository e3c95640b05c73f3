package lang

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// declareUnion is (defunion name member...); a member is the name of a struct
// or (field type).
func declareUnion(c *compiler, d *decl) sexp.Value {
	sym := d.typeName("union")
	s := &types.Struct{Name: sym.Display(), Union: true, Pos: d.at(0)}
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if str, isStr := x.Car.(*sexp.String); isStr && len(s.Fields) == 0 {
			s.Doc = str.String()
			continue
		}
		name, isSym := x.Car.(*sexp.Symbol)
		if !isSym {
			d.field(s, x)
			continue
		}
		at := x.At.Or(d.pos)
		d.addField(s, name, at, func(f *types.Field) {
			if f.Type = d.fieldType(s, name, at); f.Type.Kind != types.StructKind {
				panic(source.Errorf(at, "`%s` is no struct", name.Display()).WithExpected("the name of a struct, or (field type)").WithCode("bad-field"))
			}
		})
	}
	return d.finishStruct(sym, s)
}

// typePos finds where a type of that name is declared.
func (c *compiler) typePos(name string) (source.Pos, bool) {
	if s := c.structs[name]; s != nil {
		return s.Pos, true
	}
	if pos, ok := c.importPos(name); ok {
		return pos, true
	}
	t, ok := c.aliases[name]
	return t.pos, ok
}

// An alias is a name for a type: a defenum's.
type alias struct {
	t   *types.Type
	pos source.Pos
}
