package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/types"
)

// A memPlace is typed memory: a field, or an element of an array.
type memPlace struct {
	p     val // the pointer that off counts from
	off   int64
	t     *types.Type
	field *types.Field // of a bit-field: its bits
}

// placeForms are the core forms that setf takes as places.
var placeForms map[string]func(l *lowerer, pc *call) memPlace

func init() {
	placeForms = map[string]func(l *lowerer, pc *call) memPlace{"AREF": arefPlace}
}

// index goes to an element of the array t at pl: argument i of c says which.
// n is the array's length, 0 if it is not known.
func (l *lowerer) index(pl *memPlace, c *call, i int, elem *types.Type, n int) {
	x := c.int(i)
	if k, ok := x.v.IsConst(); ok && int64(int32(k)) == k {
		if n > 0 && (k < 0 || k >= int64(n)) {
			panic(l.failAt(c.at(i), c.args[i], "index %d of the array `%s`", k, c.head.Display()).WithExpected("0 to %d", n-1).WithCode("index-range"))
		}
		pl.off += k * int64(elem.Size)
	} else {
		if elem.Size != 1 {
			x = l.op(ir.OpMul, x, l.literal(int64(elem.Size)), types.U64)
		}
		e := pl.p.t.Elem
		pl.p = l.move(pl.p, x, ir.OpAdd)
		if e != nil && e.Align() <= elem.Align() {
			// The element is as aligned as the array was.
			t := *pl.p.t
			t.Elem = elem
			pl.p.t = &t
		}
	}
	pl.t = elem
}

// readPlace gives the value at pl; arrays and structs are given by their address.
func (l *lowerer) readPlace(pl memPlace) val {
	switch pl.t.Kind {
	case types.StructKind, types.Array:
		return l.pointTo(pl)
	case types.Ptr: // to the verifier a pointer that was in memory is a number
		return l.loadAt(pl.p, pl.off, types.U64)
	}
	if pl.field != nil && pl.field.Bits > 0 {
		return l.readBits(pl)
	}
	return l.loadAt(pl.p, pl.off, pl.t)
}

// pointTo gives the address of pl.
func (l *lowerer) pointTo(pl memPlace) val {
	v := pl.p.v
	q := *pl.p.t
	if pl.off != 0 {
		m := l.move(pl.p, l.literal(pl.off), ir.OpAdd)
		v, q = m.v, *m.t
	}
	q.Elem, q.Len = pl.t, 0
	if pl.t.Kind == types.Array {
		q.Elem, q.Len = pl.t.Elem, pl.t.Len
	}
	return val{v, &q}
}

// setAt stores argument i of c at pl; pc is the form of the place.
func (l *lowerer) setAt(pl memPlace, pc, c *call, i int) val {
	l.writable(pc, 0, pl.p)
	t := pl.t
	if t.Kind == types.StructKind || t.Kind == types.Array {
		return l.setAggregate(pl, pc, c, i)
	}
	return l.storePlace(pl, pc, c, i, c.arg(i))
}

// storePlace stores the scalar v, which argument i of c gave.
func (l *lowerer) storePlace(pl memPlace, pc, c *call, i int, v val) val {
	t := pl.t
	if n, ok := v.v.IsConst(); ok && v.t.Kind == types.Literal {
		bits, what := 8*t.Size, t.String()
		if f := pl.field; f != nil && f.Bits > 0 {
			bits, what = f.Bits, f.Of.String()
		}
		if bits < 64 && uint64(n)>>bits != 0 && (n >= 0 || n < -(1<<(bits-1))) {
			e := l.failAt(c.at(i), c.args[i], "%d does not fit into `%s` (%s)", n, pc.head.Display(), what).WithCode("literal-too-wide")
			if bits != 8*t.Size || pl.field != nil && pl.field.Bits > 0 {
				e.WithExpected("at most %d bits", bits)
			}
			panic(e)
		}
	}
	if v.t.IsPtr() && t.Size < 8 {
		panic(l.failAt(c.at(i), c.args[i], "a pointer does not fit into `%s` (%v)", pc.head.Display(), t).WithCode("pointer-narrow"))
	}
	if pl.field != nil && pl.field.Bits > 0 {
		return l.writeBits(pl, v)
	}
	l.storeAt(pl.p, pl.off, t.Size, v.v)
	if t.IsPtr() {
		return v
	}
	return val{l.truncate(v, t), t}
}

// setAggregate copies a struct or array from memory.
func (l *lowerer) setAggregate(pl memPlace, pc, c *call, i int) val {
	t := pl.t
	if o := t.Object(); o != nil {
		panic(l.failAt(pc.form.At, pc.head, "`%s` is a %s, which a program does not write", pc.head.Display(), o.Name).
			WithHint("%s", objectUse[o]).WithCode("kernel-object"))
	}
	if l.isInitial(c.args[i]) && t.Kind == types.Array {
		l.storeBytes(pl.p, pl.off, l.initialBytes(c.args[i], t, c.at(i)))
		return l.pointTo(pl)
	}
	v := c.arg(i)
	if !v.t.IsPtr() {
		panic(l.failAt(c.at(i), c.args[i], "`%s` is %v: it is set from a pointer to one", pc.head.Display(), t).
			WithExpected("a pointer, or an index for one element").WithCode("not-a-pointer"))
	}
	if e := v.t.Elem; e != nil && e.Kind == types.StructKind && e.Size != t.Size {
		panic(l.failAt(c.at(i), c.args[i], "`%v` has %d bytes, and `%s` has %d", e, e.Size, pc.head.Display(), t.Size).WithCode("wrong-struct"))
	}
	l.copyBytes(pl.p, pl.off, v, 0, t.Size)
	return v
}

// readBits is the value of a bit-field.
func (l *lowerer) readBits(pl memPlace) val {
	f := pl.field
	w := l.loadAt(pl.p, pl.off, types.ScalarOf(f.Type.Size, false))
	if f.Of.Signed {
		up := l.add(ir.OpShl, l.pos, w.v, l.constant(int64(64-f.Shift-f.Bits), l.pos))
		return val{l.add(ir.OpSar, l.pos, up, l.constant(int64(64-f.Bits), l.pos)), f.Of}
	}
	v := w.v
	if f.Shift > 0 {
		v = l.add(ir.OpShr, l.pos, v, l.constant(int64(f.Shift), l.pos))
	}
	if f.Shift+f.Bits < 8*f.Type.Size {
		v = l.add(ir.OpAnd, l.pos, v, l.constant(bitMask(f.Bits), l.pos))
	}
	return val{v, f.Of}
}

func bitMask(n int) int64 { return int64(ir.Trunc(^uint64(0), uint(n))) }

// writeBits changes the bits of a bit-field and leaves those around it.
func (l *lowerer) writeBits(pl memPlace, x val) val {
	f := pl.field
	low := x.v
	if f.Bits < 64 {
		low = l.add(ir.OpAnd, l.pos, x.v, l.constant(bitMask(f.Bits), l.pos))
	}
	w := low
	if f.Bits < 8*f.Type.Size {
		if f.Shift > 0 {
			w = l.add(ir.OpShl, l.pos, w, l.constant(int64(f.Shift), l.pos))
		}
		old := l.loadAt(pl.p, pl.off, types.ScalarOf(f.Type.Size, false))
		rest := l.add(ir.OpAnd, l.pos, old.v, l.constant(^(bitMask(f.Bits)<<f.Shift), l.pos))
		w = l.add(ir.OpOr, l.pos, rest, w)
	}
	l.storeAt(pl.p, pl.off, f.Type.Size, w)
	if f.Of.Signed && f.Bits < 64 {
		n := l.constant(int64(64-f.Bits), l.pos)
		low = l.add(ir.OpSar, l.pos, l.add(ir.OpShl, l.pos, low, n), n)
	}
	return val{low, f.Of}
}

// arefPlace is (aref pointer index...).
func arefPlace(l *lowerer, c *call) memPlace {
	p := c.arg(0)
	l.wantPtr(c, 0, p)
	elem, n := p.t.Elem, p.t.Len
	pl := memPlace{p: p, t: elem}
	for i := 1; i < len(c.args); i++ {
		if elem == nil {
			e := l.failAt(c.at(0), c.args[0], "`aref` wants an array, and what this %v points to has no type", p.t).WithExpected("a variable of type (array type n), or an array in a struct").WithCode("not-an-array")
			if i > 1 {
				e = l.failAt(c.at(i), c.args[i], "`aref` got %d indices, and the array has %d", len(c.args)-1, i-1).WithCode("not-an-array")
			}
			panic(e)
		}
		l.index(&pl, c, i, elem, n)
		elem, n = nil, 0
		if pl.t.Kind == types.Array {
			elem, n = pl.t.Elem, pl.t.Len
		}
	}
	return pl
}

func lowerAref(l *lowerer, c *call) val { return l.readPlace(arefPlace(l, c)) }

// setPlace is setf of a core form that is a place.
func (l *lowerer) setPlace(pc, c *call, i int) (val, bool) {
	f, ok := placeForms[pc.head.Name]
	if !ok {
		return val{}, false
	}
	row := formNamed(pc.head.Name)
	if len(pc.args) < row.min || row.max >= 0 && len(pc.args) > row.max {
		panic(l.arity(pc.head.Display(), row.params, len(pc.args)))
	}
	saved := l.pos
	l.pos = pc.form.Pos.Or(l.pos)
	pl := f(l, pc)
	l.pos = saved
	return l.setAt(pl, pc, c, i), true
}
