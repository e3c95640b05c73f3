package lang

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// lower says all of what a source becomes.
func lower(name, text string, alone bool) string {
	u, errs := Lower([]*source.File{source.NewFile(name, text)}, Options{CPU: 3, Arch: "amd64", Kernel: fakeKernel{}, alone: alone})
	var out strings.Builder
	for _, e := range errs {
		out.WriteString(e.Render(source.Style{}))
	}
	if u != nil {
		for _, e := range u.Warnings {
			out.WriteString(e.Render(source.Style{}))
		}
		for _, p := range u.Programs {
			fmt.Fprintln(&out, p.Func)
		}
		for _, s := range u.Subs {
			fmt.Fprintln(&out, s.Func)
		}
	}
	return out.String()
}

// TestImage wants every source to become the same with the image of the
// prelude as without, whatever was compiled before and is at the same time.
func TestImage(t *testing.T) {
	texts := map[string]string{
		// The source's own instead of what the prelude uses, and in the midst.
		"own-macro":    "(defmacro %link-steps (&rest x) nil) (defprog p (:type :xdp) (with-packet (data data-end) XDP_PASS))",
		"own-function": "(defun %chain (&rest x) x) (defprog p (:type :xdp) (with-ipv4 (data data-end ip) (return XDP_DROP)) XDP_PASS)",
		"own-standard": "(defun append (&rest x) nil) (defun first (x) x) (defprog p (:type :xdp) (with-tcp (data data-end tcp) (return XDP_DROP)) XDP_PASS)",
		"own-later":    "(defprog p (:type :xdp) (with-tcp (data data-end tcp) (return XDP_DROP)) XDP_PASS) (defmacro when (x &body y) `(progn ,x)) (defprog q (:type :xdp) (with-udp (data data-end udp) (when 1 (return 2))) 1)",
		"capitals":     "(defmap Stats :type :array :key-size 4 :value-size 8 :max-entries 1) (defprog Data (:type :xdp) (let ((Len 1) (Ptr 2)) (incf (getmap Stats 0) (+ Len Ptr Foo))) (With-Packet (Data Data-End) XDP_PASS))",
		"literals":     "(defmacro spoil () (labels ((all (x) (when (consp x) (all (car x)) (all (cdr x)) (ignore-errors (setf (car x) 1)) (ignore-errors (setf (cdr x) 2))))) (dolist (f '((with-tcp (data data-end tcp) 1) (case x (1 2)) (incf (getmap m 0)) (parse-ipv4 p))) (ignore-errors (all (macroexpand-1 f)))) 1)) (defmap m :type :array :key-size 4 :value-size 8 :max-entries 1) (defprog p (:type :xdp) (incf (getmap m 0) (spoil)) XDP_PASS)",
	}
	for _, dir := range []string{"testdata/errors", "../../bench/lisp", "../../examples", "../compile/testdata/fixed"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.lisp"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			texts[filepath.ToSlash(f)] = string(text)
		}
	}
	if len(texts) < 60 {
		t.Fatalf("only %d sources", len(texts))
	}
	names := make([]string, 0, len(texts))
	want := map[string]string{}
	for name, text := range texts {
		names = append(names, name)
		want[name] = lower(name, text, true)
	}
	var wg sync.WaitGroup
	for k := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, i := range rand.New(rand.NewSource(int64(k))).Perm(len(names)) {
				if got := lower(names[i], texts[names[i]], false); got != want[names[i]] {
					t.Errorf("%s with the image:\n%s\nand without:\n%s", names[i], got, want[names[i]])
				}
			}
		}()
	}
	wg.Wait()
	for _, name := range []string{"own-macro", "own-standard", "own-later", "literals"} {
		if !strings.HasPrefix(want[name], "func p") {
			t.Errorf("%s should become a program: %s", name, want[name])
		}
	}
}
