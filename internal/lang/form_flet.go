package lang

import (
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A localFunc is a function of flet or labels: its body is lowered at each
// call, in the scope around the flet or in that of the labels.
type localFunc struct {
	name     *sexp.Symbol
	params   []binding // with init where optional
	required int
	body     sexp.Value
	scope    *scope
	form     sexp.Value
	running  bool // a call of it is being lowered
}

func (l *lowerer) localFunction(name *sexp.Symbol) *localFunc {
	if !l.env().Mentions(name) {
		return nil
	}
	for s := l.scope; s != nil; s = s.up {
		if s.fn != nil && s.name == name {
			return s.fn
		}
	}
	return nil
}

// lowerFlet is (flet ((name (param...) body...)...) body...).
func lowerFlet(l *lowerer, c *call) val { return l.localFunctions(c, false) }

// lowerLabels is (labels ((name (param...) body...)...) body...).
func lowerLabels(l *lowerer, c *call) val { return l.localFunctions(c, true) }

// localFunctions lowers flet, or labels, whose functions see each other.
func (l *lowerer) localFunctions(c *call, mutual bool) val {
	defs, ok := sexp.Slice(c.args[0])
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "the functions of `%s` must be a list", c.head.Display()).WithExpected("((name (param...) body...)...)").WithCode("bad-binding"))
	}
	saved := l.scope
	inner := l.scope
	cell, _ := c.args[0].(*sexp.Cons)
	var fns []*localFunc
	for _, d := range defs {
		at := cell.At
		cell, _ = cell.Cdr.(*sexp.Cons)
		f := l.localDefinition(d, at)
		f.scope = saved
		fns = append(fns, f)
		inner = &scope{up: inner, name: f.name, fn: f, env: inner.macros().Shadow(f.name)}
	}
	for _, f := range fns {
		if mutual {
			f.scope = inner
		}
	}
	l.scope = inner
	v := l.body(l.declarations(c.rest(1), nil))
	l.scope = saved
	return v
}

func (l *lowerer) localDefinition(d sexp.Value, at source.Pos) *localFunc {
	malformed := func(x sexp.Value) *source.Error {
		return l.failAt(at, x, "malformed function %s", shorten(sexp.Print(x))).WithExpected("(name (param...) body...); a parameter is name, (name type), or behind &optional (name default)").WithCode("bad-binding")
	}
	x, ok := d.(*sexp.Cons)
	if !ok {
		panic(malformed(d))
	}
	at = x.Pos.Or(at)
	name, isSym := x.Car.(*sexp.Symbol)
	rest, more := x.Cdr.(*sexp.Cons)
	if !isSym || name.Keyword || !more {
		panic(malformed(d))
	}
	params, proper := sexp.Slice(rest.Car)
	if !proper {
		panic(malformed(d))
	}
	f := &localFunc{name: name, body: rest.Cdr, form: d}
	optional := false
	for _, p := range params {
		b := binding{at: at}
		switch p := p.(type) {
		case *sexp.Symbol:
			if p.Name == "&OPTIONAL" && !optional {
				optional = true
				continue
			}
			b.name = p
			if optional {
				b.init = int64(0)
			}
		case *sexp.Cons:
			items, ok := sexp.Slice(p)
			b.name, _ = p.Car.(*sexp.Symbol)
			if !ok || b.name == nil || len(items) != 2 {
				panic(malformed(p))
			}
			if optional {
				b.init = items[1]
			} else {
				b.typ = l.c.typeNamed(items[1], p.Cdr.(*sexp.Cons).At.Or(l.pos), l.env())
			}
			b.at = p.At.Or(at)
		default:
			panic(malformed(d))
		}
		if b.name == sexp.Nil || b.name == sexp.T || b.name.Keyword || b.name.Name[0] == '&' {
			panic(malformed(d))
		}
		if !optional {
			f.required++
		}
		f.params = append(f.params, b)
	}
	return f
}

// callLocal lowers a call of a local function: its body between a let of the
// parameters and a block of its name.
func (l *lowerer) callLocal(c *call, f *localFunc) val {
	if len(c.args) < f.required || len(c.args) > len(f.params) {
		params := ""
		for _, p := range f.params {
			params += p.name.Display() + " "
		}
		panic(l.arity(c.head.Display(), params, len(c.args)))
	}
	args := make([]val, len(c.args))
	for i := range c.args {
		args[i] = c.arg(i)
	}
	if f.running {
		panic(l.fail(c.head, "the local function `%s` calls itself", f.name.Display()).WithHint("a call is the function's body in place: use a loop").WithCode("recursion"))
	}
	f.running = true
	defer func() { f.running = false }()
	saved := l.scope
	l.scope = f.scope
	l.enterMacro(f.name.Display(), c.form.Pos)
	var taken addresses
	taken.find(f.body)
	for i, p := range f.params {
		var v val
		if i < len(args) {
			v = args[i]
		} else {
			v = l.expr(p.init, source.Pos{})
		}
		l.bindVar(binding{name: p.name, typ: p.typ, at: p.at}, v, taken.of(p.name))
	}
	t := l.newBlock(f.name)
	v := l.inBlock(t, func() val { return l.body(l.declarations(f.body, nil)) })
	l.leaveMacro()
	l.scope = saved
	return v
}

// macros is the environment of s, nil being none.
func (s *scope) macros() *lisp.Env {
	if s == nil {
		return nil
	}
	return s.env
}
