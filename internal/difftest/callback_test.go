package difftest

import (
	"flag"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/load"
)

var callbackPrograms = flag.Int("callbacks", 100, "random programs with callbacks that TestCallbacks compares")

// repeater makes programs whose callbacks change variables around them, some of
// which decide something: how often the verifier walks such a body depends on what
// it knows of them.
type repeater struct {
	r     *rand.Rand
	names int
}

func (g *repeater) of(choices ...string) string { return choices[g.r.Intn(len(choices))] }

func (g *repeater) variable() string { return g.of("n", "n", "m", "p") }

func (g *repeater) number() int { return g.r.Intn(4 + 40*g.r.Intn(3)) }

// value is a number: x is one of which little is known.
func (g *repeater) value(x string) string {
	return g.of(x, x, g.variable(), fmt.Sprint(g.number()), "(get-prandom-u32)", fmt.Sprintf("(logand %d %s)", g.number(), x))
}

func (g *repeater) test(x string) string {
	v := g.of(g.variable(), g.variable(), x, "(get-prandom-u32)")
	return g.of(fmt.Sprintf("(%s %s %d)", g.of("=", ">", "<", "/="), v, g.number()), fmt.Sprintf("(%s %s %s)", g.of("=", ">", "s<"), v, g.value(x)),
		fmt.Sprintf("(logtest %s %d)", v, 1<<g.r.Intn(3)))
}

// statement does something with x, deep in so many others.
func (g *repeater) statement(x string, depth int) string {
	v := g.variable()
	switch n := g.r.Intn(16); {
	case n < 4:
		return fmt.Sprintf("(%s %s)", g.of("incf", "incf", "decf"), v)
	case n < 6:
		return fmt.Sprintf("(incf %s %s)", v, g.value(x))
	case n < 8:
		return fmt.Sprintf("(setf %s %s)", v, g.of(g.value(x), g.value(x), fmt.Sprintf("(logand %d (1+ %s))", 1<<g.r.Intn(6)-1, v), fmt.Sprintf("(* 3 %s)", v)))
	case n < 10 && depth < 3:
		return fmt.Sprintf("(when %s %s)", g.test(x), g.statement(x, depth+1))
	case n == 10:
		return g.of(fmt.Sprintf("(incf (getmap h %s))", v), fmt.Sprintf("(incf (getmap arr (logand 3 %s)))", v), fmt.Sprintf("(setf g %s)", v), "(incf (getmap arr 1))", fmt.Sprintf("(incf %s (getmap arr 2))", v),
			fmt.Sprintf("(remmap h (logand 7 (<< %s 4)))", v),
			fmt.Sprintf("(let ((a (array u32 4))) (setf (aref a (logand 3 (get-prandom-u32))) (logand 7 (<< %s 4))) (incf %s (aref a 1)))", v, g.variable()))
	case n == 11:
		return fmt.Sprintf("(when %s (return 2))", g.test(x))
	case n == 12:
		return fmt.Sprintf("(let ((s (struct-alloc 16))) (store u64 s 0 %s) (store u32 s 8 %s) (incf %s (load u%s s %s)))", v, g.value(x), g.variable(), g.of("32", "64"), g.of("0", "8"))
	case n == 13 && depth < 2:
		g.names++
		i := fmt.Sprintf("i%d", g.names)
		return fmt.Sprintf("(dotimes (%s %d) %s)", i, 1+g.r.Intn(6), g.statement(i, depth+1))
	case n == 14 && depth < 2:
		return g.callback(depth + 1)
	}
	return fmt.Sprintf("(incf %s)", v)
}

func (g *repeater) callback(depth int) string {
	g.names++
	k, v := fmt.Sprintf("k%d", g.names), fmt.Sprintf("v%d", g.names)
	x := g.of(k, v)
	head := fmt.Sprintf("(for-each-map-elem (%s %s small)", k, v)
	if g.r.Intn(2) == 0 {
		x = k
		head = fmt.Sprintf("(bpf-loop (%s %s)", k, g.of("3", "10", "60", "300", "5000", "g", "(logand 15 (get-prandom-u32))"))
	}
	var body []string
	for range 1 + g.r.Intn(3) {
		body = append(body, g.statement(x, depth))
	}
	return fmt.Sprintf("%s %s 0)", head, strings.Join(body, " "))
}

func (g *repeater) program() string {
	start := func() string {
		return g.of("u64 ", "u64 ", "u32 ", "u8 ", "i64 ") + g.of("0", "0", "7", "g", "(get-prandom-u32)", "(logand 7 (get-prandom-u32))")
	}
	var body []string
	for range 1 + g.r.Intn(2) {
		c := g.callback(0)
		if g.r.Intn(8) == 0 {
			c = fmt.Sprintf("(dotimes (j %d) %s)", 2+g.r.Intn(12), c)
		}
		body = append(body, c)
		if g.r.Intn(2) == 0 {
			body = append(body, fmt.Sprintf("(when %s (incf g))", g.test("g")))
		}
	}
	end := g.of("1", "(progn (setf g n) 1)", "(progn (setf g (+ n m p)) 2)", fmt.Sprintf("(if %s 1 2)", g.test("g")))
	return fmt.Sprintf(`
(defmap small :type :hash :key u32 :value u16 :max-entries 8)
(defmap h :type :hash :key u32 :value u32 :max-entries 8)
(defmap arr :type :array :key u32 :value u32 :max-entries 4)
(defglobal g u64)
(defprog p (:type :xdp)
  (let ((n %s) (m %s) (p %s))
    %s
    %s))
`, start(), start(), start(), strings.Join(body, "\n    "), end)
}

// TestCallbacks compares how far the compiler walks programs with callbacks with
// what the verifier counts: what is refused here, it refuses, and the other way but
// for a few.
func TestCallbacks(t *testing.T) {
	NeedKernel(t)
	r := rand.New(rand.NewSource(*seed))
	compared, same, refused, missed, off := 0, 0, 0, 0, 0.0
	for i := range *callbackPrograms {
		g := &repeater{r: rand.New(rand.NewSource(r.Int63()))}
		src := g.program()
		u, err := compileWith("random.lisp", src, nil, options(3))
		code := ""
		if err != nil {
			if code = onlyCode(err); code != "too-complex" {
				t.Fatalf("%v\n%s", err, src)
			}
			if u, err = compileWith("random.lisp", src, map[string]bool{"facts": true}, options(3)); err != nil {
				t.Fatalf("%v\n%s", err, src)
			}
		}
		coll, err := load.Open(u.Result.Object)
		if err != nil {
			if code == "" {
				missed++
				t.Logf("program %d: only the kernel refuses it: %.200s\n%s", i, err, src)
				continue
			}
			refused++
			continue
		}
		n := float64(coll.Processed("p"))
		coll.Close()
		if code != "" {
			t.Errorf("program %d: only refused here, the kernel walks %v instructions:\n%s", i, n, src)
			continue
		}
		ours := float64(u.Result.Programs[0].Walked)
		compared++
		if ours == n {
			same++
		}
		d := math.Log(ours / n)
		off += math.Abs(d)
		if math.Abs(d) > math.Log(1.3) {
			t.Logf("program %d: %v walked here, %v in the kernel:\n%s", i, ours, n, src)
		}
	}
	mean := math.Exp(off / float64(max(compared, 1)))
	if mean > 1.25 || 50*missed > *callbackPrograms {
		t.Errorf("on the mean %.1f %% apart, %d that the kernel alone refuses", 100*(mean-1), missed)
	}
	t.Logf("%d programs, %d to the instruction, on the mean %.1f %% apart; %d refused, of %d more the kernel alone refuses", compared, same, 100*(mean-1), refused, missed)
}
