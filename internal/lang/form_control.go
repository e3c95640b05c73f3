package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

func lowerProgn(l *lowerer, c *call) val { return l.body(c.form.Cdr) }

// cond lowers form as a condition: to yes where it is true, else to no.
func (l *lowerer) cond(form sexp.Value, at source.Pos, yes, no *ir.Block) {
	if c, ok := form.(*sexp.Cons); ok {
		head, _ := c.Car.(*sexp.Symbol)
		args, proper := l.c.table.Slice(c.Cdr)
		if head != nil && proper {
			if _, isMacro := l.c.in.Macro(head, l.env()); !isMacro {
				savedPos, savedUser := l.pos, l.user
				if c.Pos.Known() {
					l.pos, l.user = c.Pos, c
				}
				cl := l.call(c, head, args)
				done := l.condForm(cl, yes, no)
				l.pos, l.user = savedPos, savedUser
				if done {
					return
				}
			}
		}
	}
	v := l.expr(form, at)
	l.branch(ir.OpNe, v.v, l.constant(0, l.pos), yes, no, l.pos)
}

// condForm lowers the conditions that need no value.
func (l *lowerer) condForm(c *call, yes, no *ir.Block) bool {
	n := len(c.args)
	if v, ok := l.equality(c.form, l.pos); ok {
		l.branch(ir.OpNe, v.v, l.constant(0, l.pos), yes, no, l.pos)
		return true
	}
	switch {
	case c.head.Name == "NOT" && n == 1:
		l.cond(c.args[0], c.at(0), no, yes)
		return true
	case (c.head.Name == "AND" || c.head.Name == "OR") && n > 0:
		for i := 0; i < n-1; i++ {
			next := l.block()
			if c.head.Name == "AND" {
				l.cond(c.args[i], c.at(i), next, no)
			} else {
				l.cond(c.args[i], c.at(i), yes, next)
			}
			l.seal(next)
			l.start(next)
		}
		l.cond(c.args[n-1], c.at(n-1), yes, no)
		return true
	}
	return false
}

func lowerIf(l *lowerer, c *call) val {
	yes, no := l.block(), l.block()
	l.cond(c.args[0], c.at(0), yes, no)
	l.seal(yes)
	l.seal(no)
	return l.arms(yes, no, func() val { return c.arg(1) }, func() val {
		if len(c.args) == 3 {
			return c.arg(2)
		}
		return l.literal(0)
	})
}

// lowerCond lowers (%cond (test form)... else), a chain of ifs, each in the
// else of the one before: in a loop, as chains may be long.
func lowerCond(l *lowerer, c *call) val {
	last := len(c.args) - 1
	forks := make([]fork, last)
	for i, x := range c.args[:last] {
		arm := x.(*sexp.Cons)
		yes, no := l.block(), l.block()
		l.cond(arm.Car, source.Pos{}, yes, no)
		l.seal(yes)
		l.seal(no)
		forks[i] = l.fork(yes, no, func() val { return l.expr(arm.Cdr.(*sexp.Cons).Car, source.Pos{}) })
	}
	v := c.arg(last)
	for i := last - 1; i >= 0; i-- {
		v = l.meet(forks[i], v)
	}
	return v
}

// arms lowers two ways that meet, and gives the value of the one taken.
func (l *lowerer) arms(yes, no *ir.Block, then, other func() val) val {
	f := l.fork(yes, no, then)
	return l.meet(f, other())
}

// A fork is two ways of which the first is lowered.
type fork struct {
	merge  *ir.Block
	result *ir.Value
	v      val       // of the first way
	end    *ir.Block // of the first way
	live   bool      // the first way comes to its end
}

// fork lowers the first of two ways, and goes on with the other.
func (l *lowerer) fork(yes, no *ir.Block, then func() val) fork {
	f := fork{merge: l.block()}
	f.result = l.f.NewParam(f.merge, ir.Scalar, l.pos)
	l.start(yes)
	f.v = then()
	f.end = l.cur
	f.live = l.reachable()
	l.start(no)
	return f
}

// meet ends the other way, which gives b.
func (l *lowerer) meet(f fork, b val) val {
	a := f.v
	bLive := l.reachable()
	bEnd := l.cur
	if !f.live && a.t.Kind != types.Never {
		a.t = types.Nowhere
	}
	if !bLive && b.t.Kind != types.Never {
		b.t = types.Nowhere
	}
	t := l.unify(a, b)
	f.result.Type = t.Space
	l.start(f.end)
	l.jump(f.merge, l.pos, a.v)
	l.start(bEnd)
	l.jump(f.merge, l.pos, b.v)
	l.seal(f.merge)
	l.start(f.merge)
	return val{f.result, t}
}

// unify is the type of a value that comes from either of two forms.
func (l *lowerer) unify(a, b val) *types.Type {
	switch {
	case a.t.Kind == types.Never:
		return b.t
	case b.t.Kind == types.Never:
		return a.t
	case a.t.IsPtr() && b.t.IsPtr():
		if a.t.Space == b.t.Space {
			t := *a.t
			t.Null = a.t.Null || b.t.Null
			t.Probe = a.t.Probe || b.t.Probe
			if b.t.Elem == nil || t.Elem != nil && t.Elem.String() != b.t.Elem.String() {
				t.Elem = nil
			}
			if t.Elem == nil || t.Len != b.t.Len {
				t.Len = 0
			}
			return &t
		}
		return types.U64
	case a.t.IsPtr() && isZero(b.v), b.t.IsPtr() && isZero(a.v):
		p := a.t
		if !p.IsPtr() {
			p = b.t
		}
		t := *p
		t.Null = true
		return &t
	case a.t.IsPtr() || b.t.IsPtr():
		return types.U64
	}
	return l.signOf(a, b)
}

func isZero(v *ir.Value) bool {
	n, ok := v.IsConst()
	return ok && n == 0
}

func lowerAnd(l *lowerer, c *call) val {
	switch len(c.args) {
	case 0:
		return l.literal(1)
	case 1:
		return c.arg(0)
	}
	yes, no := l.block(), l.block()
	for i := 0; i < len(c.args)-1; i++ {
		next := yes
		if i < len(c.args)-2 {
			next = l.block()
		}
		l.cond(c.args[i], c.at(i), next, no)
		if next != yes {
			l.seal(next)
			l.start(next)
		}
	}
	l.seal(yes)
	l.seal(no)
	return l.arms(yes, no, func() val { return c.arg(len(c.args) - 1) }, func() val { return l.literal(0) })
}

func lowerOr(l *lowerer, c *call) val {
	if len(c.args) == 0 {
		return l.literal(0)
	}
	v := c.arg(0)
	for i := 1; i < len(c.args); i++ {
		first := v
		yes, no := l.block(), l.block()
		l.branch(ir.OpNe, first.v, l.constant(0, l.pos), yes, no, l.pos)
		l.seal(yes)
		l.seal(no)
		v = l.arms(yes, no, func() val { return first }, func() val { return c.arg(i) })
	}
	return v
}

func lowerNot(l *lowerer, c *call) val {
	v, ok := l.equality(c.args[0], c.at(0))
	if !ok {
		v = c.arg(0)
	}
	if n, ok := v.v.IsConst(); ok {
		return l.literal(int64(ir.OpEq.Eval(8, uint64(n), 0)))
	}
	return val{l.add(ir.OpEq, l.pos, v.v, l.constant(0, l.pos)), types.U64}
}
