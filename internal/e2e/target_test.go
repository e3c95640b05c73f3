//go:build linux

package e2e

import (
	"context"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/load"
)

// TestTarget: a program means the same for an old kernel as for a new one.
func TestTarget(t *testing.T) {
	need(t)
	const text = `
(defprog p (:type :xdp)
  (let* ((sum 0)
         (all (bpf-loop (i 7) (incf sum i)))
         (some (bpf-loop (i 10) (when (= i 5) (break)) (when (oddp i) (continue)) (incf sum 100)))
         (none (bpf-loop (i 0) (incf sum 1000))))
    (bpf-loop (i 3) (when (> i 3) (return 1)))
    (bpf-loop (i 9) (when (= i 6) (return (+ sum (* all 10000) (* some 1000000) (* none 100000000)))))
    0))`
	want := uint32(21 + 300 + 7*10000 + 6*1000000)
	for _, target := range []string{"", "5.10", "6.1"} {
		for _, cpu := range []int{2, 3, 4} {
			o, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: text}}, whistler.Options{Target: target, CPU: cpu})
			if err != nil {
				t.Fatalf("target %q: %v", target, err)
			}
			loops := false
			for _, n := range o.Needs("p") {
				loops = loops || n.What == "the helper bpf_loop"
			}
			if loops != (target != "5.10") {
				t.Errorf("target %q calls bpf_loop: %v", target, loops)
			}
			c, err := load.Open(o.Bytes())
			if err != nil {
				t.Fatalf("target %q: %v", target, err)
			}
			got, err := c.Program("p").Run(&ebpf.RunOptions{Data: make([]byte, 64)})
			c.Close()
			if err != nil || got != want {
				t.Errorf("target %q, cpu %d: %d, %v; want %d", target, cpu, got, err, want)
			}
		}
	}
}
