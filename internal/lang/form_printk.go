package lang

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// printkDirectives are what bpf_bprintf_prepare of the kernel's
// kernel/trace/bpf_trace.c takes; true for those that want a pointer.
var printkDirectives = map[string]bool{"d": false, "i": false, "u": false, "x": false, "X": false, "c": false,
	"ld": false, "li": false, "lu": false, "lx": false, "lX": false, "lld": false, "lli": false, "llu": false, "llx": false, "llX": false,
	"p": true, "pK": true, "px": true, "ps": true, "pS": true, "pB": true, "s": true, "pks": true, "pus": true,
	"pI4": true, "pi4": true, "pI6": true, "pi6": true}

// printkMax is what bpf_trace_printk takes; more go through bpf_trace_vprintk.
const printkMax = 3

// lowerPrintk passes a format that stands in the object.
func lowerPrintk(l *lowerer, c *call) val {
	f, ok := c.args[0].(*sexp.String)
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "`printk` wants a format string").WithExpected("(printk \"text %%d\" x)").WithCode("printk-format"))
	}
	text := f.String()
	directives := formatDirectives(text)
	if want, have := len(directives), len(c.args)-1; want != have {
		panic(l.failAt(c.at(0), c.args[0], "the format has %d directive%s, but %d argument%s follow%s", want, plural(want), have, plural(have), map[bool]string{true: "s"}[have == 1]).WithCode("printk-format"))
	}
	for _, d := range directives {
		if _, known := printkDirectives[d]; !known {
			panic(l.failAt(c.at(0), c.args[0], "`%%%s` is not a directive of the kernel's bpf_trace_printk", d).WithExpected("%%d %%u %%x %%ld %%lu %%lx %%lld %%llu %%llx %%c %%p %%s").WithCode("printk-format"))
		}
	}
	name := "trace-printk"
	if len(directives) > printkMax {
		name = "trace-vprintk"
	}
	l.mayCall(abi.HelperByName(name), c.head)
	var args []val
	for i := 1; i < len(c.args); i++ {
		d, v := directives[i-1], c.arg(i)
		switch {
		case v.t.IsPtr() && !printkDirectives[d]:
			panic(l.failAt(c.at(i), c.args[i], "`%%%s` prints a number, and this is a %v", d, v.t).WithExpected("%%p or %%s for pointers").WithCode("printk-format"))
		case !v.t.IsPtr() && v.t.Kind != types.Never && d == "s":
			if _, isConst := v.v.IsConst(); isConst || v.t.Size < 8 {
				panic(l.failAt(c.at(i), c.args[i], "`%%s` prints the text at a pointer, and this is a number (%v)", v.t).WithExpected("a pointer").WithCode("printk-format"))
			}
		}
		args = append(args, v)
	}
	bytes := append([]byte(text), 0)
	p := l.text(bytes)
	values := []*ir.Value{p.v, l.constant(int64(len(bytes)), l.pos)}
	if len(args) <= printkMax {
		for _, a := range args {
			values = append(values, a.v)
		}
		return val{l.callHelper(name, values...), types.I64}
	}
	slot, release := l.temp(8*len(args), "the arguments of printk")
	defer release()
	data := val{l.slotAddr(slot), types.PtrTo(nil, types.PtrStack)}
	for i, a := range args {
		l.storeAt(data, int64(8*i), 8, a.v)
	}
	values = append(values, data.v, l.constant(int64(8*len(args)), l.pos))
	return val{l.callHelper(name, values...), types.I64}
}
