package difftest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

// A growth is a kind of program that comes in every size.
type growth struct {
	name string
	text func(n int) string
}

const (
	hashU64  = "(defmap m :type :hash :key u32 :value u64 :max-entries 10000)\n"
	arrayU64 = "(defmap m :type :array :key u32 :value u64 :max-entries 10000)\n"
)

// prog is a program of n forms.
func prog(head, form string, n int) string {
	var s strings.Builder
	s.WriteString(head)
	s.WriteString("(defprog p (:type :xdp) (let ((x (ctx rx-queue-index)))\n")
	for i := range n {
		s.WriteString(strings.ReplaceAll(form, "$i", fmt.Sprint(i)))
		s.WriteString("\n")
	}
	s.WriteString("XDP_PASS))\n")
	return s.String()
}

func forms(head, form string) func(n int) string {
	return func(n int) string { return prog(head, form, n) }
}

var growths = []growth{
	{"fresh", forms(hashU64, "(when (= (ctx rx-queue-index) $i) (setf (getmap m $i) 1))")},
	{"setf", forms(hashU64, "(when (= x $i) (setf (getmap m $i) x))")},
	{"setf-const", forms(hashU64, "(when (= x $i) (setf (getmap m $i) $i))")},
	{"logtest", forms(hashU64, "(when (logtest x $i) (setf (getmap m 1) x))")},
	{"incf-hash", forms(hashU64, "(when (= x $i) (incf (getmap m $i)))")},
	{"incf-array", forms(arrayU64, "(when (= x $i) (incf (getmap m $i)))")},
	{"incf-line", forms(hashU64, "(incf (getmap m $i))")},
	{"cond", func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "((= x %d) (setf (getmap m %d) x))\n", i, i)
		}
		return prog(hashU64, "(cond "+s.String()+")", 1)
	}},
	{"case", func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "(%d (setf (getmap m 1) %d))\n", i, i)
		}
		return prog(hashU64, "(case x "+s.String()+")", 1)
	}},
	{"case-value", func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "(%d %d)\n", 3*i, i*7%1000)
		}
		return prog(hashU64, "(setf (getmap m 1) (case x "+s.String()+"(t 5)))", 1)
	}},
	{"ops", forms(arrayU64, "(setf x (logxor (+ x $i) (ash x 1)))")},
	{"let*", func(n int) string {
		var s strings.Builder
		s.WriteString("(let* ((a0 x)")
		for i := 1; i < n; i++ {
			fmt.Fprintf(&s, "(a%d (+ (* a%d 3) %d))\n", i, i-1, i)
		}
		fmt.Fprintf(&s, ") (setf (getmap m 1) a%d))", n-1)
		return prog(hashU64, s.String(), 1)
	}},
	{"maps", func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "(defmap m%d :type :hash :key u32 :value u64 :max-entries 10)\n", i)
		}
		return prog(s.String(), "(when (= x $i) (setf (getmap m$i 1) x))", n)
	}},
	{"programs", func(n int) string {
		var s strings.Builder
		s.WriteString(hashU64)
		for i := range n / 4 {
			fmt.Fprintf(&s, "(defprog p%d (:type :xdp) (incf (getmap m %d)) (if (= (ctx rx-queue-index) %d) XDP_DROP XDP_PASS))\n", i, i, i)
		}
		return s.String()
	}},
	{"large-programs", func(n int) string {
		var s strings.Builder
		for i := range 4 {
			s.WriteString(strings.Replace(prog("", "(when (= x $i) (setf (getmap m $i) x))", n/4), "defprog p", fmt.Sprint("defprog p", i), 1))
		}
		return hashU64 + s.String()
	}},
}

func scaled(tb testing.TB, text string) *compile.Result {
	r, errs := compile.Compile([]*source.File{source.NewFile("scale.lisp", text)}, compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64"}})
	if errs.Errors() != nil {
		tb.Fatal(errs)
	}
	return r
}

func BenchmarkCompile(b *testing.B) {
	for _, g := range growths {
		for _, n := range []int{500, 2000, 8000} {
			b.Run(fmt.Sprint(g.name, "/", n), func(b *testing.B) {
				text := g.text(n)
				b.ReportAllocs()
				for b.Loop() {
					scaled(b, text)
				}
			})
		}
	}
}
