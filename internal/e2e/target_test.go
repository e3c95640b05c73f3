//go:build linux

package e2e

import (
	"context"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
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

// TestNeverNull: the check that an array's entry is there goes away for
// kernels that need none, and the verifier of this one agrees.
func TestNeverNull(t *testing.T) {
	need(t)
	if v, ok := abi.ParseVersion(release(t)); !ok || v.Less(abi.FirstWith("feature", "array-lookup-never-null").Version) {
		lack(t, "a kernel that knows array lookups to succeed")
	}
	const text = `
(defmap a :type :array :key-size 4 :value-size 8 :max-entries 16)
(defmap b :type :percpu-array :key-size 4 :value-size 4 :max-entries 16)
(defprog p (:type :xdp)
  (incf (getmap a 0) 5)
  (incf (getmap a 5) (getmap a 0))
  (if (> (getmap a 0) 5)
      (incf (getmap b 7) 3)
      (incf (getmap b 9) 4))
  (when-let ((v (map-lookup a 15))) (setf (getmap a 2) (+ (load u64 v 0) (getmap b 9))))
  (+ (getmap a 5) (* 10 (getmap b 9)) (* 100 (getmap a 2))))`
	var slots []int
	for _, target := range []string{"", "6.12", "6.15"} {
		o, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: text}}, whistler.Options{Target: target})
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, o.Programs()[0].Slots)
		c, err := load.Open(o.Bytes())
		if err != nil {
			t.Fatalf("target %q: %v", target, err)
		}
		got, err := c.Program("p").Run(&ebpf.RunOptions{Data: make([]byte, 64)})
		c.Close()
		if err != nil || got != 5+40+400 {
			t.Errorf("target %q: %d, %v", target, got, err)
		}
	}
	if slots[0] != slots[1] || slots[2] >= slots[1] {
		t.Errorf("slots without a target, for 6.12 and for 6.15: %v", slots)
	}
}

// release is the running kernel's.
func release(t *testing.T) string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(u.Release[:])
}
