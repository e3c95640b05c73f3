package lisp

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

func (in *Interp) symbol(v Value) *sexp.Symbol {
	s, ok := v.(*sexp.Symbol)
	if !ok {
		in.typeError(v, "a symbol")
	}
	return s
}

// intern makes a symbol of a name as a program gives it; package is the
// optional second argument, of which only :keyword means something.
func (in *Interp) intern(name string, pkg Value) *sexp.Symbol {
	in.alloc(16)
	switch p := pkg.(type) {
	case *sexp.Symbol:
		if p.Name == "KEYWORD" {
			return in.table.Keyword(name)
		}
	case *sexp.String:
		if strings.EqualFold(p.String(), "keyword") {
			return in.table.Keyword(name)
		}
	case *pkgObject:
		if p.name == "KEYWORD" {
			return in.table.Keyword(name)
		}
	}
	switch name {
	case "NIL":
		return sexp.Nil
	case "T":
		return sexp.T
	}
	return in.table.Intern(name)
}

// A pkgObject stands for a package; there is one namespace.
type pkgObject struct{ name string }

// PrintLisp prints #<package name>.
func (p *pkgObject) PrintLisp() string { return "#<package " + lower(p.name) + ">" }

func (in *Interp) setSymbolValue(sym, v Value) {
	g := in.global(in.symbol(sym))
	if g.constant {
		in.failAt(source.Pos{}, sym, "`%s` is a constant and cannot be set", g.sym.Display())
	}
	g.val = v
}

func (in *Interp) setMacroFunction(s *sexp.Symbol, v Value) {
	fn := in.function(v)
	if !fn.macro {
		inner := fn
		fn = goFunction(s.Display(), "form environment", func(in *Interp, a []Value) Value {
			return in.call(inner, append([]Value(nil), a...))
		})
		fn.macro, fn.name = true, s
	}
	in.global(s).owned(in).macro = fn
}

// standardVariable gives the value of a standard variable or constant.
func (in *Interp) standardVariable(name string) (v Value, special, ok bool) {
	switch name {
	case "PI":
		return 3.141592653589793, false, true
	case "MOST-POSITIVE-FIXNUM":
		return int64(1<<62 - 1), false, true
	case "MOST-NEGATIVE-FIXNUM":
		return int64(-1 << 62), false, true
	case "CHAR-CODE-LIMIT":
		return int64(0x110000), false, true
	case "ARRAY-DIMENSION-LIMIT", "ARRAY-TOTAL-SIZE-LIMIT", "CALL-ARGUMENTS-LIMIT", "LAMBDA-PARAMETERS-LIMIT", "MULTIPLE-VALUES-LIMIT":
		return int64(1 << 31), false, true
	case "INTERNAL-TIME-UNITS-PER-SECOND":
		return int64(1000), false, true
	case "*STANDARD-OUTPUT*", "*ERROR-OUTPUT*", "*TRACE-OUTPUT*", "*DEBUG-IO*", "*TERMINAL-IO*", "*QUERY-IO*":
		return in.stdout, true, true
	case "*POSIX-ARGV*": // compiling passes no arguments on
		return sexp.List(sexp.NewString("whistler")), true, true
	case "*PACKAGE*":
		return &pkgObject{"COMMON-LISP-USER"}, true, true
	case "*GENSYM-COUNTER*", "*PRINT-RIGHT-MARGIN*", "*PRINT-LENGTH*", "*PRINT-LEVEL*", "*PRINT-PRETTY*", "*PRINT-READABLY*", "*PRINT-CIRCLE*",
		"*PRINT-RADIX*", "*READ-EVAL*", "*FEATURES*", "*MACROEXPAND-HOOK*", "*LOAD-PATHNAME*", "*COMPILE-FILE-PATHNAME*", "*LOAD-TRUENAME*", "*COMPILE-FILE-TRUENAME*":
		return sexp.Nil, true, true
	case "*PRINT-BASE*", "*READ-BASE*":
		return int64(10), true, true
	case "*PRINT-ESCAPE*":
		return sexp.T, true, true
	case "*PRINT-CASE*":
		return in.table.Keyword("UPCASE"), true, true
	case "*READ-DEFAULT-FLOAT-FORMAT*":
		return in.table.Intern("DOUBLE-FLOAT"), true, true
	}
	return nil, false, false
}

func symbolRows() []row {
	isSym := func(test func(s *sexp.Symbol) bool) func(in *Interp, a []Value) Value {
		return func(in *Interp, a []Value) Value {
			s, ok := a[0].(*sexp.Symbol)
			return truth(ok && test(s))
		}
	}
	return []row{
		{"SYMBOLP", "object", isSym(func(*sexp.Symbol) bool { return true })},
		{"KEYWORDP", "object", isSym(func(s *sexp.Symbol) bool { return s.Keyword })},
		{"SYMBOL-NAME", "symbol", func(in *Interp, a []Value) Value { return in.str(in.symbol(a[0]).Name) }},
		{"SYMBOL-PACKAGE", "symbol", func(in *Interp, a []Value) Value {
			switch s := in.symbol(a[0]); {
			case s.Keyword:
				return &pkgObject{"KEYWORD"}
			case s.Interned:
				return &pkgObject{"COMMON-LISP-USER"}
			}
			return sexp.Nil
		}},
		{"FIND-PACKAGE", "name", func(in *Interp, a []Value) Value {
			if p, ok := a[0].(*pkgObject); ok {
				return p
			}
			return &pkgObject{strings.ToUpper(string(in.stringOf(a[0])))}
		}},
		{"PACKAGE-NAME", "package", func(in *Interp, a []Value) Value {
			if p, ok := a[0].(*pkgObject); ok {
				return in.str(p.name)
			}
			return in.newString(in.stringOf(a[0]))
		}},
		{"INTERN", "name &optional package", func(in *Interp, a []Value) Value {
			name := string(in.stringOf(a[0]))
			had := in.table.Find(name) != nil
			s := in.intern(name, optional(a, 1))
			if had {
				return values(s, in.table.Keyword("INTERNAL"))
			}
			return values(s, sexp.Nil)
		}},
		{"FIND-SYMBOL", "name &optional package", func(in *Interp, a []Value) Value {
			if s := in.table.Find(string(in.stringOf(a[0]))); s != nil {
				return values(s, in.table.Keyword("INTERNAL"))
			}
			return values(sexp.Nil, sexp.Nil)
		}},
		{"MAKE-SYMBOL", "name", func(in *Interp, a []Value) Value {
			in.alloc(16)
			return &sexp.Symbol{Name: string(in.stringOf(a[0]))}
		}},
		{"MAKE-KEYWORD", "name", func(in *Interp, a []Value) Value {
			in.alloc(16)
			return in.table.Keyword(string(in.stringOf(a[0])))
		}},
		{"COPY-SYMBOL", "symbol &optional properties", func(in *Interp, a []Value) Value {
			in.alloc(16)
			return &sexp.Symbol{Name: in.symbol(a[0]).Name}
		}},
		{"GENSYM", "&optional prefix", func(in *Interp, a []Value) Value {
			in.alloc(16)
			prefix := "G"
			if len(a) > 0 {
				if n, ok := a[0].(int64); ok {
					return &sexp.Symbol{Name: "G" + show(n)}
				}
				prefix = string(in.stringOf(a[0]))
			}
			return in.Gensym(prefix)
		}},
		{"SYMBOL-VALUE", "symbol", func(in *Interp, a []Value) Value {
			g := in.global(in.symbol(a[0]))
			if g.val == nil {
				in.unbound(g.sym, in.pos, nil)
			}
			return g.val
		}},
		{"SET", "symbol value", func(in *Interp, a []Value) Value {
			in.setSymbolValue(a[0], a[1])
			return a[1]
		}},
		{"SYMBOL-FUNCTION", "name", func(in *Interp, a []Value) Value { return in.function(a[0]) }},
		{"FDEFINITION", "name", func(in *Interp, a []Value) Value { return in.function(a[0]) }},
		{"SYMBOL-PLIST", "symbol", func(in *Interp, a []Value) Value { return orNil(in.global(in.symbol(a[0])).plist) }},
		{"GET", "symbol indicator &optional default", func(in *Interp, a []Value) Value {
			if c := in.plistCell(orNil(in.global(in.symbol(a[0])).plist), a[1]); c != nil {
				return in.car(c.Cdr)
			}
			return optional(a, 2)
		}},
		{"REMPROP", "symbol indicator", func(in *Interp, a []Value) Value {
			g := in.global(in.symbol(a[0]))
			had := in.plistCell(orNil(g.plist), a[1]) != nil
			g.plist = in.without(orNil(g.plist), a[1])
			return truth(had)
		}},
		{"BOUNDP", "symbol", func(in *Interp, a []Value) Value { return truth(in.global(in.symbol(a[0])).val != nil) }},
		{"CONSTANTP", "form &optional environment", func(in *Interp, a []Value) Value {
			if s, ok := a[0].(*sexp.Symbol); ok {
				return truth(in.global(s).constant)
			}
			c, ok := a[0].(*sexp.Cons)
			return truth(!ok || c.Car == Value(sexp.Quote))
		}},
		{"FBOUNDP", "name", func(in *Interp, a []Value) Value {
			if name := setfName(a[0]); name != nil {
				return truth(in.setfFunction(name) != nil)
			}
			s := in.symbol(a[0])
			return truth(in.globalFunction(s) != nil || in.macroFor(s, nil) != nil || findSpecial(s.Name) != nil || in.hostSpecial(s.Name) != nil)
		}},
		{"SPECIAL-OPERATOR-P", "symbol", func(in *Interp, a []Value) Value {
			sp := findSpecial(in.symbol(a[0]).Name)
			return truth(sp != nil)
		}},
		{"MACRO-FUNCTION", "symbol &optional environment", func(in *Interp, a []Value) Value {
			if m := in.macroFor(in.symbol(a[0]), in.envOf(optional(a, 1))); m != nil {
				return m
			}
			return sexp.Nil
		}},
		{"MAKUNBOUND", "symbol", func(in *Interp, a []Value) Value {
			g := in.global(in.symbol(a[0]))
			if g.constant {
				in.wrong(a[0], "`%s` is a constant", g.sym.Display())
			}
			g.val = nil
			return a[0]
		}},
		{"FMAKUNBOUND", "name", func(in *Interp, a []Value) Value {
			if name := setfName(a[0]); name != nil {
				in.global(name).owned(in).setf = nil
				return a[0]
			}
			g := in.global(in.symbol(a[0]))
			g.owned(in)
			g.fn, g.macro = nil, nil
			return a[0]
		}},
		{"DOCUMENTATION", "object kind", func(in *Interp, a []Value) Value {
			if s, ok := a[0].(*sexp.Symbol); ok {
				if d := in.Doc(s, lower(string(in.stringOf(a[1])))); d != "" {
					return in.str(d)
				}
			}
			return sexp.Nil
		}},
	}
}
