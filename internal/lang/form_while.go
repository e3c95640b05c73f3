package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// lowerWhile is (%while (test step max) body...), what while, until, do and
// loop expand to: step runs after each turn, also after continue. Without
// max a bound must be shown.
func lowerWhile(l *lowerer, c *call) val {
	spec, _ := sexp.Slice(c.args[0])
	test, step, limit := spec[0], spec[1], spec[2]
	body := c.rest(1)
	max := int64(-1)
	if limit != sexp.Value(sexp.Nil) {
		v := l.expr(limit, source.Pos{})
		n, ok := v.v.IsConst()
		if !ok || v.t.Kind != types.Literal {
			panic(l.fail(limit, ":max must be a constant").WithCode("not-constant"))
		}
		if n < 0 || n > maxTurns {
			panic(l.fail(limit, ":max is %d", n).WithExpected("0 to %d", maxTurns).WithCode("loop-bound"))
		}
		max = n
	} else if n, ok := l.turnsShown(test, step, body); !ok {
		panic(l.fail(nil, "nothing shows that this loop ends").
			WithExpected("a test of a variable against a constant, with one constant step in the body, or :max n").
			WithHint(":max 64 gives the bound that the kernel's verifier wants; bpf-loop takes up to 8 million turns").WithCode("unbounded-loop"))
	} else if n > maxTurns {
		panic(l.fail(nil, "a loop of %d turns is more than the verifier follows", n).WithExpected("at most %d", maxTurns).WithHint("use bpf-loop").WithCode("loop-bound"))
	}
	turn := &variable{name: "turn", typ: types.U64, pos: l.pos, used: true}
	l.write(turn, l.constant(0, l.pos))
	head, first, next, exit := l.block(), l.block(), l.block(), l.block()
	l.jump(head, l.pos)
	l.start(head)
	if max >= 0 {
		more := l.block()
		l.branch(ir.OpUlt, l.read(turn, l.cur), l.constant(max, l.pos), more, exit, l.pos)
		l.seal(more)
		l.start(more)
		l.write(turn, l.add(ir.OpAdd, l.pos, l.read(turn, l.cur), l.constant(1, l.pos)))
	}
	saved := l.scope
	l.cond(test, source.Pos{}, first, exit)
	l.seal(first)
	l.start(first)
	l.blocks = append(l.blocks, &blockTarget{exit: exit, next: next, cleanups: len(l.cleanups)})
	l.body(l.declarations(body, nil))
	l.blocks = l.blocks[:len(l.blocks)-1]
	l.jump(next, l.pos)
	l.seal(next)
	l.start(next)
	if step != sexp.Value(sexp.Nil) {
		l.expr(step, source.Pos{})
	}
	l.jump(head, l.pos)
	l.seal(head)
	l.seal(exit)
	l.start(exit)
	l.scope = saved
	return l.literal(0)
}

// turnsShown gives the number of turns of a loop that counts a variable by
// a constant step to a constant bound.
func (l *lowerer) turnsShown(test, step, body sexp.Value) (int64, bool) {
	for _, b := range l.bounds(test, false, 0) {
		v := l.lookup(b.name)
		if v == nil || v.slot != 0 || v.typ.Kind != types.Int || l.foreign(v) {
			continue
		}
		start, ok := l.read(v, l.cur).IsConst()
		if !ok || start < 0 {
			continue
		}
		by, ok := l.stepOf(b.name, step, body)
		if !ok {
			continue
		}
		if n, ok := turns(start, by, b); ok && (v.typ.Size == 8 || !v.written || max(b.n, start)+max(by, -by) < 1<<(8*v.typ.Size-1)) {
			return n, true
		}
	}
	return 0, false
}

// A bound is a comparison of a variable with a constant.
type bound struct {
	op   string // < <= > >= /= =
	name *sexp.Symbol
	n    int64
}

// turns is how often a variable that starts at start and moves by `by` meets
// the bound.
func turns(start, by int64, b bound) (int64, bool) {
	if b.n < 0 || b.n > 1<<31 || start > 1<<31 || by > 1<<20 || by < -(1<<20) || by == 0 {
		return 0, false
	}
	switch {
	case b.op == "<" && by > 0:
		return max(0, (b.n-start+by-1)/by), true
	case b.op == "<=" && by > 0:
		return max(0, (b.n-start+by)/by), true
	case b.op == ">" && by < 0:
		if (start-b.n)%-by != 0 && b.n-(-by) < 0 {
			return 0, false // it would pass below zero
		}
		return max(0, (start-b.n-by-1)/-by), true
	case b.op == ">=" && by < 0:
		if b.n+by < 0 {
			return 0, false
		}
		return max(0, (start-b.n-by)/-by), true
	case b.op == "/=" && (b.n-start)%by == 0 && (b.n-start)/by >= 0:
		return (b.n - start) / by, true
	}
	return 0, false
}

var negated = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "/=", "/=": "="}
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "/=": "/="}

// bounds lists the comparisons that all hold while test does.
func (l *lowerer) bounds(test sexp.Value, not bool, depth int) (out []bound) {
	c, ok := test.(*sexp.Cons)
	if !ok || depth > 20 {
		return nil
	}
	head, _ := c.Car.(*sexp.Symbol)
	args, proper := sexp.Slice(c.Cdr)
	if head == nil || !proper {
		return nil
	}
	switch {
	case head.Name == "NOT" && len(args) == 1:
		return l.bounds(args[0], !not, depth+1)
	case head.Name == "AND" && !not, head.Name == "OR" && not:
		for _, a := range args {
			out = append(out, l.bounds(a, not, depth+1)...)
		}
	case negated[head.Name] != "" && len(args) == 2:
		op := head.Name
		name, isVar := args[0].(*sexp.Symbol)
		other := args[1]
		if !isVar || l.lookup(name) == nil {
			name, isVar = args[1].(*sexp.Symbol)
			op, other = mirrored[op], args[0]
		}
		if not {
			op = negated[op]
		}
		if n, ok := l.known(other); ok && isVar {
			out = append(out, bound{op, name, n})
		}
	case head.Name == "PLUSP" && len(args) == 1 && !not, head.Name == "ZEROP" && len(args) == 1 && not:
		if name, isVar := args[0].(*sexp.Symbol); isVar {
			out = append(out, bound{"/=", name, 0})
		}
	}
	return out
}

// known is the value of an integer or a name of a constant.
func (l *lowerer) known(v sexp.Value) (int64, bool) {
	if n, ok := integerOf(v); ok {
		return n, true
	}
	s, ok := v.(*sexp.Symbol)
	if !ok || l.lookup(s) != nil {
		return 0, false
	}
	if exp, ok := l.c.in.SymbolMacro(s, l.env()); ok {
		return integerOf(exp)
	}
	if x, ok := l.c.in.Global(s); ok {
		return integerOf(x)
	}
	return kernelConstant(s.Name)
}

// stepOf is what one turn adds to the variable: there is exactly one
// assignment, which every turn comes by.
func (l *lowerer) stepOf(name *sexp.Symbol, step, body sexp.Value) (int64, bool) {
	by, found := int64(0), false
	fixed := func(form sexp.Value) bool {
		n, ok := l.stepForm(name, form)
		if ok {
			by, found = n, true
		}
		return ok
	}
	for _, f := range l.sequence(step, 0) {
		fixed(f)
	}
	forms, _ := sexp.Slice(body)
	for _, form := range forms {
		if found {
			break
		}
		for _, f := range l.sequence(form, 0) {
			fixed(f)
		}
		if !found && l.mentions("CONTINUE", form, 0) {
			return 0, false // the step may be left out
		}
	}
	if total := l.assignments(name, step, 0) + l.assignments(name, body, 0); !found || total != 1 {
		return 0, false
	}
	return by, true
}

// sequence lists the forms that are evaluated whenever form is, with macros
// expanded.
func (l *lowerer) sequence(form sexp.Value, depth int) []sexp.Value {
	c, ok := form.(*sexp.Cons)
	if !ok || depth > 100 {
		return nil
	}
	s, _ := c.Car.(*sexp.Symbol)
	if s == nil {
		return nil
	}
	if _, isMacro := l.c.in.Macro(s, l.env()); isMacro {
		if exp, done, err := l.c.in.Expand1(c, l.env()); err == nil && done {
			return l.sequence(exp, depth+1)
		}
		return nil
	}
	items, _ := sexp.Slice(c.Cdr)
	switch {
	case s.Name == "PROGN":
	case s.Name == "%ONCE" && len(items) > 0:
		items = items[1:]
	default:
		return []sexp.Value{form}
	}
	var out []sexp.Value
	for _, x := range items {
		out = append(out, l.sequence(x, depth+1)...)
	}
	return out
}

func isHead(c *sexp.Cons, name string) bool {
	s, ok := c.Car.(*sexp.Symbol)
	return ok && s.Name == name
}

// stepForm reads (incf i n), (decf i n), (setf i (+ i n)) and the like.
func (l *lowerer) stepForm(name *sexp.Symbol, form sexp.Value) (int64, bool) {
	items, ok := sexp.Slice(form)
	if !ok || len(items) < 2 {
		return 0, false
	}
	head, _ := items[0].(*sexp.Symbol)
	if head == nil || items[1] != sexp.Value(name) {
		return 0, false
	}
	switch {
	case (head.Name == "INCF" || head.Name == "DECF") && len(items) <= 3:
		n := int64(1)
		if len(items) == 3 {
			if n, ok = l.known(items[2]); !ok {
				return 0, false
			}
		}
		if head.Name == "DECF" {
			n = -n
		}
		return n, true
	case (head.Name == "SETF" || head.Name == "SETQ") && len(items) == 3:
		x, ok := sexp.Slice(items[2])
		if !ok || len(x) < 2 {
			return 0, false
		}
		op, _ := x[0].(*sexp.Symbol)
		if op == nil {
			return 0, false
		}
		switch {
		case op.Name == "1+" && x[1] == sexp.Value(name):
			return 1, true
		case op.Name == "1-" && x[1] == sexp.Value(name):
			return -1, true
		case len(x) == 3 && (op.Name == "+" || op.Name == "-") && x[1] == sexp.Value(name):
			n, ok := l.known(x[2])
			if op.Name == "-" {
				n = -n
			}
			return n, ok
		case len(x) == 3 && op.Name == "+" && x[2] == sexp.Value(name):
			return l.known(x[1])
		}
	}
	return 0, false
}

// assignments counts the places where form may change the variable; forms
// that cannot be judged count as two.
func (l *lowerer) assignments(name *sexp.Symbol, form sexp.Value, depth int) int {
	c, ok := form.(*sexp.Cons)
	if !ok {
		return 0
	}
	if depth > 200 {
		return 2
	}
	n := 0
	if s, isSym := c.Car.(*sexp.Symbol); isSym {
		if _, isMacro := l.c.in.Macro(s, l.env()); isMacro {
			exp, done, err := l.c.in.Expand1(c, l.env())
			if err != nil || !done {
				return 2
			}
			return l.assignments(name, exp, depth+1)
		}
		switch s.Name {
		case "SETF", "SETQ", "INCF", "DECF", "STACK-ADDR":
			items, _ := sexp.Slice(c.Cdr)
			for i, x := range items {
				if x == sexp.Value(name) && (s.Name == "INCF" || s.Name == "DECF" || s.Name == "STACK-ADDR" || i%2 == 0) && (i == 0 || s.Name == "SETF" || s.Name == "SETQ") {
					n++
				}
			}
		}
	}
	for x, ok := form.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		n += l.assignments(name, x.Car, depth+1)
	}
	return n
}

// mentions reports whether a form with that head stands anywhere in form.
func (l *lowerer) mentions(head string, form sexp.Value, depth int) bool {
	if depth > 200 {
		return true
	}
	for x, ok := form.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if c, isList := x.Car.(*sexp.Cons); isList && (isHead(c, head) || l.mentions(head, c, depth+1)) {
			return true
		}
	}
	c, ok := form.(*sexp.Cons)
	return ok && isHead(c, head)
}
