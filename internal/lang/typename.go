package lang

import (
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// typeOf reads a type: u32, a struct's name, (array T n), (ptr T).
func (d *decl) typeOf(v sexp.Value, at source.Pos) *types.Type {
	return d.c.typeNamed(v, at, d.env)
}

func (c *compiler) typeNamed(v sexp.Value, at source.Pos, env *lisp.Env) *types.Type {
	t := c.findType(v, at, env)
	if t == nil {
		e := source.Errorf(at, "unknown type `%s`", shorten(sexp.Print(v))).
			WithExpected("u8 u16 u32 u64 i8 i16 i32 i64, a struct, (array type n) or (ptr type)").WithCode("unknown-type")
		e.Culprit = v
		c.refuseObject(v, e)
		if s, ok := v.(*sexp.Symbol); ok {
			e.What = "unknown type `" + s.Display() + "`"
			names := []string{"U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64"}
			for n := range c.structs {
				names = append(names, n)
			}
			for n := range c.aliases {
				names = append(names, n)
			}
			if s.Name == "INT" {
				e.WithHint("C's int is `i32`")
			} else if m := didYouMean(s.Name, names); m != "" {
				e.DidYouMean(m)
			}
		}
		panic(e)
	}
	c.noObject(t, v, at)
	return t
}

func (c *compiler) findType(v sexp.Value, at source.Pos, env *lisp.Env) *types.Type {
	switch x := v.(type) {
	case *sexp.Symbol:
		if t := types.ScalarNamed(x.Name); t != nil {
			return t
		}
		if s := c.structs[x.Name]; s != nil {
			return s.Type()
		}
		if a, ok := c.aliases[x.Name]; ok {
			return a.t
		}
		if s := objects[x.Name]; s != nil {
			return s.Type()
		}
	case *sexp.Cons:
		items, ok := sexp.Slice(x)
		head, isSym := x.Car.(*sexp.Symbol)
		if !ok || !isSym {
			return nil
		}
		at = x.Pos.Or(at)
		switch {
		case head.Name == "ARRAY" && len(items) == 3:
			elem := c.typeNamed(items[1], at, env)
			if o := elem.HasObject(); o != nil {
				panic(c.misplaced(o, items[1], at).WithHint("make the struct with it the value of a map"))
			}
			d := &decl{c: c, form: x, env: env, pos: at}
			n := d.number(option{value: items[2], at: at}, "the length of an array")
			if n < 1 || n > 1<<20 {
				panic(source.Errorf(at, "an array cannot have %d elements", n).WithExpected("1 to 1048576").WithCode("array-length"))
			}
			return types.ArrayOf(elem, int(n))
		case head.Name == "PTR" && len(items) == 2:
			if s, ok := items[1].(*sexp.Symbol); ok {
				if im := c.imports[s.Name]; im != nil {
					return kernelPtr(kernelStruct(im.c), true)
				}
			}
			if t := c.findType(items[1], at, env); t.Object() != nil {
				return types.PtrTo(t, types.Scalar)
			}
			return types.PtrTo(c.typeNamed(items[1], at, env), types.Scalar)
		case head.Name == "STRUCT" && len(items) == 2:
			return c.findType(items[1], at, env)
		}
	}
	return nil
}
