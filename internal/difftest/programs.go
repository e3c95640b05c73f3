package difftest

import (
	"fmt"
	"strings"
)

// A programmer makes whole programs on top of the generator's expressions:
// maps of several kinds, structs, packets, loops, subprograms, globals and
// ring-buffer records.
type programmer struct {
	generator
	subs  []sub // that may be called
	depth int   // nesting of statements
	calls bool  // inside of a callback, which calls no other
	bound bool  // data and data-end are in scope
	p     int   // fresh names of pointers
}

type sub struct {
	name string
	args int
}

// declarations are what every random source has.
const declarations = `(defstruct key (a u32) (b u16) (c i8))
(defstruct val (x u32) (y i16) (z u64) (w (array u8 6)))
(defmap out :type :array :key u32 :value u64 :max-entries 16)
(defmap small :type :array :key u32 :value i16 :max-entries 4)
(defmap h :type :hash :key u32 :value u64 :max-entries 16)
(defmap narrow :type :hash :key u8 :value u32 :max-entries 300)
(defmap cpu :type :percpu-array :key u32 :value u64 :max-entries 4)
(defmap keyed :type :hash :key key :value u32 :max-entries 16)
(defmap structs :type :hash :key u16 :value val :max-entries 16)
(defmap ring :type :ringbuf :max-entries 4096)
(defglobal g0 u64) (defglobal g1 u16 40000) (defglobal g2 i32 -7) (defglobal g3 u8 200 :const t)
`

// Programs makes a source of n random programs, p0 to p(n-1).
func Programs(data []byte, n int) string {
	g := &programmer{generator: generator{data: data}}
	var b strings.Builder
	b.WriteString(declarations)
	for i := 0; i < 2; i++ {
		args := 1 + g.pick(4)
		var params []string
		g.vars = nil
		for j := 0; j < args; j++ {
			t := scalarTypes[g.pick(8)]
			params = append(params, fmt.Sprintf("(a%d %s)", j, t))
			g.vars = append(g.vars, fmt.Sprintf("a%d", j))
		}
		global := ""
		if g.pick(3) == 0 {
			global = " (:global t)"
		}
		fmt.Fprintf(&b, "(defsubprog f%d (%s) %s%s\n  %s %s)\n", i, strings.Join(params, " "), scalarTypes[g.pick(8)], global, g.statements(1), g.expr(3))
		g.subs = append(g.subs, sub{fmt.Sprintf("f%d", i), args})
	}
	for i := 0; i < n; i++ {
		g.vars = []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "g0", "g1", "g2"}
		g.bound = true
		fmt.Fprintf(&b, "(defprog p%d (:type :xdp)\n  (with-packet (data data-end :min-len 64)\n    (let (%s (m (struct-alloc 32)))\n%s      %s)))\n", i, inputs, g.statements(0), g.of("XDP_PASS", "XDP_DROP", "(logand 3 x0)"))
		g.bound = false
	}
	return b.String()
}

// statements gives up to five forms, indented.
func (g *programmer) statements(size int) string {
	if g.depth > 2 {
		return ""
	}
	g.depth++
	defer func() { g.depth-- }()
	var b strings.Builder
	for i := 0; i < 1+g.pick(6-2*min(g.depth, 2)); i++ {
		if len(g.data) == 0 {
			break
		}
		b.WriteString("      " + g.statement(size) + "\n")
	}
	return b.String()
}

// number is an expression for any place: a literal would be refused where it
// does not fit.
func (g *programmer) number() string {
	return fmt.Sprintf("(cast %s %s)", g.of("u64", "i64"), g.expr(2+g.pick(2)))
}

// settable is a variable that may be assigned: not a loop's.
func (g *programmer) settable() string {
	for i := 0; i < 4; i++ {
		v := g.variable()
		if v[0] != '(' && v != "3" {
			return v
		}
	}
	return "g0"
}

func (g *programmer) pointer() string {
	g.p++
	return fmt.Sprintf("p%d", g.p)
}

func (g *programmer) statement(size int) string {
	switch g.pick(29) {
	case 0, 1:
		return fmt.Sprintf("(setf (getmap out %d) %s)", g.pick(16), g.number())
	case 2:
		return fmt.Sprintf("(incf (getmap out (logand 15 %s)) %s)", g.number(), g.number())
	case 3:
		return fmt.Sprintf("(%s (getmap h (logand 7 %s)) %s)", g.of("incf", "decf"), g.number(), g.number())
	case 4:
		return fmt.Sprintf("(setf (getmap %s) %s)", g.of("h "+g.number(), "narrow "+g.number(), "small (logand 3 "+g.number()+")", "cpu 2"), g.number())
	case 5:
		return fmt.Sprintf("(remmap %s)", g.of("h (logand 7 "+g.number()+")", "narrow "+g.number()))
	case 6:
		return fmt.Sprintf("(setf (getmap out %d) (getmap %s %s))", g.pick(16), g.of("h (logand 7 "+g.number()+")", "narrow "+g.number(), "small (logand 3 "+g.number()+")", "cpu (logand 7 "+g.number()+")"), g.number())
	case 7:
		p := g.pointer()
		return fmt.Sprintf("(when-let ((%s (map-lookup h (logand 7 %s)))) (%s) (setf (getmap out %d) (load %s %s %d)))", p, g.number(),
			g.of("atomic-add "+p+" 0 "+g.number(), "store u16 "+p+" 2 "+g.number(), "atomic-fetch-xor "+p+" 0 "+g.number(), "memset "+p+" 1 "+g.number()+" 5"), g.pick(16), scalarTypes[g.pick(8)], p, 0)
	case 8:
		p := g.pointer()
		return fmt.Sprintf("(let ((%s (make-key))) (setf (key-a %s) %s (key-b %s) (logand 3 %s) (key-c %s) %s) (%s (getmap keyed %s) %s))", p, p, g.number(), p, g.number(), p, g.number(), g.of("incf", "setf", "decf"), p, g.number())
	case 9:
		p := g.pointer()
		return fmt.Sprintf("(let ((%s (make-val))) (setf (val-x %s) %s (val-y %s) %s (val-w %s (logand 3 %s)) %s) (incf (val-z %s) %s) (setf (getmap structs (logand 7 %s)) %s) (incf g0 (+ (val-y %s) (val-w %s 3))))",
			p, p, g.number(), p, g.number(), p, g.number(), g.number(), p, g.number(), g.number(), p, p, p)
	case 10:
		p := g.pointer()
		return fmt.Sprintf("(when-let ((%s (getmap structs (logand 7 %s)))) (setf (val-%s %s) %s) (incf (val-y %s) %s) (setf (getmap out %d) (val-x %s)))", p, g.number(), g.of("x", "z", "y"), p, g.number(), p, g.number(), g.pick(16), p)
	case 11:
		return fmt.Sprintf("(%s %s %s)", g.of("setf", "incf", "decf"), g.settable(), g.number())
	case 12:
		return fmt.Sprintf("(%s %s\n%s)", g.of("when", "unless"), g.number(), g.statements(size+1))
	case 13:
		return fmt.Sprintf("(if %s\n (progn\n%s 0) (progn\n%s 0))", g.number(), g.statements(size+1), g.statements(size+1))
	case 14:
		i := g.name()
		mark := len(g.vars)
		g.vars = append(g.vars, "(progn "+i+")")
		s := fmt.Sprintf("(dotimes (%s %d)\n%s %s)", i, 1+g.pick(4), g.statements(size+2), g.of("0", "(when "+g.expr(1)+" (break))", "(when "+g.expr(1)+" (continue))"))
		g.vars = g.vars[:mark]
		return s
	case 15:
		i, init := g.name(), g.expr(1)
		mark := len(g.vars)
		g.vars = append(g.vars, "(progn "+i+")")
		s := fmt.Sprintf("(let ((%s %s)) (while (/= 0 %s) :max %d (setf %s (%s)) %s))", i, init, i, 1+g.pick(5), i, g.of(">> "+i+" 9", "logand "+i+" (1- "+i+")", "/ "+i+" 7"), g.statements(size+2))
		g.vars = g.vars[:mark]
		return s
	case 16, 17:
		if g.calls || size > 0 {
			return fmt.Sprintf("(setf g1 %s)", g.number())
		}
		return g.callback()
	case 18:
		if len(g.subs) == 0 {
			return fmt.Sprintf("(incf g2 %s)", g.number())
		}
		s := g.subs[g.pick(len(g.subs))]
		call := "(" + s.name
		for i := 0; i < s.args; i++ {
			call += " " + g.number()
		}
		if !g.bound {
			return fmt.Sprintf("(incf g0 %s)", g.number())
		}
		return fmt.Sprintf("(setf (getmap out %d) %s))", g.pick(16), call)
	case 19:
		if !g.bound || g.calls {
			return "(setf g0 (+ g0 g3))"
		}
		return g.of(fmt.Sprintf("(store u8 data %d %s)", g.pick(64), g.number()), fmt.Sprintf("(store u32 data %d %s)", g.pick(61), g.number()),
			fmt.Sprintf("(setf (getmap out 1) (load %s data %d))", scalarTypes[g.pick(8)], g.pick(57)), fmt.Sprintf("(memcpy data %d data %d %d)", g.pick(20), 30+g.pick(10), g.pick(20)),
			fmt.Sprintf("(setf (ipv4-ttl (+ data 14)) %s)", g.number()))
	case 20:
		v := g.name()
		mark := len(g.vars)
		init := g.number()
		g.vars = append(g.vars, v)
		s := fmt.Sprintf("(let ((%s %s %s))\n%s)", v, scalarTypes[g.pick(8)], init, g.statements(size+1)+" 0")
		g.vars = g.vars[:mark]
		return s
	case 21:
		if g.calls {
			return "(incf g1)"
		}
		p := g.pointer()
		return fmt.Sprintf("(with-ringbuf (%s ring %d) (store u64 %s 0 %s) (store u32 %s 8 %s) (store u32 %s 12 g1) %s)", p, 16, p, g.number(), p, g.number(), p, g.of("0", "(when "+g.expr(1)+" (return 2))"))
	case 22:
		if g.depth < 2 {
			return fmt.Sprintf("(incf g0 %s)", g.number())
		}
		if g.calls {
			return fmt.Sprintf("(when (= %s 5) (break))", g.expr(1))
		}
		return fmt.Sprintf("(when %s (return (logand 3 %s)))", g.expr(1), g.expr(1))
	case 23, 24, 25: // memory that lives as long as the program
		if !g.bound || g.calls {
			return "(setf g0 (1+ g1))"
		}
		t := g.pick(8)
		size := 1 << (t % 4)
		at := size * g.pick(32/size)
		return g.of(fmt.Sprintf("(store %s m %d %s)", scalarTypes[t], at, g.number()),
			fmt.Sprintf("(setf (getmap out %d) (load %s m %d))", g.pick(16), scalarTypes[t], at),
			fmt.Sprintf("(incf g0 (load %s m %d))", scalarTypes[t], at),
			fmt.Sprintf("(setf g2 (+ %s (atomic-cmpxchg m %d %s %s)))", g.expr(1), 8*g.pick(4), g.expr(1), g.number()))
	case 26:
		if !g.bound || g.calls {
			return "(setf g1 (+ g1 g3))"
		}
		return g.gather()
	case 27:
		if !g.bound || g.calls {
			return "(setf g2 (+ g1 g3))"
		}
		return g.turns()
	}
	return fmt.Sprintf("(case %s (%d\n%s 1) ((3 %d)\n%s 2) (t 3))", g.expr(1), g.pick(3), g.statements(size+2), 4+g.pick(9), g.statements(size+2))
}

// gather copies fields of the packet that stand side by side, some of them in
// another byte order or cut off, to memory, and uses some of them once more.
func (g *programmer) gather() string {
	width := 1 << g.pick(3)
	n := 2 + g.pick(3)
	from, to := g.pick(64-4*width), width*g.pick(32/width-n+1)
	var binds, stores []string
	again := "0"
	for i := range n {
		v := g.name()
		x := fmt.Sprintf("(load u%d data %d)", 8*width, from+i*width)
		switch {
		case g.pick(4) == 0:
			x = fmt.Sprintf("(%s %s)", g.of("cast u8", "cast u16", "cast u32", "logand 255", "logand 65535"), x)
		case width == 2:
			x = fmt.Sprintf("(%s %s)", g.of("htons", "ntohs", "progn"), x)
		case width == 4:
			x = fmt.Sprintf("(%s %s)", g.of("htonl", "ntohl", "progn"), x)
		}
		binds = append(binds, fmt.Sprintf("(%s %s)", v, x))
		stores = append(stores, fmt.Sprintf("(store u%d m %d %s)", 8*width, to+i*width, v))
		if g.pick(3) == 0 {
			again = fmt.Sprintf("(incf g0 %s)", v)
		}
	}
	if g.pick(3) == 0 {
		stores[0], stores[1] = stores[1], stores[0]
	}
	return fmt.Sprintf("(let (%s) %s %s (setf (getmap out 2) (load u64 m %d)))", strings.Join(binds, " "), strings.Join(stores, " "), again, 8*g.pick(4))
}

// turns is a loop, too long for a copy of each turn, whose turns read words of
// memory that the turn before has written, in one piece most often.
func (g *programmer) turns() string {
	i := g.name()
	mark := len(g.vars)
	g.vars = append(g.vars, "(progn "+i+")")
	word := func() string {
		at := 8 * g.pick(4)
		if g.pick(8) == 0 {
			return fmt.Sprintf("%s m %d", g.of("u8", "i16", "u32", "i32"), at+4*g.pick(2))
		}
		return fmt.Sprintf("%s m %d", g.of("u32", "u64", "u16", "u64"), at)
	}
	var words, body []string
	for range 1 + g.pick(4) {
		words = append(words, word())
	}
	for range 2 + g.pick(5) {
		w := words[g.pick(len(words))]
		from := []string{w, w, words[g.pick(len(words))], word()}[g.pick(4)]
		with := g.of(g.variable(), fmt.Sprintf("(load %s)", words[g.pick(len(words))]), "(progn "+i+")", "77")
		body = append(body, fmt.Sprintf("(store %s (%s (load %s) (cast u64 %s)))", w, g.of("+", "logxor", "-", "logior", "*", "+"), from, with))
	}
	s := fmt.Sprintf("(dotimes (%s %d) %s) (setf (getmap out %d) (load %s))", i, 6+g.pick(9), strings.Join(body, " "), g.pick(16), g.of(words...))
	g.vars = g.vars[:mark]
	return "(progn " + s + ")"
}

// callback is a body that the kernel calls.
func (g *programmer) callback() string {
	i, k := g.name(), g.name()
	mark, vars := len(g.vars), g.vars
	g.calls = true
	var s string
	if g.pick(3) > 0 {
		g.vars = append(g.vars, "(progn "+i+")")
		s = fmt.Sprintf("(bpf-loop (%s %d)\n%s %s)", i, g.pick(5), g.statements(2), g.of("0", "(when "+g.expr(1)+" (break))", "(when "+g.expr(1)+" (continue))", "(when "+g.expr(1)+" (return 1))"))
	} else {
		g.vars = append(g.vars, "(progn "+i+")", "(progn "+k+")")
		s = fmt.Sprintf("(for-each-map-elem (%s %s %s)\n%s 0)", i, k, g.of("small", "out"), g.statements(2))
	}
	g.calls = false
	g.vars = vars[:mark]
	return s
}
