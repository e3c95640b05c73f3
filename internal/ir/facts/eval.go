package facts

import (
	"github.com/whistler-lang/whistler/internal/ir"
)

// Eval is the set of op's results at size bytes for arguments from a and b,
// as the verifier sees the instructions for it: it has
// ir.Op.Eval(size, x, y) for all x of a and y of b.
func Eval(op ir.Op, size uint8, a, b Num) Num {
	x, constA := a.Const()
	y, constB := b.Const()
	w := uint(size) * 8
	if w == 0 {
		w = 64
	}
	if constA && (constB || op.Arity() == 1) {
		switch op {
		case ir.OpUDiv, ir.OpSDiv, ir.OpUMod, ir.OpSMod, ir.OpBE, ir.OpBswap:
			return Any() // not computed
		}
		return Just(op.Eval(size, x, y))
	}
	switch op {
	case ir.OpCopy:
		return a
	case ir.OpZext:
		if w < 32 { // a mask, which forgets the least number
			a = bitwise(ir.OpAnd, a, Just(1<<w-1))
			a.settle()
			return a
		}
		return a.trunc(w)
	case ir.OpSext:
		return a.signExtend(w)
	case ir.OpBE, ir.OpBswap, ir.OpUDiv, ir.OpSDiv, ir.OpUMod, ir.OpSMod:
		return Any()
	}
	if op.Compares() {
		switch yes, no := possible(op, w, a, b); {
		case !no:
			return Just(1)
		case !yes:
			return Just(0)
		}
		return Range(0, 1)
	}
	if w < 32 {
		a, b = a.trunc(w), b.trunc(w)
		switch k, ok := b.Const(); {
		case op != ir.OpShl && op != ir.OpShr && op != ir.OpSar:
		case !ok:
			return OfSize(size)
		case op == ir.OpSar:
			a = a.signExtend(w)
			fallthrough
		default:
			b = Just(k & uint64(w-1))
		}
	}
	n, computed := arith(op, max(w, 32), a, b)
	switch {
	case !computed && w >= 32:
		return Any() // not even known to be short
	case w == 32:
		n.zeroExtend()
	case w < 32:
		n.settle()
		return n.trunc(w)
	}
	n.settle()
	return n
}

// arith is an operation of w bits, 32 or 64, to be settled; of 32 bits the low
// lane counts. The verifier does not compute all.
func arith(op ir.Op, w uint, a, b Num) (n Num, computed bool) {
	switch op {
	case ir.OpAdd:
		return add(a, b), true
	case ir.OpSub:
		return sub(a, b), true
	case ir.OpMul:
		n = Num{wide: a.wide.mul(b.wide), Low: a.Low.mul(b.Low)}
		n.Bits, n.Unknown = mulBits(a, b)
		return n, true
	case ir.OpAnd, ir.OpOr, ir.OpXor:
		return bitwise(op, a, b), true
	case ir.OpShl, ir.OpShr, ir.OpSar:
		if k, ok := b.Const(); ok && k < uint64(w) {
			return shift(op, w, a, uint(k)), true
		}
	}
	return Any(), false // of a negation, too
}

// bitwise is and, or, xor; its result, like those of shift, add and sub, is to be
// settled.
func bitwise(op ir.Op, a, b Num) Num {
	var n Num
	switch op {
	case ir.OpAnd:
		n.Bits = a.Bits & b.Bits
		n.Unknown = (a.Bits | a.Unknown) & (b.Bits | b.Unknown) &^ n.Bits
		n.Min, n.Max = n.Bits, min(a.Max, b.Max)
		n.Low.Min, n.Low.Max = uint32(n.Bits), min(a.Low.Max, b.Low.Max)
	case ir.OpOr:
		n.Bits = a.Bits | b.Bits
		n.Unknown = (a.Unknown | b.Unknown) &^ n.Bits
		n.Min, n.Max = max(a.Min, b.Min), n.Bits|n.Unknown
		n.Low.Min, n.Low.Max = max(a.Low.Min, b.Low.Min), uint32(n.Bits|n.Unknown)
	default:
		n.Unknown = a.Unknown | b.Unknown
		n.Bits = (a.Bits ^ b.Bits) &^ n.Unknown
		n.Min, n.Max = n.Bits, n.Bits|n.Unknown
		n.Low.Min, n.Low.Max = uint32(n.Min), uint32(n.Max)
	}
	if uint32(a.Unknown|b.Unknown) == 0 {
		n.Low.Min, n.Low.Max = uint32(n.Bits), uint32(n.Bits)
	}
	n.wide, n.Low = n.wide.unsigned(), n.Low.unsigned()
	return n
}

// shift is a shift by k, which is less than w.
func shift(op ir.Op, w uint, a Num, k uint) Num {
	n := Any()
	short := w == 32
	switch op {
	case ir.OpShl:
		n.Bits, n.Unknown = a.Bits<<k, a.Unknown<<k
		if k < 32 && uint64(a.Low.Max) <= 1<<(31-k) {
			n.Low.Min, n.Low.Max = a.Low.Min<<k, a.Low.Max<<k
		}
		if short {
			break
		}
		if k == 32 && a.Low.SMax >= 0 {
			n.SMax = int64(a.Low.SMax) << 32
		}
		if k == 32 && a.Low.SMin >= 0 {
			n.SMin = int64(a.Low.SMin) << 32
		}
		if a.Max <= 1<<(63-k) {
			n.Min, n.Max = a.Min<<k, a.Max<<k
		}
	case ir.OpShr:
		if short {
			n.Bits, n.Unknown = uint64(uint32(a.Bits))>>k, uint64(uint32(a.Unknown))>>k
			n.Low.Min, n.Low.Max = a.Low.Min>>k, a.Low.Max>>k
			break
		}
		n.Bits, n.Unknown = a.Bits>>k, a.Unknown>>k
		n.Min, n.Max = a.Min>>k, a.Max>>k
	case ir.OpSar:
		if short {
			n.Bits, n.Unknown = uint64(uint32(int32(a.Bits)>>k)), uint64(uint32(int32(a.Unknown)>>k))
			n.Low.SMin, n.Low.SMax = a.Low.SMin>>k, a.Low.SMax>>k
			break
		}
		n.Bits, n.Unknown = uint64(int64(a.Bits)>>k), uint64(int64(a.Unknown)>>k)
		n.SMin, n.SMax = a.SMin>>k, a.SMax>>k
	}
	if short {
		n.Bits, n.Unknown = uint64(uint32(n.Bits)), uint64(uint32(n.Unknown))
		n.Low = n.Low.ofBits(uint32(n.Bits), uint32(n.Unknown))
	}
	return n
}

func add(a, b Num) Num {
	n := Num{wide: a.wide.add(b.wide), Low: a.Low.add(b.Low)}
	n.Bits, n.Unknown = addBits(a.Bits, a.Unknown, b.Bits, b.Unknown)
	return n
}

// addBits adds numbers with unknown bits: the carries into a bit are known
// where the sums of the least and of the greatest numbers agree.
func addBits(a, au, b, bu uint64) (known, unknown uint64) {
	least := a + b
	unknown = (least ^ (least + au + bu)) | au | bu
	return least &^ unknown, unknown
}

func sub(a, b Num) Num {
	n := Num{wide: a.wide.sub(b.wide), Low: a.Low.sub(b.Low)}
	d := a.Bits - b.Bits
	n.Unknown = ((d + a.Unknown) ^ (d - b.Unknown)) | a.Unknown | b.Unknown
	n.Bits = d &^ n.Unknown
	return n
}

// mulBits multiplies as on paper: each bit of a that may be set adds what may
// be set of b, at its place.
func mulBits(a, b Num) (known, unknown uint64) {
	product := a.Bits * b.Bits
	av, au, bv, bu := a.Bits, a.Unknown, b.Bits, b.Unknown
	var v, u uint64
	for av|au != 0 {
		switch {
		case av&1 != 0:
			v, u = addBits(v, u, 0, bu)
		case au&1 != 0:
			v, u = addBits(v, u, 0, bv|bu)
		}
		av, au, bv, bu = av>>1, au>>1, bv<<1, bu<<1
	}
	return addBits(product, 0, v, u)
}
