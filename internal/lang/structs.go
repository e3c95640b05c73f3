package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// An accessor is a form that defstruct makes: the constructor, a field, or
// a pointer to a field.
type accessor struct {
	s     *types.Struct
	field *types.Field // nil for the constructor
	ptr   bool         // name-field-ptr
}

// addStruct defines the accessors of s and its size as a constant.
func (c *compiler) addStruct(sym *sexp.Symbol, s *types.Struct) {
	c.access["MAKE-"+sym.Name] = accessor{s: s}
	for i := range s.Fields {
		f := &s.Fields[i]
		c.access[sym.Name+"-"+f.Name] = accessor{s, f, false}
		if _, taken := c.access[sym.Name+"-"+f.Name+"-PTR"]; !taken {
			c.access[sym.Name+"-"+f.Name+"-PTR"] = accessor{s, f, true}
		}
	}
}

func (a accessor) params() string {
	switch {
	case a.field == nil:
		return ""
	case a.field.Type.Kind == types.Array && !a.ptr:
		return toLower(a.s.Name) + " index"
	}
	return toLower(a.s.Name)
}

// place is where the accessor's field is: a pointer and an offset.
func (a accessor) place(l *lowerer, c *call) (val, int64, *types.Type) {
	want, most := 1, 1
	if a.field.Type.Kind == types.Array {
		most = 2
	}
	if len(c.args) < want || len(c.args) > most {
		panic(l.arity(c.head.Display(), a.params(), len(c.args)))
	}
	p := c.arg(0)
	l.wantPtr(c, 0, p)
	if e := p.t.Elem; e != nil && e.Kind == types.StructKind && e.Struct != a.s {
		panic(l.failAt(c.at(0), c.args[0], "`%s` wants a pointer to `%s`, and this points to `%s`", c.head.Display(), a.s.Name, e.Struct.Name).WithCode("wrong-struct"))
	}
	off, t := int64(a.field.Offset), a.field.Type
	if len(c.args) == 2 {
		t = t.Elem
		i := c.int(1)
		if n, ok := i.v.IsConst(); ok {
			if n < 0 || n >= int64(a.field.Type.Len) {
				panic(l.failAt(c.at(1), c.args[1], "index %d of the array `%s`", n, c.head.Display()).WithExpected("0 to %d", a.field.Type.Len-1).WithCode("index"))
			}
			return p, off + n*int64(t.Size), t
		}
		if t.Size != 1 {
			i = l.op(ir.OpMul, i, l.literal(int64(t.Size)), types.U64)
		}
		return l.move(p, i, ir.OpAdd), off, t
	}
	return p, off, t
}

func (a accessor) lower(l *lowerer, c *call) val {
	if a.field == nil {
		if len(c.args) != 0 {
			panic(l.arity(c.head.Display(), "", len(c.args)))
		}
		if a.s.Size > 512 {
			panic(l.fail(nil, "`%s` has %d bytes and does not fit on the stack", a.s.Name, a.s.Size).WithExpected("at most 512").WithHint("keep it in a per-CPU array of one entry").WithCode("stack-size"))
		}
		return l.alloc(a.s.Size, a.s.Type(), a.s.Name)
	}
	p, off, t := a.place(l, c)
	if a.ptr || t.Kind == types.StructKind || t.Kind == types.Array {
		// Aggregates are given by their address.
		elem := t
		if t.Kind == types.Array {
			elem = t.Elem
		}
		q := *p.t
		v := p.v
		if off != 0 {
			v = l.move(p, l.literal(off), ir.OpAdd).v
		}
		q.Elem = elem
		return val{v, &q}
	}
	return l.loadAt(p, off, t)
}

// set stores argument i of c into the field; pc is the place.
func (a accessor) set(l *lowerer, pc, c *call, i int) val {
	if a.ptr {
		panic(l.failAt(pc.form.At, pc.head, "`%s` gives an address, which cannot be set", pc.head.Display()).WithCode("not-a-place"))
	}
	p, off, t := a.place(l, pc)
	l.writable(pc, 0, p)
	if t.Kind == types.StructKind || t.Kind == types.Array {
		return l.setAggregate(a, pc, c, i, p, off, t)
	}
	v := c.arg(i)
	if n, ok := v.v.IsConst(); ok && v.t.Kind == types.Literal && t.Size < 8 {
		if !fits(n, t.Size) {
			panic(l.failAt(c.at(i), c.args[i], "%d does not fit into `%s` (%v)", n, pc.head.Display(), t).WithCode("literal-too-wide"))
		}
	}
	if v.t.IsPtr() && t.Size < 8 {
		panic(l.failAt(c.at(i), c.args[i], "a pointer does not fit into `%s` (%v)", pc.head.Display(), t).WithCode("pointer-narrow"))
	}
	l.storeAt(p, off, t.Size, v.v)
	return val{l.truncate(v, t), t}
}

// setAggregate copies a struct or array from memory.
func (l *lowerer) setAggregate(a accessor, pc, c *call, i int, p val, off int64, t *types.Type) val {
	v := c.arg(i)
	if !v.t.IsPtr() {
		panic(l.failAt(c.at(i), c.args[i], "`%s` is %v: it is set from a pointer to one", pc.head.Display(), t).
			WithExpected("a pointer, or an index for one element").WithCode("not-a-pointer"))
	}
	if e := v.t.Elem; e != nil && e.Kind == types.StructKind && e.Size != t.Size {
		panic(l.failAt(c.at(i), c.args[i], "`%v` has %d bytes, and `%s` has %d", e, e.Size, pc.head.Display(), t.Size).WithCode("wrong-struct"))
	}
	l.copyBytes(p, off, v, 0, t.Size)
	return v
}

// A traceAccess reads a field of a tracepoint's record.
type traceAccess struct {
	event string
	field TraceField
	ptr   bool
}

func (a traceAccess) lower(l *lowerer, c *call) val {
	if len(c.args) != 0 && !(a.field.Count > 0 && len(c.args) == 1) {
		panic(l.arity(c.head.Display(), "", len(c.args)))
	}
	if l.prog.Type.Keyword != "tracepoint" {
		panic(l.fail(nil, "`%s` belongs in tracepoint programs, and `%s` is a %s program", c.head.Display(), l.prog.Name, l.prog.Type.Keyword).WithCode("wrong-program-type"))
	}
	off, size := int64(a.field.Offset), a.field.Size
	if a.field.Count > 0 && !a.ptr {
		if len(c.args) == 0 {
			panic(l.fail(nil, "the field `%s` is an array of %d", a.field.Name, a.field.Count).WithHint("use (%s-ptr), or an index", c.head.Display()).WithCode("index"))
		}
		size = a.field.Size / a.field.Count
		n := c.constant(0)
		if n < 0 || n >= int64(a.field.Count) {
			panic(l.failAt(c.at(0), c.args[0], "index %d", n).WithExpected("0 to %d", a.field.Count-1).WithCode("index"))
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
				e.WithHint("did you mean `%s`?", m)
			}
			panic(e)
		}
		c.trace["TP-"+want] = traceAccess{category + "/" + event, fields[found], false}
		c.trace["TP-"+want+"-PTR"] = traceAccess{category + "/" + event, fields[found], true}
	}
	return sym
}

func lowerName(s *sexp.Symbol) string {
	if strings.ToUpper(s.Name) == s.Name {
		return strings.ToLower(s.Name)
	}
	return s.Name
}
