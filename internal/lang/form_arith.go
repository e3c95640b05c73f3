package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/types"
)

// signOf is the static type of an operation on vs: i64 if some operand is
// signed and none unsigned, literal if all are literals, else u64.
func (l *lowerer) signOf(vs ...val) *types.Type {
	signed, unsigned := false, false
	for _, v := range vs {
		if v.t.Kind == types.Int {
			signed = signed || v.t.Signed
			unsigned = unsigned || !v.t.Signed
		} else if v.t.IsPtr() {
			unsigned = true
		}
	}
	switch {
	case signed && !unsigned:
		return types.I64
	case !signed && !unsigned:
		return types.Lit
	}
	return types.U64
}

// op computes a binary op on numbers; constants are folded at once, so that
// a literal stays one.
func (l *lowerer) op(op ir.Op, a, b val, t *types.Type) val {
	x, ok1 := a.v.IsConst()
	y, ok2 := b.v.IsConst()
	if ok1 && ok2 && a.t.Kind == types.Literal && b.t.Kind == types.Literal {
		v := l.literal(int64(op.Eval(8, uint64(x), uint64(y))))
		if a.t == types.ULit || b.t == types.ULit {
			v.t = types.ULit
		}
		return v
	}
	return val{l.add(op, l.pos, a.v, b.v), t}
}

// operands lowers all arguments.
func (c *call) operands() (vs []val) {
	for i := range c.args {
		vs = append(vs, c.arg(i))
	}
	return vs
}

func (l *lowerer) pointerFree(c *call, vs []val) {
	for i, v := range vs {
		l.wantInt(v, c.args[i], c.at(i), c.head.Display())
	}
}

func lowerSum(l *lowerer, c *call) val {
	vs := c.operands()
	if len(vs) == 0 {
		return l.literal(0)
	}
	ptr := -1
	for i, v := range vs {
		if v.t.IsPtr() {
			if ptr >= 0 {
				panic(l.failAt(c.at(i), c.args[i], "two pointers cannot be added").WithExpected("a pointer and a number").WithCode("pointer-arithmetic"))
			}
			ptr = i
		}
	}
	if ptr < 0 {
		t := l.signOf(vs...)
		v := vs[0]
		for _, w := range vs[1:] {
			v = l.op(ir.OpAdd, v, w, t)
		}
		return v
	}
	// The pointer is moved by what varies first, then by the constants: a
	// check of (+ p i 1) then covers what stands at (+ p i), because the
	// verifier sees both as the same pointer with different offsets.
	p := vs[ptr]
	var vary, fixed val
	for i, w := range vs {
		sum := &vary
		if _, isConst := w.v.IsConst(); isConst {
			sum = &fixed
		}
		switch {
		case i == ptr:
		case sum.v == nil:
			*sum = w
		default:
			*sum = l.op(ir.OpAdd, *sum, w, types.U64)
		}
	}
	for _, n := range []val{vary, fixed} {
		if n.v != nil {
			p = l.move(p, n, ir.OpAdd)
		}
	}
	return p
}

// move adds to or subtracts from a pointer, which keeps where it points but
// not to what.
func (l *lowerer) move(p, n val, op ir.Op) val {
	l.present(p)
	v := l.add(op, l.pos, p.v, n.v)
	v.Type = p.v.Type
	if v.Type == ir.Scalar {
		v.Type = p.t.Space
	}
	t := *p.t
	t.Elem, t.Len, t.Always = nil, 0, false
	return val{v, &t}
}

func lowerDifference(l *lowerer, c *call) val {
	vs := c.operands()
	if len(vs) == 1 {
		l.pointerFree(c, vs)
		if n, ok := vs[0].v.IsConst(); ok && vs[0].t.Kind == types.Literal {
			return l.literal(-n)
		}
		return val{l.add(ir.OpNeg, l.pos, vs[0].v), l.signOf(vs...)}
	}
	t := l.signOf(vs...)
	v := vs[0]
	for i, w := range vs[1:] {
		switch {
		case v.t.IsPtr() && w.t.IsPtr():
			v = val{l.add(ir.OpSub, l.pos, v.v, w.v), types.U64}
		case v.t.IsPtr():
			v = l.move(v, w, ir.OpSub)
		case w.t.IsPtr():
			panic(l.failAt(c.at(i+1), c.args[i+1], "a pointer cannot be subtracted from a number").WithCode("pointer-arithmetic"))
		default:
			v = l.op(ir.OpSub, v, w, t)
		}
	}
	return v
}

// arithOps: name, unsigned op, signed op, value without operands.
var arithOps = map[string]struct {
	unsigned, signed ir.Op
	empty            int64
}{
	"*": {ir.OpMul, ir.OpMul, 1}, "/": {ir.OpUDiv, ir.OpSDiv, 1}, "MOD": {ir.OpUMod, ir.OpSMod, 0},
	"S/": {ir.OpSDiv, ir.OpSDiv, 0}, "SMOD": {ir.OpSMod, ir.OpSMod, 0},
	"LOGAND": {ir.OpAnd, ir.OpAnd, -1}, "LOGIOR": {ir.OpOr, ir.OpOr, 0}, "LOGXOR": {ir.OpXor, ir.OpXor, 0},
}

func lowerArith(l *lowerer, c *call) val {
	row := arithOps[c.head.Name]
	vs := c.operands()
	l.pointerFree(c, vs)
	if len(vs) == 0 {
		return l.literal(row.empty)
	}
	t := l.signOf(vs...)
	l.warnSigns(c, vs)
	op := row.unsigned
	if t == types.I64 {
		op = row.signed
	}
	if c.head.Name == "S/" || c.head.Name == "SMOD" {
		if t != types.Lit {
			t = types.I64
		}
	}
	v := vs[0]
	for i, w := range vs[1:] {
		if op == ir.OpUDiv || op == ir.OpUMod || op == ir.OpSDiv || op == ir.OpSMod {
			if isZero(w.v) && w.t.Kind == types.Literal {
				panic(l.failAt(c.at(i+1), c.args[i+1], "division by zero").WithExpected("a divisor other than 0").WithCode("zero-division"))
			}
		}
		v = l.op(op, v, w, t)
	}
	return v
}

func lowerLognot(l *lowerer, c *call) val {
	v := c.int(0)
	return l.op(ir.OpXor, v, l.literal(-1), l.signOf(v))
}

func lowerShift(l *lowerer, c *call) val {
	op := map[string]ir.Op{"<<": ir.OpShl, ">>": ir.OpShr, ">>>": ir.OpSar}[c.head.Name]
	x, n := c.int(0), c.int(1)
	l.shiftCount(c, n)
	return l.op(op, x, n, l.signOf(x))
}

func (l *lowerer) shiftCount(c *call, n val) {
	if k, ok := n.v.IsConst(); ok && n.t.Kind == types.Literal && (k < 0 || k > 63) {
		e := l.failAt(c.at(1), c.args[1], "a shift by %d bits", k).WithExpected("0 to 63").WithCode("shift-count")
		if k < 0 {
			e.WithHint("use `ash`, or the shift in the other direction")
		}
		panic(e)
	}
}

func lowerAsh(l *lowerer, c *call) val {
	x, n := c.int(0), c.int(1)
	t := l.signOf(x)
	right := ir.OpShr
	if t == types.I64 || t == types.Lit && x.t != types.ULit {
		right = ir.OpSar
	}
	// far is the result of a right shift by all bits and more.
	far := func() val {
		if right == ir.OpSar {
			return l.op(ir.OpSar, x, l.literal(63), t)
		}
		return val{l.constant(0, l.pos), t}
	}
	if k, ok := n.v.IsConst(); ok {
		switch {
		case k >= 64:
			return val{l.constant(0, l.pos), t}
		case k >= 0:
			return l.op(ir.OpShl, x, l.literal(k), t)
		case k <= -64:
			return far()
		}
		return l.op(right, x, l.literal(-k), t)
	}
	c64 := func() *ir.Value { return l.constant(64, l.pos) }
	choose := func(cmp ir.Op, a, b *ir.Value, then, other func() val) val {
		yes, no := l.block(), l.block()
		l.branch(cmp, a, b, yes, no, l.pos)
		l.seal(yes)
		l.seal(no)
		return l.arms(yes, no, then, other)
	}
	v := choose(ir.OpSge, n.v, l.constant(0, l.pos), func() val {
		return choose(ir.OpUlt, n.v, c64(), func() val { return val{l.add(ir.OpShl, l.pos, x.v, n.v), t} }, func() val { return l.literal(0) })
	}, func() val {
		m := val{l.add(ir.OpNeg, l.pos, n.v), types.U64}
		return choose(ir.OpUlt, m.v, c64(), func() val { return val{l.add(right, l.pos, x.v, m.v), t} }, far)
	})
	v.t = t
	if t == types.Lit {
		v.t = types.I64
	}
	return v
}

var compareOps = map[string]struct{ unsigned, signed ir.Op }{
	"=": {ir.OpEq, ir.OpEq}, "/=": {ir.OpNe, ir.OpNe}, "<": {ir.OpUlt, ir.OpSlt}, "<=": {ir.OpUle, ir.OpSle},
	">": {ir.OpUgt, ir.OpSgt}, ">=": {ir.OpUge, ir.OpSge}, "S<": {ir.OpSlt, ir.OpSlt}, "S<=": {ir.OpSle, ir.OpSle},
	"S>": {ir.OpSgt, ir.OpSgt}, "S>=": {ir.OpSge, ir.OpSge},
}

func lowerCompare(l *lowerer, c *call) val {
	row := compareOps[c.head.Name]
	var vs []val
	for i := range c.args {
		vs = append(vs, c.comparand(i))
	}
	t := l.signOf(vs...)
	l.warnSigns(c, vs)
	op := row.unsigned
	if t == types.I64 || t == types.Lit {
		op = row.signed // literals compare as the integers they are
	}
	if t == types.Lit {
		for _, v := range vs {
			if v.t == types.ULit {
				op = row.unsigned
			}
		}
	}
	if len(vs) == 1 {
		return l.literal(1)
	}
	one := func(a, b val) val {
		r := l.op(op, a, b, types.U64)
		if r.t.Kind == types.Literal {
			r.t = types.Lit
		}
		return r
	}
	var all val
	add := func(r val) {
		if all.v == nil {
			all = r
		} else {
			all = l.op(ir.OpAnd, all, r, types.U64)
		}
	}
	if c.head.Name == "/=" {
		for i := range vs {
			for j := i + 1; j < len(vs); j++ {
				add(one(vs[i], vs[j]))
			}
		}
		return all
	}
	for i := 0; i+1 < len(vs); i++ {
		add(one(vs[i], vs[i+1]))
	}
	return all
}

func lowerCast(l *lowerer, c *call) val {
	t := l.c.typeNamed(c.args[0], c.at(0).Or(l.pos), l.env())
	if t.Kind != types.Int {
		panic(l.failAt(c.at(0), c.args[0], "`cast` makes numbers, and `%v` is none", t).WithExpected("u8 to u64 or i8 to i64").WithCode("bad-cast"))
	}
	v := c.arg(1)
	if v.t.IsPtr() {
		if t.Size < 8 {
			panic(l.failAt(c.at(0), c.args[0], "a pointer does not fit into `%v`", t).WithExpected("u64").WithCode("pointer-narrow"))
		}
		x := l.add(ir.OpCopy, l.pos, v.v)
		return val{x, t}
	}
	return val{l.truncate(v, t), t}
}

func lowerByteOrder(l *lowerer, c *call) val {
	size := map[byte]uint8{'S': 2, 'L': 4}[c.head.Name[len(c.head.Name)-1]]
	if len(c.head.Name) == 6 {
		size = 8
	}
	v := c.int(0)
	if n, ok := v.v.IsConst(); ok && v.t.Kind == types.Literal {
		return l.literal(int64(ir.OpBE.Eval(size, uint64(n), 0)))
	}
	return l.swap(v, int(size))
}

// swap takes the low size bytes of v from one byte order to the other.
func (l *lowerer) swap(v val, size int) val {
	x := l.add(ir.OpBE, l.pos, v.v)
	x.Size = uint8(size)
	return val{x, types.ScalarOf(size, false)}
}
