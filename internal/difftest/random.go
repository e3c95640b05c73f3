package difftest

import (
	"fmt"
	"strings"
)

// A generator makes sources from a stream of bytes: each choice takes one,
// so that a fuzzer can steer it. When the bytes are used up it takes the
// simplest choice, which ends everything.
type generator struct {
	data  []byte
	vars  []string // variables in scope that hold numbers
	fresh int
	loops int // nesting of loops
}

func (g *generator) byte() int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b)
}

func (g *generator) pick(n int) int { return g.byte() % n }

func (g *generator) of(choices ...string) string { return choices[g.pick(len(choices))] }

var scalarTypes = []string{"u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"}

// literal gives numbers at the edges of all widths, and small ones.
func (g *generator) literal() string {
	switch g.pick(4) {
	case 0:
		return fmt.Sprint(g.pick(17))
	case 1:
		return fmt.Sprint(-g.pick(17))
	case 2:
		return g.of("127", "128", "255", "256", "32767", "32768", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
			"9223372036854775807", "9223372036854775808", "18446744073709551615", "-128", "-129", "-32768", "-2147483648", "-2147483649", "-9223372036854775808")
	}
	n := uint64(0)
	for i := 0; i < 8; i++ {
		n = n<<8 | uint64(g.byte())
	}
	return fmt.Sprintf("#x%x", n)
}

// expr gives an expression of a number; size bounds its depth.
func (g *generator) expr(size int) string {
	if size <= 0 || len(g.data) == 0 {
		if len(g.vars) > 0 && g.pick(3) > 0 {
			return g.vars[g.pick(len(g.vars))]
		}
		return g.literal()
	}
	e := func() string { return g.expr(size - 1 - g.pick(2)) }
	switch g.pick(22) {
	case 0, 1:
		op := g.of("+", "-", "*", "logand", "logior", "logxor")
		if g.pick(4) == 0 {
			return fmt.Sprintf("(%s %s %s %s)", op, e(), e(), e())
		}
		return fmt.Sprintf("(%s %s %s)", op, e(), e())
	case 2:
		// A constant zero divisor is an error; one bit set keeps it apart.
		return fmt.Sprintf("(%s %s (logior 1 %s))", g.of("/", "mod", "s/", "smod"), e(), e())
	case 3:
		return fmt.Sprintf("(%s %s %s)", g.of("/", "mod", "s/", "smod"), e(), g.variable())
	case 4:
		return fmt.Sprintf("(%s %s %d)", g.of("<<", ">>", ">>>"), e(), g.pick(64))
	case 5:
		return fmt.Sprintf("(%s %s (logand 63 %s))", g.of("<<", ">>", ">>>"), e(), e())
	case 6:
		if g.pick(2) == 0 {
			return fmt.Sprintf("(ash %s %d)", e(), g.pick(140)-70)
		}
		return fmt.Sprintf("(ash %s %s)", e(), g.variable())
	case 7, 8:
		return fmt.Sprintf("(%s %s %s)", g.of("=", "/=", "<", "<=", ">", ">=", "s<", "s<=", "s>", "s>="), e(), e())
	case 9:
		return fmt.Sprintf("(cast %s %s)", scalarTypes[g.pick(8)], e())
	case 10:
		return fmt.Sprintf("(%s %s)", g.of("ntohs", "htons", "ntohl", "htonl", "ntohll", "htonll", "lognot", "-", "abs", "1+", "1-", "zerop", "minusp", "plusp", "evenp", "oddp", "log2", "not"), e())
	case 11:
		return fmt.Sprintf("(if %s %s %s)", e(), e(), e())
	case 12:
		return fmt.Sprintf("(%s %s %s)", g.of("and", "or", "when", "unless"), e(), e())
	case 13:
		return fmt.Sprintf("(%s %s %s)", g.of("min", "max", "logtest"), e(), e())
	case 14:
		return fmt.Sprintf("(cond (%s %s) ((= %s %s) %s) (t %s))", e(), e(), e(), e(), e(), e())
	case 15:
		return fmt.Sprintf("(case %s (%d %s) ((%d %d) %s) (t %s))", e(), g.pick(256), e(), 256+g.pick(9), 300+g.pick(9), e(), e())
	case 16:
		return g.let(size)
	case 17:
		return g.loop(size)
	case 18:
		return g.memory(size)
	case 19:
		return fmt.Sprintf("(%s %s %d)", g.of("rotl", "rotl32"), e(), g.pick(64))
	case 20:
		if v := g.variable(); v[0] == 'v' {
			return fmt.Sprintf("(progn (%s %s %s) %s)", g.of("setf", "incf", "decf"), v, e(), e())
		}
		return e()
	}
	return fmt.Sprintf("(logbitp %d %s)", g.pick(64), e())
}

// variable is one that holds a number, or a literal that is not zero.
func (g *generator) variable() string {
	if len(g.vars) == 0 {
		return "3"
	}
	return g.vars[g.pick(len(g.vars))]
}

func (g *generator) name() string {
	g.fresh++
	return fmt.Sprintf("v%d", g.fresh)
}

func (g *generator) let(size int) string {
	var b strings.Builder
	op := g.of("let", "let*")
	mark := len(g.vars)
	var names []string
	fmt.Fprintf(&b, "(%s (", op)
	for i := 0; i <= g.pick(3); i++ {
		n := g.name()
		typ := ""
		if g.pick(2) == 0 {
			typ = scalarTypes[g.pick(8)] + " "
		}
		fmt.Fprintf(&b, "(%s %s%s)", n, typ, g.expr(size-1))
		names = append(names, n)
		if op == "let*" {
			g.vars = append(g.vars, n)
		}
	}
	b.WriteString(")")
	g.vars = append(g.vars[:mark:mark], names...)
	for i := 0; i < g.pick(3); i++ {
		fmt.Fprintf(&b, " (%s %s %s)", g.of("setf", "incf", "decf"), names[g.pick(len(names))], g.expr(size-1))
	}
	fmt.Fprintf(&b, " %s)", g.expr(size-1))
	g.vars = g.vars[:mark]
	return b.String()
}

func (g *generator) loop(size int) string {
	if g.loops >= 2 {
		return g.expr(size - 1)
	}
	g.loops++
	defer func() { g.loops-- }()
	sum, i := g.name(), g.name()
	typ := scalarTypes[g.pick(8)]
	mark := len(g.vars)
	init := g.expr(size - 2)
	count := fmt.Sprint(g.pick(6))
	if g.pick(3) == 0 {
		count = fmt.Sprintf("(logand 7 %s) :max %d", g.expr(size-2), 1+g.pick(6))
	}
	// The loop variable is not set: only its uses are interesting.
	g.vars = append(g.vars, sum, "(progn "+i+")")
	body := fmt.Sprintf("(setf %s %s)", sum, g.expr(size-1))
	switch g.pick(4) {
	case 0:
		body = fmt.Sprintf("(when %s (break)) %s", g.expr(size-2), body)
	case 1:
		body = fmt.Sprintf("(when %s (continue)) %s", g.expr(size-2), body)
	}
	g.vars = g.vars[:mark]
	return fmt.Sprintf("(let ((%s %s %s)) (dotimes (%s %s) %s) %s)", sum, typ, init, i, count, body, sum)
}

// memory stores into the stack, copies and fills, and loads again.
func (g *generator) memory(size int) string {
	p := g.name()
	t := scalarTypes[g.pick(8)]
	n := map[byte]int{'8': 1, '1': 2, '3': 4, '6': 8}[t[1]]
	t2 := scalarTypes[g.pick(8)]
	n2 := map[byte]int{'8': 1, '1': 2, '3': 4, '6': 8}[t2[1]]
	off, off2 := n*g.pick(32/n), n2*g.pick(32/n2)
	middle := ""
	switch g.pick(4) {
	case 0:
		k := g.pick(20)
		middle = fmt.Sprintf("(memset %s %d %s %d)", p, g.pick(12), g.expr(size-2), k)
	case 1:
		middle = fmt.Sprintf("(memcpy %s %d %s %d %d)", p, 16+g.pick(8), p, g.pick(8), g.pick(9))
	case 2:
		middle = fmt.Sprintf("(store %s %s %d %s)", t2, p, off2, g.expr(size-2))
	}
	return fmt.Sprintf("(let ((%s (struct-alloc 32))) (store %s %s %d %s) %s (+ (load %s %s %d) (load %s %s %d)))",
		p, t, p, off, g.expr(size-1), middle, t2, p, off2, t, p, off)
}

// inputs are variables that hold numbers the compiler cannot know: a load
// of each type from the packet.
const inputs = `(x0 (load u8 data 14)) (x1 (load u16 data 16)) (x2 (load u32 data 20)) (x3 (load u64 data 24))
         (x4 (load i8 data 32)) (x5 (load i16 data 34)) (x6 (load i32 data 36)) (x7 (load i64 data 40))`

// Expressions makes a program of n random expressions over inputs from the
// packet; each result goes into the map out.
func Expressions(data []byte, n int) string {
	g := &generator{data: data}
	var b strings.Builder
	fmt.Fprintf(&b, "(defmap out :type :array :key u32 :value u64 :max-entries %d)\n", n)
	fmt.Fprintf(&b, "(defprog p (:type :xdp)\n  (with-packet (data data-end :min-len 64)\n    (let (%s)\n", inputs)
	for i := 0; i < n; i++ {
		g.vars = []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"}
		fmt.Fprintf(&b, "      (setf (getmap out %d) %s)\n", i, g.expr(4))
	}
	b.WriteString("      XDP_PASS)))\n")
	return b.String()
}
