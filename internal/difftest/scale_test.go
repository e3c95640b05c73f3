package difftest

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// A growth is a kind of program that comes in every size.
type growth struct {
	name string
	most int // the largest size that the verifier may take
	text func(n int) string
}

const (
	hashU64  = "(defmap m :type :hash :key u32 :value u64 :max-entries 10000)\n"
	arrayU64 = "(defmap m :type :array :key u32 :value u64 :max-entries 10000)\n"
)

// lines is n times form, with numbers for $i.
func lines(form string, n int) string {
	var s strings.Builder
	for i := range n {
		s.WriteString(strings.ReplaceAll(form, "$i", strconv.Itoa(i)) + "\n")
	}
	return s.String()
}

// prog is a program of n forms.
func prog(head, form string, n int) string {
	return head + "(defprog p (:type :xdp) (let ((x (ctx rx-queue-index)))\n" + lines(form, n) + "XDP_PASS))\n"
}

func forms(head, form string) func(n int) string {
	return func(n int) string { return prog(head, form, n) }
}

var growths = []growth{
	{"fresh", 8000, forms(hashU64, "(when (= (ctx rx-queue-index) $i) (setf (getmap m $i) 1))")},
	{"setf", 8000, forms(hashU64, "(when (= x $i) (setf (getmap m $i) x))")},
	{"logtest", 8000, forms(hashU64, "(when (logtest x $i) (setf (getmap m 1) x))")},
	{"incf-hash", 2000, forms(hashU64, "(when (= x $i) (incf (getmap m $i)))")},
	{"incf-array", 2000, forms(arrayU64, "(when (= x $i) (incf (getmap m $i)))")},
	{"incf-line", 2000, forms(hashU64, "(incf (getmap m $i))")},
	{"cond", 8000, func(n int) string {
		return prog(hashU64, "(cond "+lines("((= x $i) (setf (getmap m $i) x))", n)+")", 1)
	}},
	{"case", 8000, func(n int) string {
		return prog(hashU64, "(case x "+lines("($i (setf (getmap m 1) $i))", n)+")", 1)
	}},
	{"case-value", 8000, func(n int) string {
		return prog(hashU64, "(setf (getmap m 1) (case x "+lines("($i (+ x $i))", n)+" (t 5)))", 1)
	}},
	{"ops", 8000, forms(hashU64, "(setf x (logxor (+ x $i) (ash x 1)))")},
	{"let*", 8000, func(n int) string {
		var s strings.Builder
		for i := 1; i < n; i++ {
			fmt.Fprintf(&s, "(a%d (+ (* a%d 3) %d))\n", i, i-1, i)
		}
		return prog(hashU64, fmt.Sprintf("(let* ((a0 x) %s) (setf (getmap m 1) a%d))", &s, n-1), 1)
	}},
	{"maps", 8000, func(n int) string {
		return prog(lines("(defmap m$i :type :hash :key u32 :value u64 :max-entries 10)", n), "(when (= x $i) (setf (getmap m$i 1) x))", n)
	}},
	{"programs", 8000, func(n int) string {
		return hashU64 + lines("(defprog p$i (:type :xdp) (incf (getmap m $i)) (if (= (ctx rx-queue-index) $i) XDP_DROP XDP_PASS))", n/4)
	}},
	{"large-programs", 8000, inPrograms},
}

// inPrograms is a source of four programs with a quarter of n updates each.
func inPrograms(n int) string {
	s := hashU64
	for i := range 4 {
		s += strings.Replace(prog("", "(when (= (ctx rx-queue-index) $i) (setf (getmap m $i) 1))", n/4), "defprog p", fmt.Sprint("defprog p", i), 1)
	}
	return s
}

func scaled(tb testing.TB, text string, trace func(string, string, fmt.Stringer)) *compile.Result {
	r, errs := compile.Compile([]*source.File{source.NewFile("scale.lisp", text)}, compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64"}, Trace: trace})
	if errs.Errors() != nil {
		tb.Fatal(errs)
	}
	return r
}

// TestScale wants work that grows with the program: four times as long, it
// may cost five times the memory, and no more turns of the passes than a few.
func TestScale(t *testing.T) {
	for _, g := range growths {
		t.Run(g.name, func(t *testing.T) {
			work := func(n int) (bytes uint64, passes int) {
				var before, after runtime.MemStats
				text := g.text(n)
				runtime.GC() // twice, for pools to lend nothing
				runtime.GC()
				runtime.ReadMemStats(&before)
				scaled(t, text, nil)
				runtime.ReadMemStats(&after)
				programs := map[string]bool{}
				scaled(t, text, func(program, stage string, _ fmt.Stringer) {
					programs[program] = true
					passes++
				})
				return after.TotalAlloc - before.TotalAlloc, passes / len(programs)
			}
			work(10) // what is made once
			bytes, passes := work(250)
			bytes4, passes4 := work(1000)
			if bytes4 > 5*bytes {
				t.Errorf("%d bytes for 250, %d for 1000: %.1f times as many", bytes, bytes4, float64(bytes4)/float64(bytes))
			}
			if passes4 > passes+passes/4 {
				t.Errorf("%d passes for 250, %d for 1000", passes, passes4)
			}
		})
	}
}

// TestScaleLoads gives large programs to the kernel.
func TestScaleLoads(t *testing.T) {
	for name, text := range map[string]string{
		"8,000 updates":              growths[0].text(8000),
		"12,800 updates in programs": inPrograms(12800),
		"800 updates in a row":       forms(hashU64, "(incf (getmap m $i))")(800),
		"a case of 4,000 keys":       prog(hashU64, "(setf (getmap m 1) (case x "+lines("($i (* x $i))", 4000)+" (t 5)))", 1),
	} {
		t.Run(name, func(t *testing.T) {
			r := scaled(t, text, nil)
			if !Privileged() {
				t.Skip("not loaded into the kernel: needs root")
			}
			c, err := load.Open(r.Object)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
	}
}

// TestScaleRefused: more branches than the verifier keeps are an error of the
// source.
func TestScaleRefused(t *testing.T) {
	_, errs := compile.Compile([]*source.File{source.NewFile("scale.lisp", growths[0].text(8300))}, compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64"}})
	if errs = errs.Errors(); len(errs) != 1 || errs[0].Code != "too-large" {
		t.Errorf("%v", errs)
	}
}

// BenchmarkCompile compiles programs of about 100 slots, and of 500 forms and
// more.
func BenchmarkCompile(b *testing.B) {
	for _, g := range growths {
		for _, n := range []int{9, 500, 2000, 8000} {
			if n > g.most {
				continue
			}
			b.Run(fmt.Sprint(g.name, "/", n), func(b *testing.B) {
				text := g.text(n)
				b.ReportAllocs()
				for b.Loop() {
					scaled(b, text, nil)
				}
			})
		}
	}
}
