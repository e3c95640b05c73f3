package lang

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// wantPtr demands that v points somewhere that code may access.
func (l *lowerer) wantPtr(c *call, i int, v val) {
	if v.t.Kind == types.Never {
		return
	}
	if !v.t.IsPtr() {
		panic(l.failAt(c.at(i), c.args[i], "`%s` wants a pointer, and this is a number (%v)", c.head.Display(), v.t).
			WithExpected("a pointer from the context, a map lookup, a helper, stack-addr or struct-alloc").WithCode("not-a-pointer"))
	}
	switch v.t.Space {
	case types.PtrKernel:
		if v.t.Probe {
			panic(l.failAt(c.at(i), c.args[i], "`%s` cannot read kernel memory directly here", c.head.Display()).
				WithHint("use an accessor of import-kernel-struct, (kernel-load type pointer offset) or probe-read-kernel").WithCode("kernel-memory"))
		}
	case types.PtrEnd, types.PtrMap:
		panic(l.failAt(c.at(i), c.args[i], "a pointer to %s cannot be dereferenced", v.t.Space.Words()).WithExpected("a pointer to memory, such as (ctx data) or what a lookup gives").WithCode("not-a-pointer"))
	}
	if o := v.t.Elem.Object(); o != nil {
		panic(l.failAt(c.at(i), c.args[i], "`%s` would look into a %s, which only the kernel does", c.head.Display(), o.Name).
			WithHint("%s", objectUse[o]).WithCode("kernel-object"))
	}
	l.present(v)
}

// address is base pointer and constant offset of (p off): run-time offsets
// are added to the pointer.
func (l *lowerer) address(c *call, p, off int) (val, int64) {
	base := c.arg(p)
	l.wantPtr(c, p, base)
	if off < 0 || off >= len(c.args) {
		return base, 0
	}
	o := c.int(off)
	if n, ok := o.v.IsConst(); ok && n == int64(int16(n)) {
		return base, n
	}
	return l.move(base, o, ir.OpAdd), 0
}

func (c *call) scalarType(i int) *types.Type {
	t := c.l.c.typeNamed(c.args[i], c.at(i).Or(c.l.pos), c.l.env())
	if t.Kind != types.Int {
		panic(c.l.failAt(c.at(i), c.args[i], "`%s` wants a scalar type, and `%v` is none", c.head.Display(), t).
			WithExpected("u8 u16 u32 u64 i8 i16 i32 i64").WithCode("not-scalar"))
	}
	return t
}

// loadAt reads a scalar.
func (l *lowerer) loadAt(base val, off int64, t *types.Type) val {
	v := l.add(ir.OpLoad, l.pos, base.v)
	v.Size, v.Aux = uint8(t.Size), off
	if t.Signed && t.Size < 8 {
		v.Op = ir.OpLoadS
	}
	if t.IsPtr() {
		v.Type = t.Space
	}
	return val{v, t}
}

// storeAt writes the low bytes of x.
func (l *lowerer) storeAt(base val, off int64, size int, x *ir.Value) {
	s := l.add(ir.OpStore, l.pos, base.v, x)
	s.Size, s.Aux = uint8(size), off
}

func lowerLoad(l *lowerer, c *call) val {
	t := c.scalarType(0)
	base, off := l.address(c, 1, 2)
	return l.loadAt(base, off, t)
}

func lowerStore(l *lowerer, c *call) val {
	t := c.scalarType(0)
	base, off := l.address(c, 1, 2)
	l.writable(c, 1, base)
	v := c.arg(3)
	if v.t.IsPtr() && t.Size < 8 {
		panic(l.failAt(c.at(3), c.args[3], "a pointer does not fit into `%v`", t).WithExpected("u64").WithCode("pointer-narrow"))
	}
	l.storeAt(base, off, t.Size, v.v)
	return v
}

func (l *lowerer) writable(c *call, i int, p val) {
	if p.t.Space == types.PtrCtx {
		panic(l.failAt(c.at(i), c.args[i], "the context is written by field").WithHint("use (setf (ctx field) value)").WithCode("not-writable"))
	}
}

func lowerStackAddr(l *lowerer, c *call) val {
	s, ok := c.args[0].(*sexp.Symbol)
	var v *variable
	if ok {
		v = l.lookup(s)
	}
	if v == nil {
		panic(l.failAt(c.at(0), c.args[0], "`stack-addr` wants a variable, and `%s` is none", sexp.Print(c.args[0])).WithCode("unknown-variable"))
	}
	if v.slot == 0 {
		if v.typ.IsPtr() && v.typ.Space == types.PtrStack {
			return l.readVar(v) // an array's or struct's variable is its address
		}
		panic(l.failAt(c.at(0), c.args[0], "the address of `%s` cannot be taken here", v.name).
			WithHint("a macro hid the `stack-addr` from the `let` that binds the variable: use struct-alloc").WithCode("stack-addr"))
	}
	v.used = true
	return val{l.addressOf(v), types.PtrTo(v.typ, types.PtrStack)}
}

func lowerStructAlloc(l *lowerer, c *call) val {
	n := c.constant(0)
	if n < 1 || n > 512 {
		panic(l.failAt(c.at(0), c.args[0], "%d bytes do not fit on the stack", n).WithExpected("1 to 512").WithCode("stack-size"))
	}
	return l.alloc(int(n), nil, "struct-alloc")
}

// alloc makes zeroed room on the stack.
func (l *lowerer) alloc(size int, elem *types.Type, name string) val {
	addr := l.slotAddr(l.f.NewSlot(size, name, l.pos))
	l.zero(addr, size)
	return val{addr, types.PtrTo(elem, types.PtrStack)}
}

func (l *lowerer) zero(addr *ir.Value, size int) {
	z := l.constant(0, l.pos)
	l.chunks(val{addr, types.PtrTo(nil, types.PtrStack)}, 0, size, func(off int64, n int) {
		l.storeAt(val{addr, nil}, off, n, z)
	})
}

// chunks cuts n bytes at off behind p into the widest accesses allowed.
func (l *lowerer) chunks(p val, off int64, n int, f func(off int64, n int)) {
	for i := int64(0); i < int64(n); {
		k := l.widest(p, off+i, int64(n)-i)
		f(off+i, k)
		i += int64(k)
	}
}

// widest is the largest access of at most n bytes at off behind p: naturally
// aligned on the stack, at any place elsewhere.
func (l *lowerer) widest(p val, off, n int64) int {
	base, known := int64(0), true
	onStack := p.t.Space == types.PtrStack || p.t.Space == types.PtrAny
	if onStack {
		if base, known = l.stackOffset(p.v); !known && p.t.Elem != nil {
			// An array or a struct is aligned as its type is.
			align := int64(p.t.Elem.Align())
			return int(min(largest(n), align, (off|8)&-(off|8)))
		}
	}
	k := int64(8)
	for k > 1 && (k > n || onStack && (!known || (base+off)%k != 0)) {
		k /= 2
	}
	return int(k)
}

// largest is the largest access of at most n bytes.
func largest(n int64) int64 {
	k := int64(8)
	for k > 1 && k > n {
		k /= 2
	}
	return k
}

// copyBytes copies n bytes in the widest pieces that both sides allow: from
// the end where the destination overlaps what is still to be read.
func (l *lowerer) copyBytes(dst val, doff int64, src val, soff int64, n int) {
	type piece struct {
		off  int64
		size int
	}
	var pieces []piece
	for i := int64(0); i < int64(n); {
		k := min(l.widest(dst, doff+i, int64(n)-i), l.widest(src, soff+i, int64(n)-i))
		pieces = append(pieces, piece{i, k})
		i += int64(k)
	}
	dbase, dadd := origin(dst.v)
	sbase, sadd := origin(src.v)
	if same := dbase == sbase || dbase.Op == ir.OpStackAddr && sbase.Op == ir.OpStackAddr && dbase.Slot == sbase.Slot; same && dadd+doff > sadd+soff {
		slices.Reverse(pieces)
	}
	for _, p := range pieces {
		l.storeAt(dst, doff+p.off, p.size, l.loadAt(src, soff+p.off, types.ScalarOf(p.size, false)).v)
	}
}

// origin is the pointer that p is a constant away from.
func origin(p *ir.Value) (base *ir.Value, off int64) {
	for {
		switch {
		case p.Op == ir.OpCopy:
		case p.Op == ir.OpAdd:
			n, ok := p.Args[1].IsConst()
			if !ok {
				return p, off
			}
			off += n
		case p.Op == ir.OpStackAddr:
			return p, off + p.Aux
		default:
			return p, off
		}
		p = p.Args[0]
	}
}

// stackOffset is the offset of p in its slot, which begins aligned to 8 or,
// when it is a small scalar's, to its size.
func (l *lowerer) stackOffset(p *ir.Value) (off int64, known bool) {
	for {
		switch {
		case p.Op == ir.OpStackAddr:
			return off + p.Aux, true
		case p.Op == ir.OpCopy:
			p = p.Args[0]
		case p.Op == ir.OpAdd:
			n, ok := p.Args[1].IsConst()
			if !ok {
				return 0, false
			}
			off += n
			p = p.Args[0]
		default:
			return 0, false
		}
	}
}

func (c *call) length(i int) int {
	n := c.constant(i)
	if n < 0 || n > 65536 {
		panic(c.l.failAt(c.at(i), c.args[i], "a length of %d bytes", n).WithExpected("0 to 65536").WithCode("bad-length"))
	}
	return int(n)
}

func lowerMemset(l *lowerer, c *call) val {
	p, off := l.address(c, 0, 1)
	l.writable(c, 0, p)
	b := c.int(2)
	n := c.length(3)
	k, isConst := b.v.IsConst()
	var wide *ir.Value
	if !isConst {
		low := l.truncate(b, types.U8)
		wide = l.add(ir.OpMul, l.pos, low, l.constant(0x0101010101010101, l.pos))
	}
	l.chunks(p, off, n, func(off int64, size int) {
		x := wide
		if isConst {
			pattern := uint64(k&0xff) * 0x0101010101010101
			x = l.constant(int64(ir.Trunc(pattern, uint(size)*8)), l.pos)
		}
		l.storeAt(p, off, size, x)
	})
	return l.literal(0)
}

func lowerMemcpy(l *lowerer, c *call) val {
	dst, doff := l.address(c, 0, 1)
	l.writable(c, 0, dst)
	src, soff := l.address(c, 2, 3)
	n := c.length(4)
	l.copyBytes(dst, doff, src, soff, n)
	return l.literal(0)
}

func lowerAtomic(l *lowerer, c *call) val {
	kind := toLower(c.head.Name[len("ATOMIC-"):])
	n := 3
	if kind == "cmpxchg" {
		n = 4
	}
	t := types.U64
	if len(c.args) > n {
		t = c.scalarType(n)
	}
	if t.Size != 4 && t.Size != 8 {
		panic(l.failAt(c.at(n), c.args[n], "atomic operations on `%v` do not exist", t).WithExpected("u64, u32, i64 or i32").WithCode("atomic-size"))
	}
	p, off := l.address(c, 0, 1)
	l.writable(c, 0, p)
	args := []*ir.Value{p.v}
	for i := 2; i < n; i++ {
		args = append(args, c.int(i).v)
	}
	v := l.add(ir.OpAtomic, l.pos, args...)
	v.Size, v.Aux, v.Sym = uint8(t.Size), off, kind
	switch kind {
	case "add", "or", "and", "xor":
		return val{args[1], types.U64}
	}
	r := val{v, types.ScalarOf(t.Size, false)}
	if t.Signed {
		r = val{l.truncate(r, t), t}
	}
	return r
}
