package lisp

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Condition is what error, warn and signal signal.
type Condition struct {
	typ   *condType
	slots map[string]Value
	err   *source.Error // for what the evaluator itself reports
}

// PrintLisp prints #<simple-error ...>.
func (c *Condition) PrintLisp() string { return "#<" + lower(c.typ.name) + ">" }

// A condType is a class of conditions.
type condType struct {
	name    string
	sym     *sexp.Symbol
	parents []*condType
	slots   []condSlot
	report  Value // a string or a function; nil: inherited
}

type condSlot struct {
	name string
	args []string // initargs
	init code
}

func (t *condType) is(name string) bool {
	if t.name == name {
		return true
	}
	for _, p := range t.parents {
		if p.is(name) {
			return true
		}
	}
	return false
}

// standardConditions maps each type to the types that it is a kind of.
var standardConditions = map[string][]string{
	"CONDITION": nil, "WARNING": {"CONDITION"}, "STYLE-WARNING": {"WARNING"}, "SERIOUS-CONDITION": {"CONDITION"},
	"ERROR": {"SERIOUS-CONDITION"}, "STORAGE-CONDITION": {"SERIOUS-CONDITION"}, "SIMPLE-CONDITION": {"CONDITION"},
	"SIMPLE-ERROR": {"SIMPLE-CONDITION", "ERROR"}, "SIMPLE-WARNING": {"SIMPLE-CONDITION", "WARNING"},
	"TYPE-ERROR": {"ERROR"}, "SIMPLE-TYPE-ERROR": {"SIMPLE-CONDITION", "TYPE-ERROR"}, "PROGRAM-ERROR": {"ERROR"}, "CONTROL-ERROR": {"ERROR"},
	"ARITHMETIC-ERROR": {"ERROR"}, "DIVISION-BY-ZERO": {"ARITHMETIC-ERROR"}, "FLOATING-POINT-OVERFLOW": {"ARITHMETIC-ERROR"},
	"CELL-ERROR": {"ERROR"}, "UNBOUND-VARIABLE": {"CELL-ERROR"}, "UNDEFINED-FUNCTION": {"CELL-ERROR"}, "PARSE-ERROR": {"ERROR"},
	"READER-ERROR": {"PARSE-ERROR"}, "PACKAGE-ERROR": {"ERROR"}, "STREAM-ERROR": {"ERROR"}, "END-OF-FILE": {"STREAM-ERROR"}, "FILE-ERROR": {"ERROR"},
}

// standardSlots are the initargs of the standard types, equal to their slots.
var standardSlots = map[string]bool{
	"FORMAT-CONTROL": true, "FORMAT-ARGUMENTS": true, "DATUM": true, "EXPECTED-TYPE": true, "NAME": true,
	"OPERATION": true, "OPERANDS": true, "STREAM": true, "PACKAGE": true, "PATHNAME": true,
}

// condType finds a condition type by name, or nil.
func (in *Interp) condType(sym *sexp.Symbol) *condType {
	in.apart()
	if t := in.types[sym]; t != nil {
		return t
	}
	if _, ok := standardConditions[sym.Name]; !ok || !sym.Interned || sym.Keyword {
		return nil
	}
	t := &condType{name: sym.Name, sym: sym}
	for _, p := range standardConditions[sym.Name] {
		t.parents = append(t.parents, in.condType(in.table.Intern(p)))
	}
	if in.types == nil {
		in.types = map[*sexp.Symbol]*condType{}
	}
	in.types[sym] = t
	return t
}

// A failure is the panic of an error that no handler took.
type failure struct{ err *source.Error }

// An exit is the panic of a return-from, go, throw or of a handler that
// leaves the signalling code.
type exit struct {
	to  *token
	val Value
}

// A token is one activation of a place to exit to.
type token struct{ done bool }

type catch struct {
	tag Value
	tok *token
}

// A handler stands on the stack of handlers while the body of handler-bind
// or handler-case runs.
type handler struct {
	spec Value     // condition type
	fn   *Function // handler-bind
	tok  *token    // handler-case
	n    int       // which clause
	base int       // height of the stack below its group
}

// An Err is an error on its way to be signalled.
type Err struct {
	*source.Error
	kind  string
	slots map[string]Value
}

func errAt(pos source.Pos, culprit any, format string, args ...any) *Err {
	e := source.Errorf(pos, format, args...)
	e.Culprit = culprit
	return &Err{Error: e, kind: "PROGRAM-ERROR"}
}

// WithExpected adds what would have been right.
func (e *Err) WithExpected(format string, args ...any) *Err {
	e.Error.WithExpected(format, args...)
	return e
}

// WithHint adds what to do.
func (e *Err) WithHint(format string, args ...any) *Err {
	e.Error.WithHint(format, args...)
	return e
}

func (e *Err) coded(code string) *Err {
	e.Code = code
	return e
}

func (e *Err) inCall(who string) *Err {
	e.What = "`" + lower(who) + "`: " + e.What
	return e
}

// fail signals e.
func (in *Interp) fail(e *Err) {
	in.raise(in.makeError(e.kind, e.slots, e.Error))
}

// failAt signals a malformed form.
func (in *Interp) failAt(pos source.Pos, culprit any, format string, args ...any) {
	in.fail(errAt(pos, culprit, format, args...))
}

// wrong signals what a running function cannot do with its arguments.
func (in *Interp) wrong(culprit any, format string, args ...any) {
	in.fail(errAt(in.pos, culprit, format, args...).coded("compile-time"))
}

// Fail signals e as a Lisp error. It is what builtins and special operators
// of the host call; it does not return.
func (in *Interp) Fail(e *source.Error) {
	if e.Code == "compile-time-limit" {
		in.dead = true
		panic(&failure{in.errorHere(e)})
	}
	in.raise(in.makeError("SIMPLE-ERROR", nil, e))
}

// Failf signals an error at the running form; culprit may be nil.
func (in *Interp) Failf(culprit any, format string, args ...any) {
	e := source.Errorf(sexp.PosOf(culprit), format, args...)
	e.Culprit = culprit
	in.Fail(e)
}

func (in *Interp) typeErr(v Value, want string) *Err {
	e := errAt(source.Pos{}, v, "%s is not %s", show(v), want)
	e.kind = "TYPE-ERROR"
	e.slots = map[string]Value{"DATUM": v, "EXPECTED-TYPE": sexp.NewString(want)}
	return e
}

// typeError signals that v is not what want says ("a number").
func (in *Interp) typeError(v Value, want string) {
	in.fail(in.typeErr(v, want))
}

func (in *Interp) makeError(kind string, slots map[string]Value, e *source.Error) *Condition {
	return &Condition{typ: in.condType(in.table.Intern(kind)), slots: slots, err: e}
}

// raise signals c; without a handler the evaluation ends.
func (in *Interp) raise(c *Condition) {
	if in.dead {
		panic(&failure{in.errorOf(c)})
	}
	in.steps(50)
	in.signal(c)
	panic(&failure{in.errorOf(c)})
}

// errorOf is the error that the host sees.
func (in *Interp) errorOf(c *Condition) *source.Error {
	e := c.err
	if e == nil {
		e = source.Errorf(source.Pos{}, "%s", in.report(c, true)).WithCode("signalled")
		if d, ok := c.slots["DATUM"]; ok {
			e.Culprit = d
		}
	}
	if e.Code == "" {
		e.Code = "compile-time"
		if row, ok := conditionCodes[c.typ.name]; ok {
			e.Code = row
		}
	}
	return in.errorHere(e)
}

// conditionCodes names the kinds of error for tools, where the error itself
// does not.
var conditionCodes = map[string]string{
	"TYPE-ERROR": "compile-time-type", "DIVISION-BY-ZERO": "zero-division", "PROGRAM-ERROR": "malformed-form",
}

// signal calls the handlers for c, innermost first.
func (in *Interp) signal(c *Condition) {
	handlers := in.handlers
	for i := len(handlers) - 1; i >= 0; i-- {
		h := handlers[i]
		if !in.typep(c, h.spec) {
			continue
		}
		if h.tok != nil {
			in.leaveTo(h.tok, &caught{h.n, c})
		}
		in.handlers = handlers[:h.base:h.base]
		in.enter()
		in.call1(h.fn, c)
		in.leave()
		in.handlers = handlers
	}
}

// caught is what an exit to a handler-case carries.
type caught struct {
	n    int
	cond *Condition
}

// leaveTo starts a non-local exit.
func (in *Interp) leaveTo(tok *token, v Value) {
	in.steps(20)
	in.exiting = &exit{tok, v}
	panic(in.exiting)
}

// catching runs body as a place to exit to. left is true if an exit came.
func (in *Interp) catching(tok *token, f *frame, body code) (v Value, left bool) {
	m := in.mark()
	pos := in.pos
	defer func() {
		if in.exiting != nil && in.exiting.to == tok {
			recover()
			v, left = in.exiting.val, true
			in.exiting = nil
			in.restore(m)
			in.pos = pos
			return
		}
		tok.done = true
	}()
	return body(f), false
}

// report is the text of a condition; user: as the user spells names.
func (in *Interp) report(c *Condition, user bool) string {
	if c.err != nil {
		return c.err.What
	}
	var find func(t *condType) Value
	find = func(t *condType) Value {
		if t.report != nil {
			return t.report
		}
		for _, p := range t.parents {
			if r := find(p); r != nil {
				return r
			}
		}
		return nil
	}
	switch r := find(c.typ).(type) {
	case *sexp.String:
		return r.String()
	case *Function:
		st := &stream{}
		in.call2(r, c, st)
		return st.text()
	}
	if ctl, ok := c.slots["FORMAT-CONTROL"]; ok && !isNil(ctl) {
		args, _ := sexp.Slice(c.slots["FORMAT-ARGUMENTS"])
		return in.formatText(ctl, args, user)
	}
	if d, ok := c.slots["DATUM"]; ok {
		return fmt.Sprintf("%s is not of type %s", show(d), show(c.slots["EXPECTED-TYPE"]))
	}
	return "condition " + c.typ.sym.Display() + " was signalled"
}

// designator makes the condition that (error datum args...) means.
func (in *Interp) designator(datum Value, args []Value, kind string) *Condition {
	switch d := datum.(type) {
	case *Condition:
		return d
	case *sexp.String, *Function:
		return &Condition{typ: in.condType(in.table.Intern(kind)), slots: map[string]Value{"FORMAT-CONTROL": d, "FORMAT-ARGUMENTS": in.list(args)}}
	case *sexp.Symbol:
		return in.makeCondition(d, args)
	}
	in.typeError(datum, "a format string or a condition type")
	return nil
}

func (in *Interp) makeCondition(name *sexp.Symbol, args []Value) *Condition {
	t := in.condType(name)
	if t == nil {
		in.fail(errAt(source.Pos{}, name, "`%s` is not a condition type", name.Display()).WithHint("define it with define-condition, or signal (error \"text ~~a\" argument)"))
	}
	c := &Condition{typ: t, slots: map[string]Value{}}
	if len(args)%2 != 0 {
		in.failAt(source.Pos{}, name, "an odd number of initargs for condition `%s`", name.Display())
	}
	for i := len(args) - 2; i >= 0; i -= 2 {
		k, ok := args[i].(*sexp.Symbol)
		slot := ""
		if ok {
			slot = t.slotFor(k.Name)
		}
		if slot == "" {
			in.failAt(source.Pos{}, args[i], "%s is not an initarg of condition `%s`", show(args[i]), name.Display())
		}
		c.slots[slot] = args[i+1]
	}
	in.initSlots(t, c)
	return c
}

func (t *condType) slotFor(arg string) string {
	for _, s := range t.slots {
		for _, a := range s.args {
			if a == arg {
				return s.name
			}
		}
	}
	for _, p := range t.parents {
		if s := p.slotFor(arg); s != "" {
			return s
		}
	}
	if _, standard := standardConditions[t.name]; standard && standardSlots[arg] {
		return arg
	}
	return ""
}

func (in *Interp) initSlots(t *condType, c *Condition) {
	for _, s := range t.slots {
		if _, ok := c.slots[s.name]; !ok && s.init != nil {
			c.slots[s.name] = s.init(&frame{in: in})
		}
	}
	for _, p := range t.parents {
		in.initSlots(p, c)
	}
}

func condRows() []row {
	reader := func(name, slot string) row {
		return row{name, "condition", func(in *Interp, a []Value) Value {
			c, ok := a[0].(*Condition)
			if !ok {
				in.typeError(a[0], "a condition")
			}
			if v, ok := c.slots[slot]; ok {
				return v
			}
			if slot == "FORMAT-CONTROL" && c.err != nil {
				return sexp.NewString(c.err.What)
			}
			return sexp.Nil
		}}
	}
	return []row{
		{"ERROR", "datum &rest arguments", func(in *Interp, a []Value) Value {
			in.raise(in.designator(a[0], a[1:], "SIMPLE-ERROR"))
			return sexp.Nil
		}},
		{"CERROR", "continue datum &rest arguments", func(in *Interp, a []Value) Value {
			in.raise(in.designator(a[1], a[2:], "SIMPLE-ERROR"))
			return sexp.Nil
		}},
		{"SIGNAL", "datum &rest arguments", func(in *Interp, a []Value) Value {
			in.signal(in.designator(a[0], a[1:], "SIMPLE-CONDITION"))
			return sexp.Nil
		}},
		{"WARN", "datum &rest arguments", func(in *Interp, a []Value) Value {
			in.warn(in.designator(a[0], a[1:], "SIMPLE-WARNING"))
			return sexp.Nil
		}},
		{"MUFFLE-WARNING", "&optional condition", func(in *Interp, a []Value) Value {
			for i := len(in.catches) - 1; i >= 0; i-- {
				if in.catches[i].tag == Value(muffle) {
					in.leaveTo(in.catches[i].tok, sexp.Nil)
				}
			}
			in.failAt(source.Pos{}, nil, "muffle-warning: no warning is being signalled")
			return sexp.Nil
		}},
		{"MAKE-CONDITION", "type &rest initargs", func(in *Interp, a []Value) Value {
			return in.makeCondition(in.symbol(a[0]), a[1:])
		}},
		reader("SIMPLE-CONDITION-FORMAT-CONTROL", "FORMAT-CONTROL"),
		reader("SIMPLE-CONDITION-FORMAT-ARGUMENTS", "FORMAT-ARGUMENTS"),
		reader("TYPE-ERROR-DATUM", "DATUM"),
		reader("TYPE-ERROR-EXPECTED-TYPE", "EXPECTED-TYPE"),
		reader("CELL-ERROR-NAME", "NAME"),
		reader("ARITHMETIC-ERROR-OPERATION", "OPERATION"),
		reader("ARITHMETIC-ERROR-OPERANDS", "OPERANDS"),
	}
}

// muffle is the tag of a catch around the handlers of a warning.
var muffle = &sexp.Symbol{Name: "MUFFLE-WARNING"}

func (in *Interp) warn(c *Condition) {
	tok := &token{}
	_, muffled := in.catching(tok, nil, func(*frame) Value {
		in.catches = append(in.catches, catch{muffle, tok})
		in.signal(c)
		in.catches = in.catches[:len(in.catches)-1]
		return sexp.Nil
	})
	if !muffled && in.opt.Warn != nil {
		e := in.errorOf(c)
		e.Severity = source.SevWarning
		in.opt.Warn(e)
	}
}

// undefined signals a call of what is no function.
func (in *Interp) undefined(s *sexp.Symbol, pos source.Pos, env *Env) {
	e := errAt(pos, s, "the operator `%s` is not defined in compile-time Lisp", s.Display())
	e.kind, e.Code = "UNDEFINED-FUNCTION", "undefined-function"
	e.slots = map[string]Value{"NAME": s}
	if g := in.find(s); g != nil && g.macro != nil {
		e.What = fmt.Sprintf("`%s` is a macro, not a function", s.Display())
	} else if findSpecial(s.Name) != nil && s.Interned && !s.Keyword {
		e.What = fmt.Sprintf("`%s` is a special operator, not a function", s.Display())
	} else if b := env.variable(s); b != nil && b.kind == envVar {
		e.WithHint("`%s` is a variable; call the function in it with (funcall %s ...)", s.Display(), s.Display())
	} else if near := in.nearest(s.Name, in.operatorNames(env)); near != "" {
		e.DidYouMean(lower(near))
	}
	in.fail(e)
}

// unbound signals a variable without a value.
func (in *Interp) unbound(s *sexp.Symbol, pos source.Pos, env *Env) {
	e := errAt(pos, s, "the variable `%s` has no value at compile time", s.Display())
	e.kind, e.Code = "UNBOUND-VARIABLE", "unbound-variable"
	e.slots = map[string]Value{"NAME": s}
	if near := in.nearest(s.Name, in.variableNames(env)); near != "" {
		e.DidYouMean(lower(near))
	}
	in.fail(e)
}

func (in *Interp) operatorNames(env *Env) (names []string) {
	for e := env; e != nil; e = e.up {
		if e.kind == envFun || e.kind == envMacro {
			names = append(names, e.name.Name)
		}
	}
	if in.opt.Library != nil {
		for s := range in.opt.Library.Names {
			in.global(s)
		}
	}
	for s, g := range in.globals {
		if g.fn != nil || g.macro != nil {
			names = append(names, s.Name)
		}
	}
	for n := range index.rows {
		names = append(names, n)
	}
	for n := range index.specials {
		names = append(names, n)
	}
	for i := range in.opt.Builtins {
		names = append(names, in.opt.Builtins[i].Name)
	}
	for i := range in.opt.Specials {
		names = append(names, in.opt.Specials[i].Name)
	}
	return names
}

func (in *Interp) variableNames(env *Env) (names []string) {
	for e := env; e != nil; e = e.up {
		if e.kind == envVar || e.kind == envSymMacro {
			names = append(names, e.name.Name)
		}
	}
	for _, s := range in.adopted { // as if they were compiled here
		for _, sym := range s.asked {
			in.global(sym)
		}
	}
	for s, g := range in.globals {
		if g.val != nil && !s.Keyword {
			names = append(names, s.Name)
		}
	}
	return names
}
