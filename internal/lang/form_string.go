package lang

import (
	"encoding/binary"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// isInitial reports whether a form is the contents of an array: a string or
// a vector.
func (l *lowerer) isInitial(form sexp.Value) bool {
	switch form.(type) {
	case *sexp.String, *sexp.Vector:
		return true
	}
	return false
}

// initialBytes is what a string or vector puts into memory of type t.
func (l *lowerer) initialBytes(form sexp.Value, t *types.Type, at source.Pos) []byte {
	at = at.Or(l.pos)
	if _, isText := form.(*sexp.String); isText && (t.Kind != types.Array || t.Elem.Kind != types.Int || t.Elem.Size != 1) {
		panic(l.failAt(at, form, "text is no initial value for `%v`", t).WithExpected("(array u8 n)").WithCode("initial-value"))
	}
	b := make([]byte, t.Size)
	initialise(b, t, form, at)
	return b
}

// storeBytes writes constant bytes in the widest pieces.
func (l *lowerer) storeBytes(p val, off int64, b []byte) {
	l.chunks(p, off, len(b), func(at int64, n int) {
		l.storeAt(p, at, n, l.constant(word(b[at-off:], n), l.pos))
	})
}

// word is n bytes as memory has them.
func word(b []byte, n int) int64 {
	var w [8]byte
	copy(w[:], b[:n])
	return int64(binary.LittleEndian.Uint64(w[:]))
}

// A side is one of two things that are compared: memory, or constant bytes.
type side struct {
	p    val
	off  int64
	text []byte // constant bytes where not nil
}

func (l *lowerer) sideWord(s side, off int64, n int) val {
	if s.text != nil {
		return l.literal(word(s.text[off:], n))
	}
	return l.loadAt(s.p, s.off+off, types.ScalarOf(n, false))
}

func (l *lowerer) sideWidest(s side, off, n int64) int {
	if s.text != nil {
		return l.widest(val{nil, types.PtrTo(nil, types.PtrValue)}, off, n)
	}
	return l.widest(s.p, s.off+off, n)
}

// compareBytes compares n bytes, piece by piece up to the first that differs:
// the result is 0 where all are equal, else 1; with order it is -1 or 1 as the
// first different byte says.
func (l *lowerer) compareBytes(a, b side, n int, order bool) val {
	if n == 0 {
		return l.literal(0)
	}
	merge, differ := l.block(), l.block()
	var x, y *variable
	if order {
		x, y = &variable{name: "left", typ: types.U64, used: true}, &variable{name: "right", typ: types.U64, used: true}
	}
	result := l.f.NewParam(merge, ir.Scalar, l.pos)
	for i := int64(0); i < int64(n); {
		k := min(l.sideWidest(a, i, int64(n)-i), l.sideWidest(b, i, int64(n)-i))
		v, w := l.sideWord(a, i, k), l.sideWord(b, i, k)
		if order {
			l.write(x, l.bigEndian(v, k))
			l.write(y, l.bigEndian(w, k))
		}
		next := l.block()
		l.branch(ir.OpNe, v.v, w.v, differ, next, l.pos)
		l.seal(next)
		l.start(next)
		i += int64(k)
	}
	l.jump(merge, l.pos, l.constant(0, l.pos))
	l.seal(differ)
	l.start(differ)
	if order {
		less, more := l.block(), l.block()
		l.branch(ir.OpUlt, l.builder.read(x, l.cur), l.builder.read(y, l.cur), less, more, l.pos)
		for _, end := range []struct {
			b *ir.Block
			n int64
		}{{less, -1}, {more, 1}} {
			l.seal(end.b)
			l.start(end.b)
			l.jump(merge, l.pos, l.constant(end.n, l.pos))
		}
	} else {
		l.jump(merge, l.pos, l.constant(1, l.pos))
	}
	l.seal(merge)
	l.start(merge)
	if order {
		return val{result, types.I64}
	}
	return val{result, types.U64}
}

// bigEndian makes numbers of bytes that compare as the bytes do.
func (l *lowerer) bigEndian(v val, n int) *ir.Value {
	if n == 1 {
		return v.v
	}
	if k, ok := v.v.IsConst(); ok {
		return l.constant(int64(ir.OpBE.Eval(uint8(n), uint64(k), 0)), l.pos)
	}
	return l.swap(v, n).v
}

// memcmp compares the memory of two pointers, or a pointer with text.
func (l *lowerer) memcmp(c *call, order bool) val {
	switch c.head.Name {
	case "MEMCMP":
		a := c.arg(0)
		l.wantPtr(c, 0, a)
		b := c.arg(1)
		l.wantPtr(c, 1, b)
		return l.compareBytes(side{p: a}, side{p: b}, c.length(2), order)
	}
	p, text := l.textArgs(c)
	n := min(c.length(2), len(text)+1)
	l.textFits(c, p, n)
	return l.compareBytes(side{p: p}, side{text: append(text, 0)}, n, order)
}

// textArgs is the pointer to bytes and the text of a string form.
func (l *lowerer) textArgs(c *call) (val, []byte) {
	p := c.arg(0)
	l.wantPtr(c, 0, p)
	if e := p.t.Elem; e != nil && (e.Kind != types.Int || e.Size != 1) {
		panic(l.failAt(c.at(0), c.args[0], "`%s` wants bytes, and this is a %v", c.head.Display(), p.t).WithExpected("a pointer to u8").WithCode("bad-string"))
	}
	s, ok := c.args[1].(*sexp.String)
	if sym, isSym := c.args[1].(*sexp.Symbol); isSym && !ok {
		if v, bound := l.c.in.Global(sym); bound {
			s, ok = v.(*sexp.String)
		}
	}
	if !ok {
		panic(l.failAt(c.at(1), c.args[1], "`%s` compares with a text that is known when compiling", c.head.Display()).WithExpected("a string").WithHint("memcmp compares memory with memory").WithCode("bad-string"))
	}
	return p, []byte(s.String())
}

// textFits demands that the array that p is has n bytes.
func (l *lowerer) textFits(c *call, p val, n int) {
	if p.t.Len > 0 && n > p.t.Len {
		panic(l.failAt(c.at(1), c.args[1], "`%s` looks at %d bytes, and the array has %d", c.head.Display(), n, p.t.Len).WithCode("bad-string"))
	}
}

// lowerStreq is (streq p "text") and (starts-with p "text").
func lowerStreq(l *lowerer, c *call) val {
	p, text := l.textArgs(c)
	n := len(text)
	if c.head.Name == "STREQ" {
		text = append(text, 0)
		// A text that fills the array has no room for a NUL.
		if n != p.t.Len || n == 0 {
			n++
		}
	}
	l.textFits(c, p, n)
	differ := l.compareBytes(side{p: p}, side{text: text}, n, false)
	if k, ok := differ.v.IsConst(); ok {
		return l.literal(1 - k)
	}
	return val{l.add(ir.OpEq, l.pos, differ.v, l.constant(0, l.pos)), types.U64}
}

func lowerMemcmp(l *lowerer, c *call) val { return l.memcmp(c, true) }

// equality lowers a comparison of memory of which only 0 or not is asked,
// which needs no order.
func (l *lowerer) equality(form sexp.Value, at source.Pos) (val, bool) {
	x, ok := form.(*sexp.Cons)
	if !ok {
		return val{}, false
	}
	head, _ := x.Car.(*sexp.Symbol)
	if head == nil || head.Name != "MEMCMP" && head.Name != "STRNCMP" {
		return val{}, false
	}
	args, proper := l.c.table.Slice(x.Cdr)
	if !proper || len(args) != 3 {
		return val{}, false
	}
	if _, isMacro := l.c.in.Macro(head, l.env()); isMacro {
		return val{}, false
	}
	saved, user := l.pos, l.user
	if x.Pos.Known() {
		l.pos, l.user = x.Pos, x
	}
	v := l.memcmp(l.call(x, head, args), false)
	l.pos, l.user = saved, user
	return v, true
}

// operand lowers argument i of a comparison with the others.
func (c *call) comparand(i int) val {
	if len(c.args) == 2 && (c.head.Name == "=" || c.head.Name == "/=") && c.args[1-i] == sexp.Value(int64(0)) {
		if v, ok := c.l.equality(c.args[i], c.at(i)); ok {
			return v
		}
	}
	return c.arg(i)
}
