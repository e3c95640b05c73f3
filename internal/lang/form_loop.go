package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

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
