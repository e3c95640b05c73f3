package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// builtins are the compile-time functions through which macros see
// declarations.
func (c *compiler) builtins() []lisp.Builtin {
	keyword := func(s string) sexp.Value { return c.table.Keyword(strings.ToUpper(s)) }
	mapOf := func(v sexp.Value) *Map {
		s, ok := v.(*sexp.Symbol)
		if ok && c.body != nil {
			if m := c.body.innerMap(s); m != nil {
				return m
			}
		}
		if ok && c.maps[s.Name] != nil {
			c.maps[s.Name].used = true
			return c.maps[s.Name]
		}
		e := source.Errorf(source.Pos{}, "unknown map `%s`", shorten(sexp.Display(v)))
		e.Culprit = v
		if !ok {
			s = sexp.Nil
		}
		panic(c.unknownMap(e, s))
	}
	typeName := func(t *types.Type) sexp.Value {
		switch {
		case t == nil:
			return sexp.Nil
		case t.Kind == types.Array:
			return sexp.List(c.table.Intern("ARRAY"), c.table.Intern(strings.ToUpper(t.Elem.String())), int64(t.Len))
		case t.Kind == types.StructKind:
			for n, s := range c.structs {
				if s == t.Struct {
					return c.table.Intern(n)
				}
			}
		}
		return c.table.Intern(strings.ToUpper(t.String()))
	}
	structOf := func(v sexp.Value) *types.Type {
		t := c.findType(v, source.Pos{}, nil)
		if t == nil {
			e := source.Errorf(source.Pos{}, "unknown type `%s`", shorten(sexp.Display(v))).WithCode("unknown-type")
			e.Culprit = v
			panic(e)
		}
		return t
	}
	prog := func() *Program {
		if c.prog == nil {
			panic(source.Errorf(source.Pos{}, "there is no program here: (prog-type) is for macros used in a body").WithCode("no-program"))
		}
		return c.prog
	}
	b := func(name, params, doc string, n int, f func(a []sexp.Value) sexp.Value) lisp.Builtin {
		return lisp.Builtin{Name: name, Min: n, Max: n, Params: params, Doc: doc, Fn: func(in *lisp.Interp, a []sexp.Value) sexp.Value { return f(a) }}
	}
	boolean := func(x bool) sexp.Value {
		if x {
			return sexp.T
		}
		return sexp.Nil
	}
	return []lisp.Builtin{
		b("MAP-KIND", "map", "The type of a map as a keyword, such as :hash.", 1, func(a []sexp.Value) sexp.Value { return keyword(mapOf(a[0]).Type.Keyword) }),
		b("MAP-KEY-SIZE", "map", "The size of a map's key in bytes.", 1, func(a []sexp.Value) sexp.Value { return int64(mapOf(a[0]).KeySize) }),
		b("MAP-VALUE-SIZE", "map", "The size of a map's value in bytes.", 1, func(a []sexp.Value) sexp.Value { return int64(mapOf(a[0]).ValueSize) }),
		b("MAP-KEY-TYPE", "map", "The type of a map's key: a symbol, or (array type n).", 1, func(a []sexp.Value) sexp.Value { return typeName(mapOf(a[0]).Key) }),
		b("MAP-VALUE-TYPE", "map", "The type of a map's value: a symbol, or (array type n).", 1, func(a []sexp.Value) sexp.Value { return typeName(mapOf(a[0]).Value) }),
		b("MAP-PER-CPU-P", "map", "True when each CPU has its own values.", 1, func(a []sexp.Value) sexp.Value { return boolean(mapOf(a[0]).Type.PerCPU) }),
		b("MAP-ARRAY-P", "map", "True when every entry exists and keys are indices.", 1, func(a []sexp.Value) sexp.Value { return boolean(mapOf(a[0]).Type.Array) }),
		b("MAP-MAX-ENTRIES", "map", "The number of entries of a map.", 1, func(a []sexp.Value) sexp.Value { return mapOf(a[0]).MaxEntries }),
		b("%MAP-SET-EVENT", "map struct", "Notes that a ring or perf buffer carries a struct, where nothing else is declared.", 2, func(a []sexp.Value) sexp.Value {
			m, t := mapOf(a[0]), structOf(a[1])
			if t.Kind == types.StructKind {
				if e := m.carries(t.Struct); e != nil {
					e.Culprit = a[1]
					panic(e)
				}
			}
			return sexp.T
		}),
		b("MAP-EVENT", "map", "The struct that a ring or perf buffer carries, nil if none or several.", 1, func(a []sexp.Value) sexp.Value {
			if m := mapOf(a[0]); len(m.Events) == 1 {
				return typeName(m.Events[0].Type())
			}
			return sexp.Nil
		}),
		b("SIZEOF", "type", "The size of a type in bytes.", 1, func(a []sexp.Value) sexp.Value { return int64(structOf(a[0]).Size) }),
		{Name: "OFFSETOF", Min: 2, Max: -1, Params: "struct field...", Doc: "The offset of a field in bytes; more fields and indices lead on into it.",
			Fn: func(in *lisp.Interp, a []sexp.Value) sexp.Value { return offsetOf(structOf(a[0]), a[1:]) }},
		b("%SCALAR-P", "type", "True when type is a number.", 1, func(a []sexp.Value) sexp.Value { return boolean(structOf(a[0]).Kind == types.Int) }),
		b("STRUCT-P", "name", "True when name is a declared struct.", 1, func(a []sexp.Value) sexp.Value {
			s, ok := a[0].(*sexp.Symbol)
			return boolean(ok && c.structs[s.Name] != nil)
		}),
		b("%TYPE-P", "form", "True when form is a type.", 1, func(a []sexp.Value) sexp.Value { return boolean(c.findType(a[0], source.Pos{}, nil) != nil) }),
		b("PROG-TYPE", "", "The type of the program around, as a keyword.", 0, func(a []sexp.Value) sexp.Value { return keyword(prog().Type.Keyword) }),
		b("PROG-SECTION", "", "The section of the program around.", 0, func(a []sexp.Value) sexp.Value { return sexp.NewString(prog().Section) }),
		b("%PROG-PASS", "", "The verdict that lets a packet pass.", 0, func(a []sexp.Value) sexp.Value { return prog().Type.PassValue }),
		b("%PROG-PACKET-START", "", "Where the packet starts: :eth, :ip, :transport, :payload or nil.", 0, func(a []sexp.Value) sexp.Value {
			if s := prog().Type.PacketStart; s != "" {
				return keyword(s)
			}
			return sexp.Nil
		}),
		b("%PROG-SKB-P", "", "True when the program's context is a socket buffer.", 0, func(a []sexp.Value) sexp.Value { return boolean(prog().Type.SKB) }),
		b("TARGET-ARCH", "", "The architecture compiled for, as a keyword.", 0, func(a []sexp.Value) sexp.Value { return keyword(c.opt.Arch) }),
		b("CPU-VERSION", "", "The BPF cpu version compiled for.", 0, func(a []sexp.Value) sexp.Value { return int64(c.opt.cpu(c.opt.CPU)) }),
		{Name: "%FAIL", Min: 2, Max: 5, Params: "culprit what [expected] [hint] [code]", Doc: "Reports an error of the user's at a datum of the form.",
			Fn: func(in *lisp.Interp, a []sexp.Value) sexp.Value {
				e := source.Errorf(source.Pos{}, "%s", sexp.Display(a[1]))
				e.Culprit = a[0]
				set := func(i int, p *string) {
					if len(a) > i && a[i] != sexp.Value(sexp.Nil) {
						*p = sexp.Display(a[i])
					}
				}
				set(2, &e.Expected)
				set(3, &e.Hint)
				e.Code = "malformed-form"
				set(4, &e.Code)
				panic(e)
			}},
		{Name: "%WARN", Min: 2, Max: 4, Params: "culprit what [hint] [code]", Doc: "Warns the user about a datum of the form.",
			Fn: func(in *lisp.Interp, a []sexp.Value) sexp.Value {
				e := source.Errorf(source.Pos{}, "%s", sexp.Display(a[1]))
				e.Culprit, e.Severity = a[0], source.SevWarning
				if len(a) > 2 {
					e.Hint = sexp.Display(a[2])
				}
				if len(a) > 3 {
					e.Code = sexp.Display(a[3])
				}
				c.warnings = append(c.warnings, e)
				return sexp.Nil
			}},
	}
}
