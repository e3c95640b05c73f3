package lisp

import (
	"math"
	"math/big"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// compareRows order numbers.
func compareRows() []row {
	chain := func(name string, test func(s int) bool) row {
		return row{name, "number &rest numbers", func(in *Interp, a []Value) Value {
			in.sign(a[0])
			result := true
			for i := 1; i < len(a); i++ {
				s, ok := in.compare(a[i-1], a[i])
				result = result && ok && test(s)
			}
			return truth(result)
		}}
	}
	return []row{
		chain("=", func(s int) bool { return s == 0 }), chain("<", func(s int) bool { return s < 0 }), chain("<=", func(s int) bool { return s <= 0 }),
		chain(">", func(s int) bool { return s > 0 }), chain(">=", func(s int) bool { return s >= 0 }),
		{"/=", "number &rest numbers", func(in *Interp, a []Value) Value {
			in.steps(len(a) * len(a) / 16)
			for i := range a {
				in.sign(a[i])
				for j := 0; j < i; j++ {
					if s, ok := in.compare(a[i], a[j]); ok && s == 0 {
						return sexp.Nil
					}
				}
			}
			return sexp.T
		}},
	}
}

// bitRows look at integers as two's complement bits of any length.
func bitRows() []row {
	fold := func(name string, unit int64, op func(z, x, y *big.Int) *big.Int, small func(x, y int64) int64) row {
		return row{name, "&rest integers", func(in *Interp, a []Value) Value {
			var v Value = unit
			for i, x := range a {
				if i == 0 {
					in.bigInt(x)
					v = x
					continue
				}
				p, ok1 := v.(int64)
				q, ok2 := x.(int64)
				if ok1 && ok2 {
					v = small(p, q)
				} else {
					in.bigCost(v, x)
					v = in.bigResult(op(new(big.Int), in.bigInt(v), in.bigInt(x)))
				}
			}
			return v
		}}
	}
	two := func(name string, op func(x, y *big.Int) *big.Int) row {
		return row{name, "integer integer", func(in *Interp, a []Value) Value {
			in.bigCost(a[0], a[1])
			return in.bigResult(op(in.bigInt(a[0]), in.bigInt(a[1])))
		}}
	}
	newInt := func() *big.Int { return new(big.Int) }
	not := func(x *big.Int) *big.Int { return newInt().Not(x) }
	return []row{
		fold("LOGAND", -1, (*big.Int).And, func(x, y int64) int64 { return x & y }),
		fold("LOGIOR", 0, (*big.Int).Or, func(x, y int64) int64 { return x | y }),
		fold("LOGXOR", 0, (*big.Int).Xor, func(x, y int64) int64 { return x ^ y }),
		fold("LOGEQV", -1, func(z, x, y *big.Int) *big.Int { return z.Not(z.Xor(x, y)) }, func(x, y int64) int64 { return ^(x ^ y) }),
		two("LOGANDC1", func(x, y *big.Int) *big.Int { return newInt().And(not(x), y) }),
		two("LOGANDC2", func(x, y *big.Int) *big.Int { return newInt().And(x, not(y)) }),
		two("LOGORC1", func(x, y *big.Int) *big.Int { return newInt().Or(not(x), y) }),
		two("LOGORC2", func(x, y *big.Int) *big.Int { return newInt().Or(x, not(y)) }),
		two("LOGNAND", func(x, y *big.Int) *big.Int { return not(newInt().And(x, y)) }),
		two("LOGNOR", func(x, y *big.Int) *big.Int { return not(newInt().Or(x, y)) }),
		{"LOGNOT", "integer", func(in *Interp, a []Value) Value { return in.bigResult(not(in.bigInt(a[0]))) }},
		{"LOGTEST", "integer integer", func(in *Interp, a []Value) Value {
			return truth(newInt().And(in.bigInt(a[0]), in.bigInt(a[1])).Sign() != 0)
		}},
		{"LOGBITP", "index integer", func(in *Interp, a []Value) Value {
			n := in.bigInt(a[1])
			if i := in.bigInt(a[0]); !i.IsInt64() || i.Int64() > math.MaxInt32 {
				return truth(n.Sign() < 0)
			}
			return truth(n.Bit(in.index(a[0])) == 1)
		}},
		{"LOGCOUNT", "integer", func(in *Interp, a []Value) Value {
			n := in.bigInt(a[0])
			if n.Sign() < 0 {
				n = not(n)
			}
			c := 0
			for _, w := range n.Bits() {
				for ; w != 0; w &= w - 1 {
					c++
				}
			}
			return int64(c)
		}},
		{"INTEGER-LENGTH", "integer", func(in *Interp, a []Value) Value {
			n := in.bigInt(a[0])
			if n.Sign() < 0 {
				n = not(n)
			}
			return int64(n.BitLen())
		}},
		{"ASH", "integer count", func(in *Interp, a []Value) Value { return in.shift(in.bigInt(a[0]), in.bigInt(a[1])) }},
		{"BYTE", "size position", func(in *Interp, a []Value) Value {
			return in.cons(int64(in.index(a[0])), int64(in.index(a[1])))
		}},
		{"BYTE-SIZE", "byte", func(in *Interp, a []Value) Value { s, _ := in.byteSpec(a[0]); return int64(s) }},
		{"BYTE-POSITION", "byte", func(in *Interp, a []Value) Value { _, p := in.byteSpec(a[0]); return int64(p) }},
		{"LDB", "byte integer", func(in *Interp, a []Value) Value {
			size, pos := in.byteSpec(a[0])
			n := newInt().Rsh(in.bigInt(a[1]), uint(pos))
			return in.bigResult(n.And(n, in.mask(min(size, max(size, 0)))))
		}},
		{"LDB-TEST", "byte integer", func(in *Interp, a []Value) Value {
			size, pos := in.byteSpec(a[0])
			n := newInt().Rsh(in.bigInt(a[1]), uint(pos))
			return truth(n.And(n, in.mask(size)).Sign() != 0)
		}},
		{"MASK-FIELD", "byte integer", func(in *Interp, a []Value) Value {
			size, pos := in.byteSpec(a[0])
			return in.bigResult(newInt().And(in.bigInt(a[1]), in.maskAt(size, pos)))
		}},
		{"DPB", "new byte integer", func(in *Interp, a []Value) Value {
			size, pos := in.byteSpec(a[1])
			m := in.maskAt(size, pos)
			field := newInt().And(in.bigInt(a[0]), in.mask(size))
			field.Lsh(field, uint(pos))
			n := newInt().AndNot(in.bigInt(a[2]), m)
			return in.bigResult(n.Or(n, field))
		}},
		{"DEPOSIT-FIELD", "new byte integer", func(in *Interp, a []Value) Value {
			size, pos := in.byteSpec(a[1])
			m := in.maskAt(size, pos)
			n := newInt().AndNot(in.bigInt(a[2]), m)
			return in.bigResult(n.Or(n, newInt().And(in.bigInt(a[0]), m)))
		}},
	}
}

// shift is ash; the size of the result is checked before it is made.
func (in *Interp) shift(n, by *big.Int) Value {
	if n.Sign() == 0 || by.Sign() == 0 {
		return sexp.Integer(n)
	}
	if by.Sign() < 0 {
		if !by.IsInt64() || -by.Int64() > int64(n.BitLen()) {
			if n.Sign() < 0 {
				return int64(-1)
			}
			return int64(0)
		}
		return in.bigResult(new(big.Int).Rsh(n, uint(-by.Int64())))
	}
	if !by.IsInt64() || by.Int64() > in.cellsLeft*128 {
		in.alloc(math.MaxInt64)
	}
	in.alloc(by.Int64() / 128)
	in.steps(int(by.Int64() / 1024))
	return sexp.Integer(new(big.Int).Lsh(n, uint(by.Int64())))
}

// byteSpec reads what (byte size position) gives.
func (in *Interp) byteSpec(v Value) (size, pos int) {
	c, ok := v.(*sexp.Cons)
	if !ok {
		in.typeError(v, "a byte specifier, (byte size position)")
	}
	return in.index(c.Car), in.index(c.Cdr)
}

func (in *Interp) mask(size int) *big.Int {
	in.alloc(int64(size / 128))
	m := new(big.Int).Lsh(big.NewInt(1), uint(size))
	return m.Sub(m, big.NewInt(1))
}

func (in *Interp) maskAt(size, pos int) *big.Int {
	in.alloc(int64(pos / 128))
	m := in.mask(size)
	return m.Lsh(m, uint(pos))
}

// floatRows are the functions of real numbers.
func floatRows() []row {
	real := func(name string, fn func(float64) float64) row {
		return row{name, "number", func(in *Interp, a []Value) Value {
			f := fn(in.float(a[0]))
			if math.IsNaN(f) {
				in.wrong(a[0], "(%s %s) is no real number", lower(name), show(a[0]))
			}
			return f
		}}
	}
	kind := func(name string, test func(v Value) bool) row {
		return row{name, "object", func(in *Interp, a []Value) Value { return truth(test(a[0])) }}
	}
	isFloat := func(v Value) bool { _, ok := v.(float64); return ok }
	return []row{
		real("SQRT", math.Sqrt), real("EXP", math.Exp), real("SIN", math.Sin), real("COS", math.Cos), real("TAN", math.Tan),
		real("ASIN", math.Asin), real("ACOS", math.Acos), real("SINH", math.Sinh), real("COSH", math.Cosh), real("TANH", math.Tanh),
		{"ATAN", "number &optional number", func(in *Interp, a []Value) Value {
			if len(a) > 1 {
				return math.Atan2(in.float(a[0]), in.float(a[1]))
			}
			return math.Atan(in.float(a[0]))
		}},
		{"LOG", "number &optional base", func(in *Interp, a []Value) Value {
			x := in.float(a[0])
			if x == 0 {
				in.divisionByZero(a[0])
			}
			if x < 0 {
				in.wrong(a[0], "(log %s) is no real number", show(a[0]))
			}
			if len(a) > 1 {
				b := in.float(a[1])
				if b == 2 {
					return math.Log2(x)
				}
				if b == 10 {
					return math.Log10(x)
				}
				return math.Log(x) / math.Log(b)
			}
			return math.Log(x)
		}},
		kind("NUMBERP", isNumber), kind("REALP", isNumber), kind("INTEGERP", isInteger), kind("RATIONALP", isRational), kind("FLOATP", isFloat),
		kind("COMPLEXP", func(Value) bool { return false }),
		{"FLOAT", "number &optional prototype", func(in *Interp, a []Value) Value { return in.float(a[0]) }},
		{"RATIONAL", "number", func(in *Interp, a []Value) Value {
			f, ok := a[0].(float64)
			if !ok {
				in.sign(a[0])
				return a[0]
			}
			if math.IsNaN(f) || math.IsInf(f, 0) {
				in.typeError(a[0], "a finite number")
			}
			return rat(new(big.Rat).SetFloat64(f))
		}},
		{"RATIONALIZE", "number", func(in *Interp, a []Value) Value {
			f, ok := a[0].(float64)
			if !ok {
				in.sign(a[0])
				return a[0]
			}
			r, ok := new(big.Rat).SetString(sexp.FormatFloat(f))
			if !ok {
				in.typeError(a[0], "a finite number")
			}
			return rat(r)
		}},
		{"RANDOM", "limit &optional state", func(in *Interp, a []Value) Value {
			in.wrong(nil, "`random` is refused: the same source must give the same program every time")
			return nil
		}},
	}
}
