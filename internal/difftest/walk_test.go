package difftest

import (
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/whistler-lang/whistler/load"
)

// walked compiles and loads a source, and gives how many instructions the
// compiler walks for each of its programs, and how many the verifier did.
func walked(t *testing.T, name, src string) (ours, kernels map[string]float64) {
	t.Helper()
	u, err := compileWith(name, src, nil, options(3))
	if err != nil {
		return nil, nil // needs the running kernel's types, or is wrong
	}
	coll, err := load.Open(u.Result.Object)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, src)
	}
	defer coll.Close()
	ours, kernels = map[string]float64{}, map[string]float64{}
	for _, p := range u.Result.Programs {
		if n := coll.Processed(p.Name); n > 0 {
			ours[p.Name], kernels[p.Name] = float64(p.Walked), float64(n)
		}
	}
	return ours, kernels
}

// TestWalk compares how far the compiler walks with what the verifier counts:
// in loops whose paths multiply they must not come apart.
func TestWalk(t *testing.T) {
	NeedKernel(t)
	t.Run("loops", func(t *testing.T) {
		for _, test := range []string{"(= 77 (load u8 (+ v i)))", "(> (load u64 (+ v i)) 1000)", "(logtest (load u8 (+ v i)) 4)"} {
			for _, n := range []int{5, 9, 14, 20, 22} {
				ours, kernels := walked(t, "loop.lisp", fmt.Sprintf(`
(defmap m :type :hash :key u32 :value (array u8 128) :max-entries 4)
(defprog p (:type :cgroup-skb :section "cgroup_skb/ingress")
  (let ((n 0))
    (when-let ((v (map-lookup m (get-prandom-u32))))
      (dotimes (i %d) (when %s (incf n))))
    (mod n 2)))`, n, test))
				t.Logf("%d turns of %s: %v and %v", n, test, ours["p"], kernels["p"])
				if r := ours["p"] / kernels["p"]; r < 0.9 || r > 1.1 {
					t.Errorf("%d turns of %s: %v walked here, %v in the kernel", n, test, ours["p"], kernels["p"])
				}
			}
		}
	})
	t.Run("jumps", func(t *testing.T) { // in the middle of what is one block here
		for _, body := range []string{
			"(with-ringbuf (p ring 16) (store u32 p 8 x) 0)",
			"(with-ringbuf (p ring 16) (store u32 p 8 (cast i64 (>= y x))) 0)",
			"(with-ringbuf (p ring 16) (store u64 p 0 g) (store u32 p 8 (cast i64 (>= y x))) 0)",
		} {
			for _, turns := range []int{2, 4} {
				ours, kernels := walked(t, "jump.lisp", fmt.Sprintf(`
(defmap ring :type :ringbuf :max-entries 4096)
(defglobal g u64)
(defprog p (:type :xdp)
  (with-packet (data data-end :min-len 64)
    (let ((x (load u32 data 20)) (y (load u64 data 40)))
      (let ((v x))
        (while (/= 0 v) :max %d (setf v (/ v 7)) %s)))
    0))`, turns, body))
				if kernels["p"] == 0 || ours["p"] != kernels["p"] {
					t.Errorf("%v walked here, %v in the kernel: %d turns of %s", ours["p"], kernels["p"], turns, body)
				}
			}
		}
	})
	t.Run("callbacks", func(t *testing.T) {
		for _, body := range []string{
			"(for-each-map-elem (k v small) (incf n) 0) 1",
			"(for-each-map-elem (k v small) (when (> v 3) (incf n)) 0) (setf g n) 1",
			"(for-each-map-elem (k v small) (incf n v) 0) (if (> n 5) 1 2)",
			"(for-each-map-elem (k v small) (setf n 1) 0) (if n 1 2)",
			"(for-each-map-elem (k v small) (setf n (logand 7 (1+ n))) 0) (if (> n 3) 1 2)",
			"(for-each-map-elem (k v small) (incf (getmap h k)) 0) 1",
			"(dotimes (j 50) (for-each-map-elem (k v small) (setf n 1) 0)) (if (> n 4) 1 2)",
			"(bpf-loop (i 100) (incf n i)) (setf g n) 1",
			"(bpf-loop (i 100) (incf n)) (if (> n 3) 1 2)",
			"(bpf-loop (i 8000) (when (= i 3) (incf g)) (incf n)) (if (> n 3) 1 2)",
			"(bpf-loop (i 60) (incf n) (when (= g 7) (return 2))) (if (= n 7) 1 2)",
			"(bpf-loop (i g) (incf n) (when (> n 50) (setf n 0))) 1",
			"(bpf-loop (i g) (when (< n 50) (incf n))) 1",
			"(bpf-loop (i 20) (dotimes (j 20) (when (= j (get-prandom-u32)) (incf n j)))) (setf g n) 1",
			"(setf n g) (for-each-map-elem (k v small) (incf n) 0) (if (> n 5) 1 2)",
		} {
			ours, kernels := walked(t, "callback.lisp", `
(defmap small :type :hash :key u32 :value u16 :max-entries 8)
(defmap h :type :hash :key u32 :value u32 :max-entries 8)
(defglobal g u64)
(defprog p (:type :xdp) (let ((n 0)) `+body+"))")
			if kernels["p"] == 0 || ours["p"] != kernels["p"] {
				t.Errorf("%v walked here, %v in the kernel: %s", ours["p"], kernels["p"], body)
			}
		}
	})
	t.Run("programs", func(t *testing.T) {
		files, _ := filepath.Glob("../../bench/lisp/*.lisp")
		more, _ := filepath.Glob("../../examples/*.lisp")
		compared, same, off := 0, 0, 0.0
		for _, file := range append(files, more...) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ours, kernels := walked(t, filepath.Base(file), string(src))
			for name, n := range kernels {
				compared++
				if ours[name] == n {
					same++
				}
				r := ours[name] / n
				off += math.Abs(math.Log(r))
				if r < 0.6 || r > 1.6 {
					t.Errorf("%s, %s: %v walked here, %v in the kernel", file, name, ours[name], n)
				}
			}
		}
		mean := math.Exp(off / float64(compared))
		t.Logf("%d programs, %d to the instruction, on the mean %.1f %% apart", compared, same, 100*(mean-1))
		if compared < 30 || mean > 1.1 {
			t.Errorf("%d programs, on the mean %.1f %% apart", compared, 100*(mean-1))
		}
	})
	t.Run("random", func(t *testing.T) {
		r := rand.New(rand.NewSource(*seed))
		compared, off, worst := 0, 0.0, 0.0
		for compared < 200 {
			g := &near{r: rand.New(rand.NewSource(r.Int63()))}
			src := g.program()
			ours, kernels := walked(t, "random.lisp", src)
			for name, n := range kernels {
				compared++
				d := math.Abs(math.Log(ours[name] / n))
				off += d
				if d > worst && testing.Verbose() {
					t.Logf("%v walked here, %v in the kernel:\n%s", ours[name], n, src)
				}
				worst = max(worst, d)
			}
		}
		mean := math.Exp(off / float64(compared))
		t.Logf("%d programs, on the mean %.1f %% apart, at most by a factor of %.1f", compared, 100*(mean-1), math.Exp(worst))
		if mean > 1.1 {
			t.Errorf("on the mean %.1f %% apart", 100*(mean-1))
		}
	})
}
