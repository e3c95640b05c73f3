package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A traceAccess reads a field of a tracepoint's record.
type traceAccess struct {
	event string
	field TraceField
	ptr   bool
	str   bool // copies a string
}

func (a traceAccess) lower(l *lowerer, c *call) val {
	if a.str {
		return a.copyString(l, c)
	}
	if len(c.args) != 0 && !(a.field.Count > 0 && len(c.args) == 1) {
		panic(l.arity(c.head.Display(), "", len(c.args)))
	}
	l.tracepointOnly(c)
	off, size := int64(a.field.Offset), a.field.Size
	if a.field.Count > 0 && !a.ptr {
		if len(c.args) == 0 {
			panic(l.fail(nil, "the field `%s` is an array of %d", a.field.Name, a.field.Count).WithHint("use (%s-ptr), or an index", c.head.Display()).WithCode("index-range"))
		}
		size = a.field.Size / a.field.Count
		n := c.constant(0)
		if n < 0 || n >= int64(a.field.Count) {
			panic(l.failAt(c.at(0), c.args[0], "index %d", n).WithExpected("0 to %d", a.field.Count-1).WithCode("index-range"))
		}
		off += n * int64(size)
	}
	if a.ptr {
		return l.move(l.context(), l.literal(off), ir.OpAdd)
	}
	if types.ScalarOf(size, false) == nil {
		panic(l.fail(nil, "the field `%s` has %d bytes", a.field.Name, size).WithHint("use (%s-ptr)", c.head.Display()).WithCode("not-scalar"))
	}
	return l.ctxLoad(off, size, a.field.Signed, nil)
}

// copyString is (tp-field-str buffer [size]): the text that the field holds
// or, for __data_loc, says the place of.
func (a traceAccess) copyString(l *lowerer, c *call) val {
	if len(c.args) < 1 || len(c.args) > 2 {
		panic(l.arity(c.head.Display(), "buffer [size]", len(c.args)))
	}
	l.tracepointOnly(c)
	h := abi.HelperByName("probe-read-kernel-str")
	l.mayCall(h, c.head)
	buffer := c.arg(0)
	l.wantPtr(c, 0, buffer)
	room, known := l.stackRoom(buffer.v)
	if !known && buffer.t.Elem != nil {
		room, known = buffer.t.Elem.Size*max(buffer.t.Len, 1), true
	}
	size := l.literal(int64(room))
	switch {
	case len(c.args) == 2:
		size = c.int(1)
		if n, isConst := size.v.IsConst(); isConst && (n < 1 || known && n > int64(room)) {
			e := l.failAt(c.at(1), c.args[1], "a text of up to %d bytes", n).WithExpected("1 or more").WithCode("bad-length")
			if known {
				e.WithExpected("1 to %d, which the buffer has", room)
			}
			panic(e)
		}
	case !known:
		panic(l.failAt(c.at(0), c.args[0], "the size of this buffer is not known").WithExpected("(%s buffer size)", c.head.Display()).WithCode("bad-length"))
	}
	from := l.move(l.context(), l.literal(int64(a.field.Offset)), ir.OpAdd)
	if a.field.DataLoc {
		// The low half is the offset in the record, the high half the length.
		at := l.op(ir.OpAnd, l.ctxLoad(int64(a.field.Offset), 4, false, nil), l.literal(0xffff), types.U64)
		if a.field.Relative {
			at = l.op(ir.OpAdd, at, l.literal(int64(a.field.Offset+a.field.Size)), types.U64)
		}
		from = l.move(l.context(), at, ir.OpAdd)
	}
	return val{l.callHelper("probe-read-kernel-str", buffer.v, size.v, from.v), types.I64}
}

func (l *lowerer) tracepointOnly(c *call) {
	if l.prog.Type.Keyword != "tracepoint" {
		panic(l.fail(nil, "`%s` belongs in tracepoint programs, and `%s` is a %s program", c.head.Display(), l.prog.Name, l.prog.Type.Keyword).WithCode("wrong-program-type"))
	}
}

// declareTracepoint is (deftracepoint sched/sched_switch prev-pid ...).
func declareTracepoint(c *compiler, d *decl) sexp.Value {
	sym, ok := d.args[0].(*sexp.Symbol)
	var category, event string
	if ok {
		category, event, ok = strings.Cut(strings.ReplaceAll(lowerName(sym), "-", "_"), "/")
	}
	if !ok {
		panic(d.fail(d.args[0], "a tracepoint is named category/event").WithExpected("such as sched/sched_switch").WithCode("bad-tracepoint"))
	}
	if c.opt.Kernel == nil {
		panic(d.fail(d.args[0], "the format of tracepoint %s/%s is not known here", category, event).
			WithHint("give --tracefs DIR, or compile where /sys/kernel/tracing can be read").WithCode("no-tracefs"))
	}
	fields, err := c.opt.Kernel.Tracepoint(category, event)
	if err != nil {
		panic(d.fail(d.args[0], "the tracepoint %s/%s cannot be read: %v", category, event, err).
			WithHint("as root: mount -t tracefs tracefs /sys/kernel/tracing; `ls /sys/kernel/tracing/events/%s` lists the events", category).WithCode("no-tracefs"))
	}
	var names []string
	for _, f := range fields {
		names = append(names, strings.ToUpper(strings.ReplaceAll(f.Name, "_", "-")))
	}
	for i := 1; i < len(d.args); i++ {
		s, ok := d.args[i].(*sexp.Symbol)
		if !ok {
			panic(source.Errorf(d.at(i), "%s is not the name of a field", sexp.Print(d.args[i])).WithCode("unknown-field"))
		}
		want := strings.ToUpper(strings.ReplaceAll(s.Name, "_", "-"))
		found := -1
		for j, n := range names {
			if n == want {
				found = j
			}
		}
		if found < 0 {
			e := source.Errorf(d.at(i), "the tracepoint %s/%s has no field `%s`", category, event, s.Display()).
				WithExpected("%s", strings.ToLower(strings.Join(names, ", "))).WithCode("unknown-field")
			if m := didYouMean(want, names); m != "" {
				e.DidYouMean(m)
			}
			panic(e)
		}
		c.trace["TP-"+want] = traceAccess{event: category + "/" + event, field: fields[found]}
		c.trace["TP-"+want+"-PTR"] = traceAccess{event: category + "/" + event, field: fields[found], ptr: true}
		if f := fields[found]; f.DataLoc || f.Count > 0 && f.Size == f.Count {
			c.trace["TP-"+want+"-STR"] = traceAccess{event: category + "/" + event, field: f, str: true}
		}
	}
	return sym
}

func lowerName(s *sexp.Symbol) string {
	if strings.ToUpper(s.Name) == s.Name {
		return strings.ToLower(s.Name)
	}
	return s.Name
}
