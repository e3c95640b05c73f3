package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A cleanup is a form that runs when control leaves its body early.
type cleanup struct {
	form  sexp.Value
	scope *scope
	pos   source.Pos
	user  sexp.Value
}

// unwind lowers the cleanups above depth, innermost first.
func (l *lowerer) unwind(depth int) {
	saved, scope, user, internal := l.cleanups, l.scope, l.user, l.internal
	for i := len(saved) - 1; i >= depth; i-- {
		l.cleanups = saved[:i]
		l.scope, l.user = saved[i].scope, saved[i].user
		l.internal++
		l.expr(saved[i].form, saved[i].pos)
		l.internal = internal
	}
	l.cleanups, l.scope, l.user = saved, scope, user
}

func lowerUnwind(l *lowerer, c *call) val {
	l.cleanups = append(l.cleanups, cleanup{c.args[0], l.scope, l.pos, l.user})
	v := l.body(c.rest(1))
	l.cleanups = l.cleanups[:len(l.cleanups)-1]
	return v
}

func lowerReturn(l *lowerer, c *call) val {
	v := l.literal(0)
	var form sexp.Value
	if len(c.args) == 1 {
		v, form = c.arg(0), c.args[0]
	}
	l.goTo(closureExit{}, v, form)
	return val{l.constant(0, l.pos), types.Nowhere}
}

// A blockTarget is a place that return-from, break or continue go to.
type blockTarget struct {
	name     *sexp.Symbol // nil for a loop
	exit     *ir.Block
	next     *ir.Block // of a loop: the next turn
	result   *variable // of a named block
	typed    bool
	zero     bool // all results so far are 0
	cleanups int
}

func lowerBlock(l *lowerer, c *call) val {
	name, ok := c.args[0].(*sexp.Symbol)
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "the name of a block must be a symbol").WithCode("bad-block"))
	}
	return l.inBlock(l.newBlock(name), func() val { return l.body(c.rest(1)) })
}

func (l *lowerer) newBlock(name *sexp.Symbol) *blockTarget {
	return &blockTarget{name: name, exit: l.block(), cleanups: len(l.cleanups),
		result: &variable{name: name.Display(), typ: types.U64, pos: l.pos}}
}

// inBlock lowers body, which return-from may leave.
func (l *lowerer) inBlock(t *blockTarget, body func() val) val {
	l.blocks = append(l.blocks, t)
	v := body()
	l.blocks = l.blocks[:len(l.blocks)-1]
	if !t.typed || v.t.Kind != types.Never {
		l.leave(t, v)
	} else {
		l.jump(t.exit, l.pos)
		l.write(t.result, v.v)
	}
	l.seal(t.exit)
	l.start(t.exit)
	return val{l.read(t.result, l.cur), t.result.typ}
}

// leave gives a block's result and goes to its end.
func (l *lowerer) leave(t *blockTarget, v val) {
	if v.t.Kind != types.Never {
		zero := !v.t.IsPtr() && isZero(v.v)
		switch was := t.result.typ; {
		case !t.typed:
			t.result.typ, t.typed, t.zero = l.placeType(nil, v, nil, l.pos), true, zero
		case was.IsPtr() && zero, t.zero && v.t.IsPtr(): // a pointer or null
			p := *was
			if !was.IsPtr() {
				p = *v.t
			}
			p.Null = true
			t.result.typ, t.zero = &p, false
		case was.IsPtr() && v.t.IsPtr() && v.t.Null:
			p := *was
			p.Null = true
			t.result.typ = &p
		case was.IsPtr() == v.t.IsPtr():
			t.zero = t.zero && zero
		default:
			panic(l.fail(nil, "the block `%s` gives a number in one place and a pointer in another", t.result.name).WithCode("type-change"))
		}
	}
	l.write(t.result, v.v)
	l.jump(t.exit, l.pos)
	l.unreachable()
}

func lowerReturnFrom(l *lowerer, c *call) val {
	name, _ := c.args[0].(*sexp.Symbol)
	for in := l; in != nil; in = in.outer {
		for i := len(in.blocks) - 1; i >= 0; i-- {
			t := in.blocks[i]
			if t.name == nil || t.name != name {
				continue
			}
			v := l.literal(0)
			if len(c.args) == 2 {
				v = c.arg(1)
			}
			l.goTo(closureExit{target: t}, v, nil)
			return val{l.constant(0, l.pos), types.Nowhere}
		}
	}
	panic(l.failAt(c.at(0), c.args[0], "there is no block `%s` around this", sexp.Print(c.args[0])).WithCode("unknown-block"))
}

func (l *lowerer) loop(c *call) *blockTarget {
	for i := len(l.blocks) - 1; i >= 0; i-- {
		if l.blocks[i].name == nil {
			return l.blocks[i]
		}
	}
	panic(l.fail(nil, "`%s` stands outside of a loop", c.head.Display()).WithCode("no-loop"))
}

func lowerBreak(l *lowerer, c *call) val {
	t := l.loop(c)
	l.unwind(t.cleanups)
	l.jump(t.exit, l.pos)
	l.unreachable()
	return val{l.constant(0, l.pos), types.Nowhere}
}

func lowerContinue(l *lowerer, c *call) val {
	t := l.loop(c)
	l.unwind(t.cleanups)
	l.jump(t.next, l.pos)
	l.unreachable()
	return val{l.constant(0, l.pos), types.Nowhere}
}

func lowerMacrolet(l *lowerer, c *call) val { return l.withMacros(c, l.c.in.WithMacrolet) }

func lowerSymbolMacrolet(l *lowerer, c *call) val { return l.withMacros(c, l.c.in.WithSymbolMacrolet) }

func lowerThe(l *lowerer, c *call) val {
	t := l.c.typeNamed(c.args[0], c.at(0).Or(l.pos), l.env())
	v := c.arg(1)
	if v.t.IsInt() && t.Kind == types.Int {
		return val{l.truncate(v, t), t} // what is believed of a type must hold
	}
	return v
}

func lowerDeclare(l *lowerer, c *call) val {
	panic(l.fail(nil, "`declare` does not stand at the beginning of a let").WithCode("bad-declaration"))
}
