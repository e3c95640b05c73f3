package difftest

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

// TestShortcuts compares what the compiler finds and how far it walks with what it
// does where it takes nothing back before the end: the benchmark's programs, and
// random ones of all kinds.
func TestShortcuts(t *testing.T) {
	sources := map[string]string{}
	files, _ := filepath.Glob("../../bench/lisp/*.lisp")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources[filepath.Base(file)] = string(text)
	}
	r := rand.New(rand.NewSource(*seed))
	for range 60 {
		data := make([]byte, 2000)
		r.Read(data)
		sources["programs "+string(data[:8])] = Programs(data, 4)
		g := &near{r: rand.New(rand.NewSource(r.Int63()))}
		sources["near "+string(data[:8])] = g.program()
	}
	for range 20 {
		g := &repeater{r: rand.New(rand.NewSource(r.Int63()))}
		src := g.program()
		sources[src] = src
	}
	// Numbers that decide something take each other's place, turn by turn.
	for range 20 {
		n := func(most int) int { return r.Intn(most) }
		v := func() string { return []string{"x", "y", "z"}[n(3)] }
		src := fmt.Sprintf(`(defprog p (:type :xdp)
  (with-packet (data data-end :min-len 64)
    (let ((x %d) (y %d) (z %d) (n 0))
      (dotimes (i %d)
        (when (logtest (load u8 data %d) %d) (incf %s %d))
        (when (> %s %d) (incf n))
        (when (logtest (load u8 data %d) %d) (setf %s %s))
        (let ((w x)) (setf x y y z z (logand %d (+ w i))))
        (when (< %s %d) (when (> n %d) (break)) (incf n 2)))
      (return (logand 3 n)))))`,
			n(9), n(9), n(9), 4+n(5), n(60), 1<<n(8), v(), 1+n(3), v(), n(12), n(60), 1<<n(8), v(), v(), 1<<n(5)-1, v(), n(12), n(40))
		sources[src] = src
	}
	found, walked := 0, 0
	for name, src := range sources {
		text := func(off map[string]bool) (said string, walk map[string]int) {
			u, err := compileWith("source.lisp", src, off, options(3))
			if err != nil {
				return err.Error(), nil
			}
			walk = map[string]int{}
			for _, p := range u.Result.Programs {
				walk[p.Name] = p.Walked
				walked += p.Walked
			}
			return "", walk
		}
		said, walk := text(nil)
		plainSaid, plain := text(map[string]bool{"shortcuts": true})
		if said != "" {
			found++
		}
		if said != plainSaid {
			t.Errorf("%q: found %s, without %s", name, said, plainSaid)
		}
		for p, n := range plain {
			if walk[p] != n {
				t.Errorf("%q: %d instructions walked in %s, without %d", name, walk[p], p, n)
			}
		}
	}
	if found < 10 || walked < 50000 {
		t.Errorf("%d sources with mistakes, %d instructions walked: too little to tell", found, walked)
	}
	t.Logf("%d sources, %d with mistakes, %d instructions", len(sources), found, walked)
}
