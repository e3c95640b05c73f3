package lisp

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// float carries out ~f ~e ~g ~$.
func (f *formatter) float(ps []Value, d directive) {
	v := f.next(d.op)
	if !isNumber(v) {
		f.padded(f.in.text(v, style{user: f.user}), ps[:min(1, len(ps))], true)
		return
	}
	x := f.in.float(v)
	if math.IsInf(x, 0) || math.IsNaN(x) {
		f.out.write(f.in, sexp.FormatFloat(x))
		return
	}
	sign := ""
	if x < 0 || x == 0 && math.Signbit(x) {
		sign = "-"
	} else if d.at {
		sign = "+"
	}
	switch d.op {
	case '$':
		digits, whole, width := f.num(ps, 0, 2), f.num(ps, 1, 1), f.num(ps, 2, 0)
		f.checkDigits(digits)
		f.checkDigits(whole)
		text := fixed(v, digits)
		if i := strings.IndexByte(text, '.'); i < whole {
			text = strings.Repeat("0", whole-i) + text
		}
		f.out.write(f.in, f.repeat(f.char(ps, 3, ' '), width-len(text)-len(sign))+sign+text)
	case 'f':
		f.fixedField(v, x, sign, ps)
	case 'e':
		f.exponent(x, sign, ps)
	case 'g':
		a := math.Abs(x)
		if a != 0 && (a < 0.1 || a >= 1e7) {
			f.exponent(x, sign, ps)
			return
		}
		f.fixedField(v, x, sign, ps[:min(2, len(ps))])
	}
}

func (f *formatter) checkDigits(n int) {
	if n < 0 || n > 10_000 {
		f.fail("%d is no sensible number of digits", n)
	}
	f.in.alloc(int64(n/4 + 1))
	f.in.steps(n / 4)
}

// fixed is |v| with a number of decimals.
func fixed(v Value, digits int) string {
	if x, ok := v.(float64); ok {
		return fixedFloat(math.Abs(x), digits)
	}
	return new(big.Rat).Abs(toRat(v)).FloatString(digits)
}

// fixedFloat rounds the shortest decimal form of x, half up, as printers of
// Lisp do: 0.125 to two digits gives what its digits say.
func fixedFloat(x float64, digits int) string {
	r, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'f', -1, 64))
	s := r.FloatString(digits)
	if digits == 0 {
		s += "."
	}
	return s
}

// fixedField is ~w,d,k,overflow,padF.
func (f *formatter) fixedField(v Value, x float64, sign string, ps []Value) {
	w, digits, k := f.num(ps, 0, 0), f.num(ps, 1, -1), f.num(ps, 2, 0)
	if k != 0 {
		if k > 1000 || k < -1000 {
			f.fail("the scale %d is too large", k)
		}
		x *= math.Pow(10, float64(k))
	}
	x = math.Abs(x)
	var text string
	switch {
	case digits >= 0:
		f.checkDigits(digits)
		text = fixedFloat(x, digits)
	default:
		text = strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		if w > 0 && len(text)+len(sign) > w { // as many decimals as fit
			point := strings.IndexByte(text, '.')
			if d := w - len(sign) - point - 1; d >= 0 {
				text = fixedFloat(x, d)
			} else {
				text = fixedFloat(x, 0)
			}
		}
	}
	if w > 0 && strings.HasPrefix(text, "0.") && len(text) > 2 && len(text)+len(sign) > w {
		text = text[1:]
	}
	if w > 0 && len(text)+len(sign) > w && len(ps) > 3 && ps[3] != nil {
		f.out.write(f.in, f.repeat(f.char(ps, 3, '*'), w))
		return
	}
	f.out.write(f.in, f.repeat(f.char(ps, 4, ' '), w-len(text)-len(sign))+sign+text)
}

// exponent is ~w,d,e,k,overflow,pad,markE.
func (f *formatter) exponent(x float64, sign string, ps []Value) {
	w, digits, e := f.num(ps, 0, 0), f.num(ps, 1, -1), f.num(ps, 2, 0)
	if digits >= 0 {
		f.checkDigits(digits)
	}
	f.checkDigits(max(e, 0))
	text := strconv.FormatFloat(math.Abs(x), 'e', digits, 64)
	mant, exp, _ := strings.Cut(text, "e")
	if !strings.Contains(mant, ".") {
		mant += ".0"
	}
	n, _ := strconv.Atoi(exp)
	expSign := "+"
	if n < 0 {
		expSign, n = "-", -n
	}
	num := strconv.Itoa(n)
	if len(num) < e {
		num = strings.Repeat("0", e-len(num)) + num
	}
	text = sign + mant + "e" + expSign + num
	f.out.write(f.in, f.repeat(f.char(ps, 5, ' '), w-len(text))+text)
}
