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
	cleanups int
}

func lowerBlock(l *lowerer, c *call) val {
	name, ok := c.args[0].(*sexp.Symbol)
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "the name of a block must be a symbol").WithCode("bad-block"))
	}
	t := &blockTarget{name: name, exit: l.block(), cleanups: len(l.cleanups),
		result: &variable{name: name.Display(), typ: types.U64, pos: l.pos}}
	l.blocks = append(l.blocks, t)
	v := l.body(c.rest(1))
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
		if !t.typed {
			t.result.typ, t.typed = l.placeType(nil, v, nil, l.pos), true
		} else if t.result.typ.IsPtr() != v.t.IsPtr() && !isZero(v.v) {
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

// maxTurns is what a loop may run: the verifier walks every turn and gives
// up after a million instructions.
const maxTurns = 1_000_000

func lowerDotimes(l *lowerer, c *call) val {
	spec, ok := sexp.Slice(c.args[0])
	malformed := func() *source.Error {
		return l.failAt(c.at(0), c.args[0], "malformed loop %s", shorten(sexp.Print(c.args[0]))).WithExpected("(dotimes (var count [result] [:max n]) body...)").WithCode("bad-loop")
	}
	if !ok || len(spec) < 2 {
		panic(malformed())
	}
	name, isSym := spec[0].(*sexp.Symbol)
	if !isSym || name.Keyword {
		panic(malformed())
	}
	head := &call{l, c.args[0].(*sexp.Cons), c.head, spec[1:]}
	var result sexp.Value
	limit := int64(-1)
	for i := 1; i < len(head.args); i++ {
		if k, isSym := head.args[i].(*sexp.Symbol); isSym && k.Keyword {
			if k.Name != "MAX" || i+1 >= len(head.args) {
				panic(malformed())
			}
			limit = head.constant(i + 1)
			if limit < 0 || limit > maxTurns {
				panic(l.failAt(head.at(i+1), head.args[i+1], ":max is %d", limit).WithExpected("0 to %d", maxTurns).WithCode("loop-bound"))
			}
			i++
		} else if result == nil {
			result = head.args[i]
		} else {
			panic(malformed())
		}
	}
	count := head.int(0)
	n, isConst := count.v.IsConst()
	switch {
	case !isConst && limit < 0:
		panic(l.failAt(head.at(0), head.args[0], "the number of turns is not a constant").WithExpected("a constant, or :max").
			WithHint("(dotimes (%s %s :max 64) ...) gives the bound that the kernel's verifier wants", name.Display(), sexp.Print(head.args[0])).WithCode("unbounded-loop"))
	case isConst && n < 0:
		panic(l.failAt(head.at(0), head.args[0], "a loop cannot run %d times", n).WithCode("loop-bound"))
	case isConst && n > maxTurns:
		panic(l.failAt(head.at(0), head.args[0], "a loop of %d turns is more than the verifier follows", n).WithExpected("at most %d", maxTurns).WithHint("use the helper bpf_loop").WithCode("loop-bound"))
	}
	bound := count.v
	if limit >= 0 && !(isConst && n <= limit) {
		// bound = min(count, limit), in a register that the verifier follows
		lim := l.constant(limit, l.pos)
		big, small := l.block(), l.block()
		l.branch(ir.OpUgt, count.v, lim, big, small, l.pos)
		l.seal(big)
		l.seal(small)
		bound = l.arms(big, small, func() val { return val{lim, types.Lit} }, func() val { return count }).v
	}
	i := &variable{name: name.Display(), typ: types.U64, pos: head.form.At.Or(l.pos)}
	l.write(i, l.constant(0, l.pos))
	saved := l.scope
	body, next, exit, test := l.block(), l.block(), l.block(), l.block()
	if isConst && n > 0 {
		l.jump(body, l.pos)
	} else {
		l.jump(test, l.pos)
	}
	l.start(body)
	l.bind(name, i)
	t := &blockTarget{exit: exit, next: next, cleanups: len(l.cleanups)}
	l.blocks = append(l.blocks, t)
	l.body(l.declarations(c.rest(1), nil))
	l.blocks = l.blocks[:len(l.blocks)-1]
	l.jump(next, l.pos)
	l.seal(next)
	l.start(next)
	l.write(i, l.add(ir.OpAdd, l.pos, l.read(i, l.cur), l.constant(1, l.pos)))
	l.jump(test, l.pos)
	l.seal(test)
	l.start(test)
	l.branch(ir.OpUlt, l.read(i, l.cur), bound, body, exit, l.pos)
	l.seal(body)
	l.seal(exit)
	l.start(exit)
	v := l.literal(0)
	if result != nil {
		v = l.expr(result, source.Pos{})
	}
	l.scope = saved
	return v
}

func lowerMacrolet(l *lowerer, c *call) val { return l.withMacros(c, l.c.in.WithMacrolet) }

func lowerSymbolMacrolet(l *lowerer, c *call) val { return l.withMacros(c, l.c.in.WithSymbolMacrolet) }

func lowerThe(l *lowerer, c *call) val {
	t := l.c.typeNamed(c.args[0], c.at(0).Or(l.pos), l.env())
	v := c.arg(1)
	if v.t.IsInt() && t.Kind == types.Int {
		v.t = t
	}
	return v
}

func lowerDeclare(l *lowerer, c *call) val {
	panic(l.fail(nil, "`declare` does not stand at the beginning of a let").WithCode("bad-declaration"))
}
