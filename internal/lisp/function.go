package lisp

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Function is anything that can be called: a closure, a standard function,
// a function of the host, a macro.
type Function struct {
	name  Value // a symbol or (setf symbol); nil for a lambda
	macro bool
	pos   source.Pos

	prelude bool // of the Library

	// Written in Lisp: src is (defun name . rest), compiled at the first call.
	src  *sexp.Cons
	read func(name *sexp.Symbol) *sexp.Cons // gives src, if that is still to be read
	skip int                                // conses of src before the lambda list; 0 means 2
	env  *Env
	lam  *lambda
	caps []*box

	// Written in Go.
	fn       func(in *Interp, args []Value) Value
	min, max int
	params   string
	doc      string
	host     bool // of Options.Builtins
}

// PrintLisp prints #<function name>.
func (fn *Function) PrintLisp() string {
	kind := "function"
	if fn.macro {
		kind = "macro"
	}
	return "#<" + kind + " " + fn.display() + ">"
}

// Name is the symbol that a global function or macro was defined under.
func (fn *Function) Name() *sexp.Symbol {
	s, _ := fn.name.(*sexp.Symbol)
	return s
}

// Pos is where the function was defined.
func (fn *Function) Pos() source.Pos {
	fn.source()
	return fn.pos
}

// source is the form that defines fn, nil for what is written in Go.
func (fn *Function) source() *sexp.Cons {
	if fn.read != nil {
		fn.src, fn.read = fn.read(fn.Name()), nil
		fn.pos = fn.src.Pos
	}
	return fn.src
}

func (fn *Function) display() string {
	switch n := fn.name.(type) {
	case *sexp.Symbol:
		return n.Display()
	case nil:
		return "(lambda " + fn.paramText() + ")"
	}
	return show(fn.name)
}

// tail is the part of src that starts with the lambda list.
func (fn *Function) tail() (*sexp.Cons, bool) {
	n := fn.skip
	if n == 0 {
		n = 2
	}
	c := fn.source()
	for ; n > 0 && c != nil; n-- {
		c, _ = c.Cdr.(*sexp.Cons)
	}
	return c, c != nil
}

// LambdaList is the lambda list as written; only for what is Lisp.
func (fn *Function) LambdaList() (Value, bool) {
	if fn.source() == nil {
		return nil, false
	}
	if t, ok := fn.tail(); ok {
		return t.Car, true
	}
	return nil, false
}

func (fn *Function) paramText() string {
	if ll, ok := fn.LambdaList(); ok {
		if ll == Value(sexp.Nil) {
			return "()"
		}
		return show(ll)
	}
	return "(" + fn.params + ")"
}

// Doc is the docstring.
func (fn *Function) Doc() string {
	if fn.source() == nil {
		return fn.doc
	}
	t, ok := fn.tail()
	for ok {
		if t, ok = t.Cdr.(*sexp.Cons); !ok {
			break
		}
		if s, isStr := t.Car.(*sexp.String); isStr {
			if _, more := t.Cdr.(*sexp.Cons); more {
				return s.String()
			}
			return ""
		}
		if !isDeclaration(t.Car) {
			break
		}
	}
	return ""
}

// A lambda is the compiled part that all closures of one form share.
type lambda struct {
	pat   *pattern
	slots int
	body  code
	cost  int  // how much of the depth limit a call takes
	plain bool // required lexical parameters only
}

// code is a compiled form.
type code func(f *frame) Value

// A frame holds the variables of one running call.
type frame struct {
	in   *Interp
	s    []Value
	caps []*box // captured variables
}

// A box is a variable that a closure captured.
type box struct{ v Value }

// fewSlots are not counted: how many frames have them depends on what was
// compiled before.
const fewSlots = 64

func (in *Interp) push(lam *lambda, caps []*box) *frame {
	if in.depth += lam.cost; in.depth > maxDepth {
		in.limit("compile-time code is nested more than %d calls deep", maxDepth)
	}
	if in.fp == len(in.frames) {
		in.frames = append(in.frames, new(frame))
	}
	f := in.frames[in.fp]
	f.in = in
	in.fp++
	if cap(f.s) < lam.slots {
		if lam.slots > fewSlots {
			in.alloc(int64(lam.slots + 8))
		}
		f.s = make([]Value, lam.slots+8)
	}
	f.s = f.s[:cap(f.s)]
	f.caps = caps
	return f
}

func (in *Interp) pop(lam *lambda) {
	in.fp--
	in.depth -= lam.cost
}

// call calls fn; the result may be a *multi.
func (in *Interp) call(fn *Function, args []Value) Value {
	in.step()
	if len(in.stack) > maxStack {
		in.alloc(in.opt.MaxCells + 1)
	}
	if fn.fn != nil {
		if len(args) < fn.min || fn.max >= 0 && len(args) > fn.max {
			in.badCount(fn, len(args))
		}
		return fn.fn(in, args)
	}
	if in.rec != nil && fn.prelude {
		in.builds.need(fn)
	}
	lam := fn.lam
	if lam == nil {
		in.compileFunction(fn)
		lam = fn.lam
	}
	f := in.push(lam, fn.caps)
	var v Value
	if lam.plain {
		req := lam.pat.req
		if len(args) != len(req) {
			in.badCount(fn, len(args))
		}
		for i := range req {
			req[i].bind.v.set(f, args[i])
		}
		v = lam.body(f)
	} else {
		mark := len(in.specials)
		if fn.macro {
			in.bindMacro(f, lam.pat, fn, args)
		} else {
			in.bindArgs(f, lam.pat, fn, args)
		}
		v = lam.body(f)
		in.unbindTo(mark)
	}
	in.pop(lam)
	return v
}

// call1 and the like call fn for its first value.
func (in *Interp) call1(fn *Function, a Value) Value {
	n := len(in.stack)
	in.stack = append(in.stack, a)
	v := one(in.call(fn, in.stack[n:n+1:n+1]))
	in.stack = in.stack[:n]
	return v
}

func (in *Interp) call2(fn *Function, a, b Value) Value {
	n := len(in.stack)
	in.stack = append(in.stack, a, b)
	v := one(in.call(fn, in.stack[n:n+2:n+2]))
	in.stack = in.stack[:n]
	return v
}

// badCount reports a wrong number of arguments.
func (in *Interp) badCount(fn *Function, given int) {
	in.raise(in.makeError("PROGRAM-ERROR", nil, source.Errorf(source.Pos{}, "`%s` is called with %s", fn.display(), count(given, "argument")).
		WithExpected("(%s)", strings.TrimSpace(fn.display()+" "+innerText(fn.paramText()))).WithCode("argument-count")))
}

// innerText drops the parentheses of a lambda list's text.
func innerText(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, "("), ")")
}

// isFunction reports whether sym names a function globally.
func (in *Interp) isFunction(sym *sexp.Symbol) bool {
	if g := in.find(sym); g != nil && g.fn != nil {
		return true
	}
	return in.builtinFor(sym) != nil
}

// globalFunction gives the function that sym names globally, or nil. What
// the user defines wins over what is standard.
func (in *Interp) globalFunction(sym *sexp.Symbol) *Function {
	g := in.global(sym)
	if g.fn != nil {
		return g.fn
	}
	return in.builtinFor(sym)
}

// builtinFor makes the Function of a standard or host function.
func (in *Interp) builtinFor(sym *sexp.Symbol) *Function {
	if !sym.Interned || sym.Keyword {
		return nil
	}
	g := in.global(sym)
	if !g.looked {
		g.looked = true
		if r := findRow(sym.Name); r != nil {
			lo, hi := arity(r.params)
			g.builtin = &Function{name: sym, fn: r.fn, min: lo, max: hi, params: r.params}
		} else {
			for i := range in.opt.Builtins {
				if b := &in.opt.Builtins[i]; b.Name == sym.Name {
					g.builtin = &Function{name: sym, fn: b.Fn, min: b.Min, max: b.Max, params: b.Params, doc: b.Doc, host: true}
				}
			}
		}
	}
	return g.builtin
}

// setfFunction gives the function (setf sym), or nil.
func (in *Interp) setfFunction(sym *sexp.Symbol) *Function {
	g := in.global(sym)
	if g.setf != nil {
		return g.setf
	}
	if !g.setfLook && sym.Interned && !sym.Keyword {
		g.setfLook = true
		name := "(SETF " + sym.Name + ")"
		setf := in.table.Intern("SETF")
		if r := findRow(name); r != nil {
			lo, hi := arity(r.params)
			g.setfBuilt = &Function{name: sexp.List(setf, sym), fn: r.fn, min: lo, max: hi, params: r.params}
		}
	}
	return g.setfBuilt
}

func (in *Interp) hostSpecial(name string) *Special {
	for i := range in.opt.Specials {
		if in.opt.Specials[i].Name == name {
			return &in.opt.Specials[i]
		}
	}
	return nil
}

// function gives the function that v designates.
func (in *Interp) function(v Value) *Function {
	switch v := v.(type) {
	case *Function:
		return v
	case *sexp.Symbol:
		if fn := in.globalFunction(v); fn != nil {
			return fn
		}
		in.undefined(v, in.pos, nil)
	case *sexp.Cons:
		if name := setfName(v); name != nil {
			if fn := in.setfFunction(name); fn != nil {
				return fn
			}
		}
		if s, ok := v.Car.(*sexp.Symbol); ok && s.Name == "LAMBDA" {
			if fn, ok := one(in.eval(v, nil, in.pos)).(*Function); ok {
				return fn
			}
		}
	}
	in.typeError(v, "a function")
	return nil
}

// setfName is foo for (setf foo), else nil.
func setfName(v Value) *sexp.Symbol {
	items, ok := sexp.Slice(v)
	if ok && len(items) == 2 {
		if s, isSym := items[0].(*sexp.Symbol); isSym && s.Name == "SETF" {
			name, _ := items[1].(*sexp.Symbol)
			return name
		}
	}
	return nil
}

// goFunction makes a function of Go code: what constantly and complement give.
func goFunction(name string, params string, fn func(in *Interp, args []Value) Value) *Function {
	lo, hi := arity(params)
	return &Function{name: &sexp.Symbol{Name: strings.ToUpper(name), Spelling: name}, fn: fn, min: lo, max: hi, params: params}
}
