package e2e

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// twoCPUs gives two CPUs that we may use.
func twoCPUs(t *testing.T) (cpus []int) {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; len(cpus) < 2 && cpu < 1024; cpu++ {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) < 2 {
		lack(t, "two CPUs")
	}
	return cpus
}

// A barrier lets two threads go on together. They spin, so that both are
// running when they leave it.
type barrier struct{ arrived atomic.Int64 }

func (b *barrier) wait() {
	all := (b.arrived.Add(1) + 1) &^ 1 // the next even number
	for spins := 0; b.arrived.Load() < all; spins++ {
		if spins%1000 == 999 {
			runtime.Gosched() // lets the garbage collector in
		}
	}
}

// race lets two CPUs run p repeat times each, at the same time, in so many
// rounds. Before a round it calls begin, after it end; neither runs beside
// the program. A round that a signal spoiled (the kernel stops repeating, and
// begins anew) is made again.
func race(t *testing.T, p *ebpf.Program, rounds int, repeat uint32, begin func() error, end func(round int) error) {
	t.Helper()
	var b barrier
	var spoiled, failed atomic.Bool
	errs := make(chan error, 2)
	for i, cpu := range twoCPUs(t) {
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its affinity
			var set unix.CPUSet
			set.Set(cpu)
			err := unix.SchedSetaffinity(0, &set)
			// The Go runtime sends signals to threads that run for long.
			var all unix.Sigset_t
			for i := range all.Val {
				all.Val[i] = math.MaxUint64
			}
			err = errors.Join(err, unix.PthreadSigmask(unix.SIG_BLOCK, &all, nil))
			options := ebpf.RunOptions{Data: packet{proto: 1}.frame(), Repeat: repeat, Reset: func() { spoiled.Store(true) }}
			for round := 0; round < rounds && !failed.Load(); {
				if i == 0 {
					spoiled.Store(false)
					err = errors.Join(err, begin())
				}
				b.wait()
				if err == nil {
					_, err = p.Run(&options)
				}
				if err != nil {
					failed.Store(true)
				}
				b.wait()
				bad := spoiled.Load()
				if i == 0 && !bad && err == nil {
					if err = end(round); err != nil {
						failed.Store(true)
					}
				}
				b.wait()
				if !bad {
					round++
				}
			}
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
}

// TestSpinLockKeepsPairs lets two CPUs change two fields of one value under
// its lock, by steps that lose counts and part the fields where the CPUs meet
// without it.
func TestSpinLockKeepsPairs(t *testing.T) {
	need(t)
	for _, kind := range []string{"array", "hash"} {
		t.Run(kind, func(t *testing.T) {
			c := open(t, compileText(t, "lock.lisp", fmt.Sprintf(`
(defstruct pair (lock bpf-spin-lock) (odd u32) (a u64) (b u64))
(defmap pairs :type :%s :key u32 :value pair :max-entries 2)
(defmap broken :type :array :key u32 :value u64 :max-entries 1)
(defprog bump (:type :tc)
  (when-let ((p (getmap pairs 1)))
    (let ((ok (with-spin-lock (p)
                (let ((same (= (pair-a p) (pair-b p))))
                  (incf (pair-a p))
                  (setf (pair-odd p) (logand (pair-a p) 1))
                  (incf (pair-b p))
                  same))))
      (unless ok (incf (getmap broken 0)))))
  TC_ACT_OK)`, kind)))
			type pair struct {
				Lock, Odd uint32
				A, B      uint64
			}
			pairs := c.Map("pairs")
			const repeat = 200_000
			race(t, c.Program("bump"), 3, repeat, func() error { return pairs.Put(uint32(1), pair{}) }, func(round int) error {
				var p pair
				var broken uint64
				err := errors.Join(pairs.Lookup(uint32(1), &p), c.Map("broken").Lookup(uint32(0), &broken))
				if err == nil && (p.A != 2*repeat || p.B != p.A || broken != 0) {
					err = fmt.Errorf("round %d: %d and %d, want %d; %d times not the same", round, p.A, p.B, 2*repeat, broken)
				}
				return err
			})
		})
	}
}

// TestIncfLosesNothing lets two CPUs increase the same key of a hash, which
// is absent at first. Programs of type :tc repeat without waiting for the
// kernel to settle, so that the two really meet.
func TestIncfLosesNothing(t *testing.T) {
	need(t)
	for _, kind := range []string{"hash", "lru-hash"} {
		t.Run(kind, func(t *testing.T) {
			c := open(t, compileText(t, "race.lisp", fmt.Sprintf(`
(defmap h :type :%s :key u32 :value u64 :max-entries 1024)
(defprog bump (:type :tc) (incf (getmap h 1)) TC_ACT_OK)`, kind)))
			h := c.Map("h")
			absent := func() error {
				if err := h.Delete(uint32(1)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
					return err
				}
				return nil
			}
			count := func(rounds int, repeat uint32) {
				race(t, c.Program("bump"), rounds, repeat, absent, func(round int) error {
					var n uint64
					err := h.Lookup(uint32(1), &n)
					if want := 2 * uint64(repeat); err == nil && n != want {
						err = fmt.Errorf("round %d: two CPUs counted %d each, and there are %d", round, repeat, n)
					}
					return err
				})
				t.Logf("two CPUs, %d rounds of %d each: nothing lost", rounds, repeat)
			}
			count(1, 1_000_000)
			count(2000, 100) // the first increments race to create the entry
			count(2000, 1)
		})
	}
}
