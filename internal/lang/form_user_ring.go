package lang

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// lowerUserRingbufDrain is (user-ringbuf-drain (record map [flags]) body...).
func lowerUserRingbufDrain(l *lowerer, c *call) val {
	spec, ok := sexp.Slice(c.args[0])
	var record *sexp.Symbol
	if ok && (len(spec) == 2 || len(spec) == 3) {
		record, _ = spec[0].(*sexp.Symbol)
	}
	if record == nil || record.Keyword {
		panic(l.failAt(c.at(0), c.args[0], "malformed loop %s", shorten(sexp.Print(c.args[0]))).WithExpected("(user-ringbuf-drain (record map [flags]) body...)").WithCode("bad-loop"))
	}
	head := &call{l, &sexp.Cons{Car: c.head, Cdr: c.args[0], At: c.form.At}, c.head, spec}
	m := head.mapArg(1)
	h := abi.HelperByName("user-ringbuf-drain")
	l.mayCall(h, c.head)
	l.needs(head, 1, m, abi.OpUserRing, "records from user space")
	flags := l.literal(0)
	if len(spec) == 3 {
		flags = head.int(2)
	}
	saved := l.scope
	dynptr := types.PtrTo(nil, types.PtrMem)
	r := l.callback(c, c.rest(1), []*types.Type{dynptr}, func(in *lowerer, ps []*ir.Value) {
		v := &variable{name: record.Display(), typ: dynptr, pos: head.at(0)}
		in.write(v, ps[0])
		in.bind(record, v)
	}, func(fn, frame *ir.Value) *ir.Value {
		return l.callHelper("user-ringbuf-drain", l.mapAddr(m), fn, frame, flags.v)
	})
	l.scope = saved
	return val{r, types.I64}
}
