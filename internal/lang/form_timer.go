package lang

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// lowerTimerSetCallback is (timer-set-callback timer (key value map) body...).
func lowerTimerSetCallback(l *lowerer, c *call) val {
	spec, ok := sexp.Slice(c.args[1])
	var key, value *sexp.Symbol
	if ok && len(spec) == 3 {
		key, _ = spec[0].(*sexp.Symbol)
		value, _ = spec[1].(*sexp.Symbol)
	}
	if key == nil || value == nil || key.Keyword || value.Keyword {
		panic(l.failAt(c.at(1), c.args[1], "malformed callback %s", shorten(sexp.Print(c.args[1]))).
			WithExpected("(timer-set-callback timer (key value map) body...)").WithCode("bad-callback"))
	}
	head := &call{l, &sexp.Cons{Car: c.head, Cdr: c.args[1], At: c.form.At}, c.head, spec}
	m := head.mapArg(2)
	h := abi.HelperByName("timer-set-callback")
	l.mayCall(h, c.head)
	timer := c.arg(0)
	if timer.t.Kind == types.Never {
		return timer
	}
	l.wantAddress(c, 0, timer)
	l.takesObject(c, 0, abi.ArgTimer, timer)
	l.present(timer)
	has := false
	for _, f := range m.Objects() {
		has = has || f.Type.Struct == types.Timer
	}
	if !has {
		panic(l.failAt(head.at(2), spec[2], "the values of `%s` have no bpf-timer", m.Name).WithNote(m.Pos, "it is declared here").
			WithExpected("the map in whose value the timer is").WithCode("kernel-object"))
	}
	saved := l.scope
	ptr := types.PtrTo(nil, types.PtrValue)
	fn := l.callbackFunc(&closure{written: map[*variable]bool{}, later: true}, c.rest(2), []*types.Type{types.PtrTo(nil, types.PtrMap), ptr, ptr},
		func(in *lowerer, ps []*ir.Value) {
			in.bindSide(key, ps[1], m.Key, head.at(0))
			in.bindSide(value, ps[2], m.Value, head.at(1))
		})
	l.scope = saved
	v := l.callHelper("timer-set-callback", timer.v, fn())
	v.Sym = m.C // the flow analysis compares it with the timer's own
	return val{v, types.I64}
}

// wantAddress demands a pointer of any kind.
func (l *lowerer) wantAddress(c *call, i int, v val) {
	if !v.t.IsPtr() {
		panic(l.failAt(c.at(i), c.args[i], "`%s` wants a pointer, and this is a number (%v)", c.head.Display(), v.t).
			WithExpected("the address of a field of what getmap gives").WithCode("not-a-pointer"))
	}
}
