package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// An accessor is a form that defstruct makes: the constructor, a field, or
// a pointer to a field.
type accessor struct {
	s     *types.Struct
	field *types.Field // nil for the constructor
	ptr   bool         // name-field-ptr
	own   bool         // of s itself, not of a struct in it
}

// addStruct defines the constructor and the accessors of s; those of the
// structs in it as well, where the longer names are free.
func (c *compiler) addStruct(sym *sexp.Symbol, s *types.Struct) {
	c.access["MAKE-"+sym.Name] = accessor{s: s, own: true}
	for i := range s.Fields {
		f := &s.Fields[i]
		name := sym.Name + "-" + f.Name
		if old, taken := c.access[name]; taken && old.own && old.s != s && !old.ptr {
			panic(source.Errorf(f.Pos, "`%s` is the accessor of two fields", toLower(name)).
				WithNote(old.field.Pos, "the field of `%s` is here", old.s.Name).WithHint("rename one of them").WithCode("duplicate"))
		}
		c.access[name] = accessor{s, f, false, true}
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		name := sym.Name + "-" + f.Name
		if old, taken := c.access[name+"-PTR"]; (!taken || !old.own) && f.Bits == 0 {
			c.access[name+"-PTR"] = accessor{s, f, true, true}
		}
		c.addNested(name, s, f, 0)
	}
}

func (c *compiler) addNested(prefix string, s *types.Struct, outer *types.Field, depth int) {
	if outer.Bits > 0 || outer.Type.Kind != types.StructKind || outer.Type.Struct.Object || depth > 8 {
		return
	}
	for _, f := range outer.Type.Struct.Fields {
		g := f
		g.Offset += outer.Offset
		name := prefix + "-" + g.Name
		if _, taken := c.access[name]; !taken {
			c.access[name] = accessor{s, &g, false, false}
		}
		if _, taken := c.access[name+"-PTR"]; !taken && g.Bits == 0 {
			c.access[name+"-PTR"] = accessor{s, &g, true, false}
		}
		c.addNested(name, s, &g, depth+1)
	}
}

// dimensions is how many indices reach a scalar or a struct.
func dimensions(t *types.Type) (n int) {
	for ; t.Kind == types.Array; t = t.Elem {
		n++
	}
	return n
}

func (a accessor) params() string {
	if a.field == nil {
		return "[:field value]..."
	}
	return toLower(a.s.Name) + strings.Repeat(" [index]", dimensions(a.field.Type))
}

// place is where the accessor's field is.
func (a accessor) place(l *lowerer, c *call) memPlace {
	if len(c.args) < 1 || len(c.args) > 1+dimensions(a.field.Type) {
		panic(l.arity(c.head.Display(), a.params(), len(c.args)))
	}
	p := c.arg(0)
	l.wantPtr(c, 0, p)
	if e := p.t.Elem; e != nil && e.Kind == types.StructKind && !e.Struct.Has(a.s) {
		panic(l.failAt(c.at(0), c.args[0], "`%s` wants a pointer to `%s`, and this points to `%s`", c.head.Display(), a.s.Name, e.Struct.Name).WithExpected("a pointer to `%s`", a.s.Name).WithCode("wrong-struct"))
	}
	pl := memPlace{p, int64(a.field.Offset), a.field.Type, a.field}
	for i := 1; i < len(c.args); i++ {
		l.index(&pl, c, i, pl.t.Elem, pl.t.Len)
	}
	return pl
}

func (a accessor) lower(l *lowerer, c *call) val {
	if a.field == nil {
		return a.construct(l, c)
	}
	pl := a.place(l, c)
	if a.ptr {
		return l.pointTo(pl)
	}
	return l.readPlace(pl)
}

// set stores argument i of c into the field; pc is the place.
func (a accessor) set(l *lowerer, pc, c *call, i int) val {
	if a.ptr {
		panic(l.failAt(pc.form.At, pc.head, "`%s` gives an address, which cannot be set", pc.head.Display()).WithCode("not-a-place"))
	}
	return l.setAt(a.place(l, pc), pc, c, i)
}

// construct is (make-name :field value ...).
func (a accessor) construct(l *lowerer, c *call) val {
	if a.s.Size > 512 {
		panic(l.fail(nil, "`%s` has %d bytes and does not fit on the stack", a.s.Name, a.s.Size).WithExpected("at most 512").WithHint("keep it in a per-CPU array of one entry").WithCode("stack-size"))
	}
	p := l.alloc(a.s.Size, a.s.Type(), a.s.Name)
	given := map[*types.Field]bool{}
	for i := 0; i < len(c.args); i += 2 {
		key, ok := c.args[i].(*sexp.Symbol)
		if !ok || !key.Keyword {
			panic(l.failAt(c.at(i), c.args[i], "%s is not the keyword of a field", shorten(sexp.Print(c.args[i]))).WithExpected("(%s %s)", c.head.Display(), a.params()).WithCode("unknown-keyword"))
		}
		f := a.s.Field(key.Name)
		if f == nil {
			var names []string
			for _, f := range a.s.Fields {
				names = append(names, f.Name)
			}
			e := l.failAt(c.at(i), key, "`%s` has no field `%s`", a.s.Name, toLower(key.Name)).WithExpected(":%s", toLower(strings.Join(names, " :"))).WithCode("unknown-field")
			if m := didYouMean(key.Name, names); m != "" {
				e.DidYouMean(":" + m)
			}
			panic(e)
		}
		if i+1 >= len(c.args) {
			panic(l.failAt(c.at(i), key, "no value follows `:%s`", toLower(key.Name)).WithCode("missing-value"))
		}
		if given[f] {
			panic(l.failAt(c.at(i), key, "the field `:%s` is given twice", toLower(key.Name)).WithCode("duplicate"))
		}
		given[f] = true
		pc := &call{l, c.form, key, c.args}
		l.setAt(memPlace{p, int64(f.Offset), f.Type, f}, pc, c, i+1)
	}
	return p
}
