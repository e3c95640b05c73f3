package difftest

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// TestExamples compiles the examples: no finding may be an error.
func TestExamples(t *testing.T) {
	files, _ := filepath.Glob("../../examples/*.lisp")
	for _, file := range files {
		if strings.HasSuffix(file, "-test.lisp") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, cpu := range []int{2, 3, 4} {
			u, err := Compile(filepath.Base(file), string(text), nil, cpu)
			if err != nil && (strings.Contains(err.Error(), "is not known here") || strings.Contains(err.Error(), "are not known here")) {
				t.Logf("%s needs the formats of this kernel's tracepoints, or its types", file) // e2e compiles it
				break
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			for _, w := range u.Result.Warnings {
				t.Errorf("%s: %v", file, w)
			}
		}
	}
}

// pointers makes programs out of statements about pointers that may be null,
// packets of unknown length and ring-buffer records: some are right, most
// are not.
type pointers struct {
	r     *rand.Rand
	depth int
}

func (g *pointers) of(choices ...string) string { return choices[g.r.Intn(len(choices))] }

func (g *pointers) pointer() string { return g.of("v", "w", "u") }

func (g *pointers) test() string {
	switch g.r.Intn(18) {
	case 14:
		return fmt.Sprintf("(%s (+ q %d) e)", g.of("<=", "<", ">", ">="), 4*g.r.Intn(4))
	case 15:
		return fmt.Sprintf("(%s (load u64 (stack-addr m) 0) %d)", g.of("=", "/=", "<"), g.r.Intn(3))
	case 16:
		return fmt.Sprintf("(%s (cast %s %s) %d)", g.of("=", "<", ">", "s<", "s>"), g.of("u8", "u32", "i32", "i8"), g.of("k", "n", "m"), g.r.Intn(6)-2)
	case 17:
		return fmt.Sprintf("(%s %s %s)", g.of("=", "<", "<=", "/="), g.of("k", "n", "ok", "x"), g.of("k", "n", "m", "x"))
	case 0, 1, 2:
		return g.pointer()
	case 3:
		return "(not " + g.pointer() + ")"
	case 4:
		return fmt.Sprintf("(and %s %s)", g.test(), g.test())
	case 5:
		return fmt.Sprintf("(or %s %s)", g.test(), g.test())
	case 6:
		return fmt.Sprintf("(%s %s 0)", g.of("=", "/="), g.pointer())
	case 7:
		return fmt.Sprintf("(%s %s %d)", g.of("=", "/=", "<", ">"), g.of("ok", "n", "k"), g.r.Intn(4))
	case 8, 9:
		return fmt.Sprintf("(%s (+ d %d) e)", g.of("<=", "<", ">", ">="), 4*g.r.Intn(8))
	case 10:
		return fmt.Sprintf("(%s e (+ d %d))", g.of("<=", "<", ">", ">="), 4*g.r.Intn(8))
	case 11:
		return fmt.Sprintf("(= (logand k %d) %d)", 1+g.r.Intn(3), g.r.Intn(4))
	case 12:
		return "r"
	}
	return g.of("ok", "n", "x")
}

func (g *pointers) statement() string {
	if g.depth > 3 {
		return g.access()
	}
	g.depth++
	defer func() { g.depth-- }()
	switch g.r.Intn(24) {
	case 16:
		return "(xdp-adjust-head (ctx-ptr) 0)"
	case 17:
		return "(progn (xdp-adjust-head (ctx-ptr) 0) (setf d (ctx data) e (ctx data-end) q d))"
	case 18:
		return fmt.Sprintf("(setf q (+ d %s))", g.of("(logand k 15)", "(logand n 7)", "x", "4", "(<< (logand k 3) 2)", "(+ 4 (logand k 15))", "(cast u8 m)"))
	case 19:
		return fmt.Sprintf("(setf n %s)", g.of("(get-prandom-u32)", "(ktime-get-ns)", "(map-delete h 7)", "(load u64 (stack-addr m) 0)", "(ash k -3)", "(- k 1)", "(* k 3)", "(mod k 4)", "(/ k 7)", "(logxor k 1)", "(get-smp-processor-id)"))
	case 20:
		return fmt.Sprintf("(store u64 (stack-addr m) 0 %s)", g.of("ok", "n", "1", "0", "x"))
	case 21:
		return fmt.Sprintf("(setf m %s)", g.of("0", "1", "ok", "k", "(/= v 0)"))
	case 22:
		return fmt.Sprintf("(block b (unless %s (return-from b 0)) %s)", g.test(), g.statements())
	case 23:
		return fmt.Sprintf("(dotimes (j %d) (when %s (%s)) %s)", 2+g.r.Intn(3), g.test(), g.of("break", "continue"), g.statements())
	case 0, 1, 2:
		return fmt.Sprintf("(when %s %s)", g.test(), g.statements())
	case 3:
		return fmt.Sprintf("(unless %s %s)", g.test(), g.statements())
	case 4:
		return fmt.Sprintf("(if %s (progn %s) (progn %s))", g.test(), g.statements(), g.statements())
	case 5, 6:
		return fmt.Sprintf("(unless %s %s (return 1))", g.test(), g.of("", "(when r (ringbuf-discard r 0))"))
	case 7:
		return fmt.Sprintf("(setf %s %d)", g.of("ok", "n", "x"), g.r.Intn(3))
	case 8:
		return fmt.Sprintf("(setf ok (%s %s 0))", g.of("=", "/="), g.pointer())
	case 9:
		return fmt.Sprintf("(setf %s (map-lookup h %s))", g.pointer(), g.of("1", "k", "n"))
	case 10:
		return fmt.Sprintf("(setf %s %s)", g.pointer(), g.pointer())
	case 11:
		return fmt.Sprintf("(dotimes (i %d) %s)", 1+g.r.Intn(4), g.statements())
	case 12:
		return g.of("(when r (ringbuf-discard r 0) (setf r 0))", "(when r (ringbuf-submit r 0))", "(when r (ringbuf-discard r 0) (return 2))")
	case 13:
		return g.of("(setf x (<= (+ d 8) e))", "(setf n (logand k 3))", "(setf ok (logior ok x))", "(setf n (+ n 1))")
	}
	return g.access()
}

func (g *pointers) access() string {
	switch g.r.Intn(9) {
	case 6:
		return fmt.Sprintf("(incf sum (load u16 q %d))", 2*g.r.Intn(6))
	case 7:
		return fmt.Sprintf("(when (%s (+ q %d) e) (incf sum (load u16 q %d)))", g.of("<=", "<", ">"), 4*g.r.Intn(4), 2*g.r.Intn(6))
	case 8:
		return "(incf sum (load u32 (+ d n) 0))"
	case 0, 1:
		return fmt.Sprintf("(incf sum (load u64 %s 0))", g.pointer())
	case 2:
		return fmt.Sprintf("(when %s (incf sum (load u64 %s 0)))", g.of("ok", "x", "n", "v", "w", "u"), g.pointer())
	case 3:
		return fmt.Sprintf("(incf sum (load u32 d %d))", 4*g.r.Intn(8))
	case 4:
		return fmt.Sprintf("(when %s (incf sum (load u32 d %d)))", g.test(), 4*g.r.Intn(8))
	}
	return "(when r (store u64 r 0 sum))"
}

func (g *pointers) statements() string {
	var b strings.Builder
	for range 1 + g.r.Intn(2) {
		b.WriteString(g.statement() + " ")
	}
	return b.String()
}

func (g *pointers) program() string {
	var b strings.Builder
	b.WriteString("(defmap h :type :hash :key u32 :value u64 :max-entries 8)\n(defmap rb :type :ringbuf :max-entries 4096)\n")
	b.WriteString("(defprog p ()\n (let* ((d (ctx data)) (e (ctx data-end)) (k (ctx rx-queue-index)) (ok 0) (n 0) (x 0) (sum 0) (m 0) (q d)\n")
	b.WriteString("   (v (map-lookup h 1)) (w (map-lookup h 2)) (u v) (r ")
	b.WriteString(g.of("(ringbuf-reserve rb 8 0)", "v", "w", "v") + "))\n")
	src := b.String()
	b.Reset()
	for range 2 + g.r.Intn(4) {
		b.WriteString("  " + g.statement() + "\n")
	}
	body := b.String()
	if !strings.Contains(src, "ringbuf-reserve") { // r is a map value then
		body = strings.NewReplacer("(ringbuf-discard r 0)", "0", "(ringbuf-submit r 0)", "0").Replace(body)
	}
	last := g.of("", "  (when r (ringbuf-discard r 0))\n")
	if !strings.Contains(src, "ringbuf-reserve") {
		last = ""
	}
	return src + body + last + "  (setf (getmap h 3) sum)\n  2))\n"
}

// TestBlame compares the analysis with the verifier on random programs: it
// blames next to none that the kernel accepts. Where a pointer behind the end
// of the packet is in a register and spilled, too, the verifier forgets what
// it learnt of one of the two, and which one is not known before the
// allocator. How many of the others it finds is printed.
func TestBlame(t *testing.T) {
	NeedKernel(t)
	r := rand.New(rand.NewSource(*seed))
	good, found, missed, blamed := 0, 0, 0, 0
	for range *blames {
		g := &pointers{r: r}
		src := g.program()
		u, err := Compile("random.lisp", src, map[string]bool{"facts": true}, 3)
		if err != nil {
			continue
		}
		_, blame := Compile("random.lisp", src, nil, 3)
		coll, err := load.Open(u.Result.Object)
		switch {
		case err == nil && blame != nil:
			coll.Close()
			if blamed++; testing.Verbose() && blamed <= 3 {
				t.Logf("blamed, but the kernel accepts it: %v\n%s", source.AsList(blame).Errors()[0], src)
			}
		case err == nil:
			coll.Close()
			good++
		case blame == nil:
			missed++
			if testing.Verbose() && missed <= 3 {
				t.Logf("not found: %v\n%s", err, src)
			}
		default:
			found++
		}
	}
	t.Logf("%d accepted, %d refused and found, %d refused only by the kernel, %d only here", good, found, missed, blamed)
	if 50*blamed > *blames {
		t.Errorf("%d of %d programs are only refused here", blamed, *blames)
	}
}
