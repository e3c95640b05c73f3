package lang

import (
	"math"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// declareEnum is (defenum name constant...); a constant is a name, which has
// the value after the one before, or (name value). The name is a type: u32,
// i32 where a value is negative, 64 bits wide where a value needs them.
func declareEnum(c *compiler, d *decl) sexp.Value {
	sym := d.typeName("enum")
	e := &types.Enum{Name: sym.Display(), Pos: d.at(0)}
	next, low, high := int64(0), int64(0), int64(0)
	type constant struct {
		name  *sexp.Symbol
		value int64
	}
	var constants []constant
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if str, isStr := x.Car.(*sexp.String); isStr && len(constants) == 0 {
			e.Doc = str.String()
			continue
		}
		at := x.At.Or(d.pos)
		name, isSym := x.Car.(*sexp.Symbol)
		if items, proper := sexp.Slice(x.Car); !isSym && proper && len(items) == 2 {
			cell := x.Car.(*sexp.Cons)
			if name, isSym = items[0].(*sexp.Symbol); isSym {
				at = cell.At.Or(at)
				next = d.number(option{value: items[1], at: cell.Cdr.(*sexp.Cons).At.Or(at)}, "the value of a constant")
			}
		}
		if !isSym || name.Keyword || name == sexp.Nil || name == sexp.T {
			panic(source.Errorf(at, "malformed constant %s", shorten(sexp.Print(x.Car))).WithExpected("name or (name value)").WithCode("bad-enum"))
		}
		for _, v := range e.Values {
			if v.Name == name.Name {
				panic(source.Errorf(at, "the constant `%s` is declared twice", name.Display()).WithNote(v.Pos, "it is declared here first").WithCode("duplicate"))
			}
		}
		if old, taken := c.constants[name.Name]; taken {
			panic(source.Errorf(at, "the constant `%s` is declared twice", name.Display()).WithNote(old, "it is declared here first").WithCode("duplicate"))
		}
		if _, bound := c.in.Global(name); bound {
			panic(source.Errorf(at, "`%s` has a value already", name.Display()).WithHint("another defconstant or defvar has the name").WithCode("duplicate"))
		}
		e.Values = append(e.Values, types.EnumValue{Name: name.Name, C: abi.ObjectName(name.Name), Value: next, Pos: at})
		constants = append(constants, constant{name, next})
		low, high = min(low, next), max(high, next)
		next++
	}
	if len(constants) == 0 {
		panic(d.fail(nil, "the enum `%s` has no constants", e.Name).WithExpected("name or (name value)").WithCode("bad-enum"))
	}
	size := 4
	if low < math.MinInt32 || low < 0 && high > math.MaxInt32 || high > math.MaxUint32 {
		size = 8
	}
	e.Type = &types.Type{Kind: types.Int, Size: size, Signed: low < 0, Enum: e}
	e.C = c.objectName("enum", sym, e.Pos)
	c.aliases[sym.Name] = alias{e.Type, e.Pos}
	c.unit.Enums = append(c.unit.Enums, e)
	for i, k := range constants {
		c.constants[k.name.Name] = e.Values[i].Pos
		c.in.SetGlobal(k.name, k.value, true)
	}
	return sym
}
