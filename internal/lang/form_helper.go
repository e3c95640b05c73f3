package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// gplCompatible are the licences that the kernel takes for GPL-compatible
// (license_is_gpl_compatible in <linux/license.h>).
var gplCompatible = map[string]bool{"GPL": true, "GPL v2": true, "GPL and additional rights": true,
	"Dual BSD/GPL": true, "Dual MIT/GPL": true, "Dual MPL/GPL": true}

// helper lowers a call of one of the kernel's helpers.
func (l *lowerer) helper(c *call, h *abi.Helper) val {
	if len(c.args) != len(h.Params) && !(h.Variadic && len(c.args) >= len(h.Params) && len(c.args) <= abi.MaxArgs) {
		params := strings.Join(h.Params, " ")
		if h.Variadic {
			params += " ..."
		}
		panic(l.arity(c.head.Display(), params, len(c.args)).WithHint("%s", h.Proto))
	}
	if len(h.Args) > 0 && h.Args[0] == abi.ArgPercpuPtr {
		return l.cpuPtr(c, h)
	}
	l.mayCall(h, c.head)
	var args []*ir.Value
	var m *Map
	for i := range c.args {
		kind := abi.ArgVariadic
		if i < len(h.Args) {
			kind = h.Args[i]
		}
		if kind == abi.ArgMap {
			m = c.mapArg(i)
			l.takesMap(c, i, h, m)
			args = append(args, l.mapAddr(m))
			continue
		}
		v := c.arg(i)
		switch {
		case v.t.Kind == types.Never:
		case kind == abi.ArgCtx:
			if v.t.Space != types.PtrCtx {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be the context", i+1, c.head.Display()).WithHint("write (ctx-ptr)").WithCode("helper-argument"))
			}
		case kind == abi.ArgAddress:
		case kind.Pointer() && v.t.IsPtr():
			l.takesObject(c, i, kind, v)
			if s := v.t.Space; i == 0 && h.Name == "dynptr-from-mem" && s != types.PtrValue && s != types.PtrAny {
				panic(l.failAt(c.at(i), c.args[i], "`%s` wants a value of a map, and this points to %s", c.head.Display(), s.Words()).WithExpected("a pointer that a lookup gives").WithCode("helper-argument"))
			}
			l.present(v)
		case kind.Pointer():
			if !v.t.IsPtr() && !isZero(v.v) {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a pointer, and this is a number", i+1, c.head.Display(), h.Params[min(i, len(h.Params)-1)]).
					WithHint("%s", h.Proto).WithCode("helper-argument"))
			}
		default:
			if v.t.IsPtr() {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a number, and this is a %v", i+1, c.head.Display(), h.Params[min(i, len(h.Params)-1)], v.t).
					WithHint("%s", h.Proto).WithCode("helper-argument"))
			}
		}
		if kind == abi.ArgConstSize {
			if _, ok := v.v.IsConst(); !ok {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be a constant", i+1, c.head.Display()).WithExpected("a number that is known when the program is compiled").WithCode("not-constant"))
			}
		}
		args = append(args, v.v)
	}
	v := l.add(ir.OpCall, l.pos, args...)
	v.Aux = int64(h.ID)
	return l.helperResult(v, h, m)
}

// mayCall checks licence and program type.
func (l *lowerer) mayCall(h *abi.Helper, head sexp.Value) {
	if h.GPL && !gplCompatible[l.prog.License] {
		panic(l.fail(head, "the helper `%s` needs a GPL-compatible licence, and `%s` has %q", h.Name, l.prog.Name, l.prog.License).
			WithExpected(":license \"GPL\" or \"Dual MIT/GPL\"").WithCode("helper-license"))
	}
	if h.Sleeps && !l.prog.Sleepable {
		e := l.fail(head, "the helper `%s` may sleep, and a program of the section %q may not", h.Name, l.prog.Section).WithCode("helper-sleeps")
		for _, name := range l.prog.Type.Sections {
			if s := abi.SectionMatch(strings.TrimSuffix(name, "+")); s.Sleepable() {
				e.WithHint("the section %s is for programs that may, or write :sleepable t", strings.TrimSuffix(name, "+"))
				break
			}
		}
		panic(e)
	}
	if !h.Progs.Has(l.prog.Type) {
		kinds := h.Progs.Keywords()
		if len(kinds) > 8 {
			kinds = append(kinds[:8], "...")
		}
		e := l.fail(head, "a %s program cannot call the helper `%s`", l.prog.Type.Keyword, h.Name).WithCode("helper-program")
		if len(kinds) > 0 {
			e.WithExpected("a program of type %s", strings.Join(kinds, ", "))
		}
		panic(e)
	}
}

func (l *lowerer) helperResult(v *ir.Value, h *abi.Helper, m *Map) val {
	ptr := func(elem *types.Type, space types.Space) val {
		v.Type = space
		t := types.PtrTo(elem, space)
		t.Null, t.From = h.Result.Nullable(), h.Name
		return val{v, t}
	}
	switch h.Result {
	case abi.ResultVoid, abi.ResultNever:
		return l.literal(0)
	case abi.ResultMapValueOrNull, abi.ResultMapValue:
		var elem *types.Type
		if m != nil {
			elem = m.Value
			if h.Name == "map-lookup-elem" {
				return l.found(m, v, h.Name)
			}
		}
		return ptr(elem, types.PtrValue)
	case abi.ResultRingOrNull:
		var elem *types.Type
		if m != nil && len(m.Events) == 1 {
			elem = m.Events[0].Type()
		}
		return ptr(elem, types.PtrRecord)
	case abi.ResultMemOrNull:
		return ptr(nil, types.PtrMem)
	case abi.ResultSockOrNull, abi.ResultPtrOrNull, abi.ResultPtr:
		return ptr(kernelStruct(h.ResultType), types.PtrKernel)
	case abi.ResultU32, abi.ResultU64:
		return val{v, types.U64}
	}
	return val{v, types.I64}
}

// formatDirectives lists the directives of a printk format, without the %
// and the width.
func formatDirectives(s string) (ds []string) {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		i++
		if i < len(s) && s[i] == '%' {
			continue
		}
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || strings.IndexByte("+- ", s[i]) >= 0) {
			i++
		}
		from := i
		for i < len(s) && s[i] == 'l' {
			i++
		}
		if i < len(s) {
			i++
		}
		d := s[from:min(i, len(s))]
		if d == "p" {
			for _, more := range []string{"ks", "us", "I4", "i4", "I6", "i6", "K", "x", "B", "s", "S"} {
				if strings.HasPrefix(s[i:], more) {
					d, i = "p"+more, i+len(more)
					break
				}
			}
		}
		ds = append(ds, d)
		i--
	}
	return ds
}

func lowerEmit(l *lowerer, c *call) val {
	m := c.mapArg(0)
	p := c.arg(1)
	l.wantPtr(c, 1, p)
	if p.t.Elem == nil || p.t.Elem.Kind != types.StructKind {
		panic(l.failAt(c.at(1), c.args[1], "`emit` wants a pointer to a struct").WithExpected("such as (make-...)").WithCode("emit-type"))
	}
	s := p.t.Elem.Struct
	if e := m.carries(s); e != nil {
		e.Pos = l.failAt(c.at(1), c.args[1], "").Pos
		panic(e)
	}
	size := l.constant(int64(s.Size), l.pos)
	zero := l.constant(0, l.pos)
	switch m.Type.Keyword {
	case "ringbuf":
		return val{l.callHelper("ringbuf-output", l.mapAddr(m), p.v, size, zero), types.I64}
	case "perf-event-array":
		h := abi.HelperByName("perf-event-output")
		l.mayCall(h, c.head)
		cpu, _ := abi.Constant("BPF_F_CURRENT_CPU")
		return val{l.callHelper("perf-event-output", l.context().v, l.mapAddr(m), l.constant(cpu, l.pos), p.v, size), types.I64}
	}
	panic(l.failAt(c.at(0), c.args[0], "`emit` sends to ring and perf buffers, and `%s` is a %s map", m.Name, m.Type.Keyword).WithCode("wrong-map-type"))
}
