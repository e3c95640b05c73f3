package lisp

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// Numbers are int64, *big.Int outside of int64, *big.Rat never an integer,
// and float64. Operands meet at the widest kind.

func isNumber(v Value) bool {
	switch v.(type) {
	case int64, *big.Int, *big.Rat, float64:
		return true
	}
	return false
}

func isInteger(v Value) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func isRational(v Value) bool {
	_, ok := v.(*big.Rat)
	return ok || isInteger(v)
}

// toBig gives an integer as a big one; nil if v is none.
func toBig(v Value) *big.Int {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v)
	case *big.Int:
		return v
	}
	return nil
}

func (in *Interp) bigInt(v Value) *big.Int {
	n := toBig(v)
	if n == nil {
		in.typeError(v, "an integer")
	}
	return n
}

// toRat gives a rational as a ratio; nil if v is none.
func toRat(v Value) *big.Rat {
	if r, ok := v.(*big.Rat); ok {
		return r
	}
	if n := toBig(v); n != nil {
		return new(big.Rat).SetInt(n)
	}
	return nil
}

func (in *Interp) float(v Value) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	case *big.Rat:
		f, _ := v.Float64()
		return f
	}
	in.typeError(v, "a number")
	return 0
}

// index reads a size or an index.
func (in *Interp) index(v Value) int {
	n, ok := v.(int64)
	if !ok || n < 0 {
		if b, isBig := v.(*big.Int); isBig && b.Sign() > 0 {
			in.wrong(v, "%s is too large for a size or an index", show(v))
		}
		in.typeError(v, "an index (an integer from 0)")
	}
	if n > math.MaxInt32 {
		in.wrong(v, "%d is too large for a size or an index", n)
	}
	return int(n)
}

func rat(r *big.Rat) Value {
	if r.IsInt() {
		return sexp.Integer(new(big.Int).Set(r.Num()))
	}
	return r
}

// bigResult counts a big number's memory.
func (in *Interp) bigResult(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	in.alloc(int64(n.BitLen()/128 + 1))
	return n
}

func (in *Interp) ratResult(r *big.Rat) Value {
	in.alloc(int64(r.Num().BitLen()/128 + r.Denom().BitLen()/128 + 1))
	return rat(r)
}

// bigCost counts the work of an operation on long numbers before it is done.
func (in *Interp) bigCost(a, b Value) {
	n, m := bitLen(a)/64, bitLen(b)/64
	if n+m > 64 {
		in.steps(n + m + n/64*m)
		in.alloc(int64(n + m))
	}
}

func bitLen(v Value) int {
	switch v := v.(type) {
	case *big.Int:
		return v.BitLen()
	case *big.Rat:
		return v.Num().BitLen() + v.Denom().BitLen()
	}
	return 64
}

// arith computes a op b for + - * /.
func (in *Interp) arith(op byte, a, b Value) Value {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			switch op {
			case '+':
				if s := x + y; (s > x) == (y > 0) {
					return s
				}
			case '-':
				if s := x - y; (s < x) == (y > 0) {
					return s
				}
			case '*':
				hi, lo := bits.Mul64(uint64(abs64(x)), uint64(abs64(y)))
				if hi == 0 && lo < 1<<63 {
					return x * y
				}
			case '/':
				if y != 0 && x%y == 0 && y != -1 {
					return x / y
				}
			}
		}
	}
	if !isNumber(a) {
		in.typeError(a, "a number")
	}
	if !isNumber(b) {
		in.typeError(b, "a number")
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, y := in.float(a), in.float(b)
		switch op {
		case '+':
			return x + y
		case '-':
			return x - y
		case '*':
			return x * y
		}
		if y == 0 {
			in.divisionByZero(a)
		}
		return x / y
	}
	in.bigCost(a, b)
	if isInteger(a) && isInteger(b) && op != '/' {
		x, y, z := toBig(a), toBig(b), new(big.Int)
		switch op {
		case '+':
			z.Add(x, y)
		case '-':
			z.Sub(x, y)
		case '*':
			z.Mul(x, y)
		}
		return in.bigResult(z)
	}
	x, y, z := toRat(a), toRat(b), new(big.Rat)
	switch op {
	case '+':
		z.Add(x, y)
	case '-':
		z.Sub(x, y)
	case '*':
		z.Mul(x, y)
	case '/':
		if y.Sign() == 0 {
			in.divisionByZero(a)
		}
		z.Quo(x, y)
	}
	return in.ratResult(z)
}

func abs64(x int64) int64 {
	if x < 0 {
		return -x // of the smallest number: itself, which as uint64 is right
	}
	return x
}

func (in *Interp) divisionByZero(a Value) {
	e := errAt(in.pos, a, "division of %s by zero", show(a))
	e.kind = "DIVISION-BY-ZERO"
	in.fail(e)
}

// compare gives the sign of a-b; ok is false if one is no number (NaN).
func (in *Interp) compare(a, b Value) (sign int, ok bool) {
	if x, isInt := a.(int64); isInt {
		if y, isInt := b.(int64); isInt {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	}
	if !isNumber(a) {
		in.typeError(a, "a number")
	}
	if !isNumber(b) {
		in.typeError(b, "a number")
	}
	x, fa := a.(float64)
	y, fb := b.(float64)
	if fa && math.IsNaN(x) || fb && math.IsNaN(y) {
		return 0, false
	}
	if fa && fb {
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	if fa && math.IsInf(x, 0) {
		return int(math.Copysign(1, x)), true
	}
	if fb && math.IsInf(y, 0) {
		return -int(math.Copysign(1, y)), true
	}
	return exact(a).Cmp(exact(b)), true
}

// exact gives any finite number as a ratio.
func exact(v Value) *big.Rat {
	if f, ok := v.(float64); ok {
		return new(big.Rat).SetFloat64(f)
	}
	return toRat(v)
}

func (in *Interp) sign(v Value) int {
	switch v := v.(type) {
	case int64:
		switch {
		case v < 0:
			return -1
		case v > 0:
			return 1
		}
		return 0
	case *big.Int:
		return v.Sign()
	case *big.Rat:
		return v.Sign()
	case float64:
		switch {
		case v < 0:
			return -1
		case v > 0:
			return 1
		}
		return 0
	}
	in.typeError(v, "a number")
	return 0
}

// divide gives quotient and remainder, rounded as mode says: f(loor),
// c(eiling), t(runcate), r(ound).
func (in *Interp) divide(mode byte, a, b Value) (q, r Value) {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok && y != 0 && y != -1 {
			q, r := x/y, x%y
			switch {
			case r == 0 || mode == 't':
			case mode == 'f' && (r < 0) != (y < 0):
				q, r = q-1, r+y
			case mode == 'c' && (r < 0) == (y < 0):
				q, r = q+1, r-y
			case mode == 'r':
				h := uint64(abs64(r))
				rest := uint64(abs64(y)) - h
				if h > rest || h == rest && q&1 != 0 {
					if (r < 0) == (y < 0) {
						q, r = q+1, r-y
					} else {
						q, r = q-1, r+y
					}
				}
			}
			return q, r
		}
	}
	if in.sign(b) == 0 {
		in.sign(a)
		in.divisionByZero(a)
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, y := in.float(a), in.float(b)
		f := x / y
		if math.IsNaN(f) || math.IsInf(f, 0) {
			in.typeError(a, "a finite number")
		}
		switch mode {
		case 'f':
			f = math.Floor(f)
		case 'c':
			f = math.Ceil(f)
		case 't':
			f = math.Trunc(f)
		default:
			f = math.RoundToEven(f)
		}
		n, _ := big.NewFloat(f).Int(nil)
		return in.bigResult(n), x - f*y
	}
	if !isNumber(a) {
		in.typeError(a, "a number")
	}
	in.bigCost(a, b)
	x, y := toRat(a), toRat(b)
	ratio := new(big.Rat).Quo(x, y)
	num, den := ratio.Num(), ratio.Denom()
	n, m := new(big.Int).DivMod(num, den, new(big.Int)) // floor, since den > 0
	switch {
	case m.Sign() == 0 || mode == 'f':
	case mode == 'c', mode == 't' && ratio.Sign() < 0:
		n.Add(n, big.NewInt(1))
	case mode == 'r':
		twice := new(big.Int).Lsh(m, 1)
		if c := twice.Cmp(den); c > 0 || c == 0 && n.Bit(0) == 1 {
			n.Add(n, big.NewInt(1))
		}
	}
	q = in.bigResult(n)
	return q, in.arith('-', a, in.arith('*', q, b))
}

func numRows() []row {
	fold := func(name string, op byte, unit int64) row {
		return row{name, "&rest numbers", func(in *Interp, a []Value) Value {
			var v Value = unit
			if len(a) > 0 {
				if v = a[0]; !isNumber(v) {
					in.typeError(v, "a number")
				}
				for _, x := range a[1:] {
					v = in.arith(op, v, x)
				}
			}
			return v
		}}
	}
	reduce := func(name string, op byte, unit int64) row {
		return row{name, "number &rest numbers", func(in *Interp, a []Value) Value {
			if len(a) == 1 {
				if f, ok := a[0].(float64); ok && op == '-' {
					return -f // 0.0 becomes -0.0
				}
				return in.arith(op, unit, a[0])
			}
			v := a[0]
			for _, x := range a[1:] {
				v = in.arith(op, v, x)
			}
			return v
		}}
	}
	division := func(name string, mode byte, float bool) row {
		return row{name, "number &optional divisor", func(in *Interp, a []Value) Value {
			var d Value = int64(1)
			if len(a) > 1 {
				d = a[1]
			}
			q, r := in.divide(mode, a[0], d)
			if float {
				q = in.float(q)
			}
			return values(q, r)
		}}
	}
	extreme := func(name string, want int) row {
		return row{name, "number &rest numbers", func(in *Interp, a []Value) Value {
			v := a[0]
			in.sign(v)
			for _, x := range a[1:] {
				if s, ok := in.compare(x, v); ok && s == want {
					v = x
				}
			}
			return v
		}}
	}
	loopExtreme := func(name string, want int) row {
		return row{name, "best number", func(in *Interp, a []Value) Value {
			if isNil(a[0]) {
				in.sign(a[1])
				return a[1]
			}
			if s, _ := in.compare(a[1], a[0]); s == want {
				return a[1]
			}
			return a[0]
		}}
	}
	sign := func(name string, test func(s int) bool) row {
		return row{name, "number", func(in *Interp, a []Value) Value { return truth(test(in.sign(a[0]))) }}
	}
	parity := func(name string, want uint) row {
		return row{name, "integer", func(in *Interp, a []Value) Value { return truth(in.bigInt(a[0]).Bit(0) == want) }}
	}
	return []row{
		fold("+", '+', 0), fold("*", '*', 1), reduce("-", '-', 0), reduce("/", '/', 1),
		{"1+", "number", func(in *Interp, a []Value) Value { return in.arith('+', a[0], int64(1)) }},
		{"1-", "number", func(in *Interp, a []Value) Value { return in.arith('-', a[0], int64(1)) }},
		division("FLOOR", 'f', false), division("CEILING", 'c', false), division("TRUNCATE", 't', false), division("ROUND", 'r', false),
		division("FFLOOR", 'f', true), division("FCEILING", 'c', true), division("FTRUNCATE", 't', true), division("FROUND", 'r', true),
		{"MOD", "number divisor", func(in *Interp, a []Value) Value { _, r := in.divide('f', a[0], a[1]); return r }},
		{"REM", "number divisor", func(in *Interp, a []Value) Value { _, r := in.divide('t', a[0], a[1]); return r }},
		extreme("MAX", 1), extreme("MIN", -1), loopExtreme("%LOOP-MAX", 1), loopExtreme("%LOOP-MIN", -1),
		{"ABS", "number", func(in *Interp, a []Value) Value {
			if f, ok := a[0].(float64); ok {
				return math.Abs(f)
			}
			if in.sign(a[0]) < 0 {
				return in.arith('-', int64(0), a[0])
			}
			return a[0]
		}},
		{"SIGNUM", "number", func(in *Interp, a []Value) Value {
			s := in.sign(a[0])
			if _, ok := a[0].(float64); ok {
				return float64(s)
			}
			return int64(s)
		}},
		sign("ZEROP", func(s int) bool { return s == 0 }), sign("PLUSP", func(s int) bool { return s > 0 }), sign("MINUSP", func(s int) bool { return s < 0 }),
		parity("EVENP", 0), parity("ODDP", 1),
		{"GCD", "&rest integers", func(in *Interp, a []Value) Value {
			z := new(big.Int)
			for _, x := range a {
				in.bigCost(z, x)
				n := in.bigInt(x)
				z.GCD(nil, nil, z, new(big.Int).Abs(n))
			}
			return in.bigResult(z)
		}},
		{"LCM", "&rest integers", func(in *Interp, a []Value) Value {
			z := big.NewInt(1)
			for _, x := range a {
				n := new(big.Int).Abs(in.bigInt(x))
				if n.Sign() == 0 {
					return int64(0)
				}
				in.bigCost(z, n)
				g := new(big.Int).GCD(nil, nil, z, n)
				z.Mul(z, n.Quo(n, g))
			}
			return in.bigResult(z)
		}},
		{"NUMERATOR", "rational", func(in *Interp, a []Value) Value {
			r := toRat(a[0])
			if r == nil {
				in.typeError(a[0], "a rational")
			}
			return sexp.Integer(new(big.Int).Set(r.Num()))
		}},
		{"DENOMINATOR", "rational", func(in *Interp, a []Value) Value {
			r := toRat(a[0])
			if r == nil {
				in.typeError(a[0], "a rational")
			}
			return sexp.Integer(new(big.Int).Set(r.Denom()))
		}},
		{"EXPT", "base power", expt},
		{"ISQRT", "integer", func(in *Interp, a []Value) Value {
			n := in.bigInt(a[0])
			if n.Sign() < 0 {
				in.typeError(a[0], "a non-negative integer")
			}
			in.bigCost(n, n)
			return in.bigResult(new(big.Int).Sqrt(n))
		}},
	}
}

func expt(in *Interp, a []Value) Value {
	base, power := a[0], a[1]
	n, ok := power.(int64)
	if !ok || !isRational(base) {
		_, fb := base.(float64)
		if _, isBig := power.(*big.Int); isBig && !fb {
			if b, small := base.(int64); small && (b == 0 || b == 1 || b == -1) {
				if b == -1 && in.bigInt(power).Bit(0) == 0 {
					b = 1
				}
				return b
			}
			in.limit("(expt %s %s) needs more memory than there is", show(base), show(power))
		}
		if fb && ok {
			return math.Pow(in.float(base), float64(n))
		}
		x, y := in.float(base), in.float(power)
		f := math.Pow(x, y)
		if math.IsNaN(f) {
			in.wrong(base, "(expt %s %s) is no real number", show(base), show(power))
		}
		return f
	}
	inverse := n < 0
	m := uint64(abs64(n))
	size := int64(bitLen(base))
	if b, small := base.(int64); small {
		size = int64(bits.Len64(uint64(abs64(b))))
		if size <= 1 { // 0, 1 and -1 do not grow
			m = min(m, 2+m&1)
		}
	}
	if size > 0 && m > uint64(in.cellsLeft)*128/uint64(size) {
		in.alloc(math.MaxInt64)
	}
	in.alloc(size * int64(m) / 128)
	words := size * int64(m) / 64
	in.steps(int(words/8 + words/256*words/256))
	r := toRat(base)
	e := new(big.Int).SetUint64(m)
	num := new(big.Int).Exp(r.Num(), e, nil)
	den := new(big.Int).Exp(r.Denom(), e, nil)
	if inverse {
		if num.Sign() == 0 {
			in.divisionByZero(int64(1))
		}
		num, den = den, num
	}
	return rat(new(big.Rat).SetFrac(num, den))
}
