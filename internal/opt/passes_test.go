package opt

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/ir/interp"
	"github.com/whistler-lang/whistler/internal/sim"
)

var update = flag.Bool("update", false, "write what the passes give into testdata")

// TestPasses runs testdata/PASS.txt: cases of IR, `=>`, and the IR that the
// pass makes of it, parted by lines of dashes. Before and after mean the
// same in the interpreter.
func TestPasses(t *testing.T) {
	all := map[string]pass{}
	for _, p := range slices.Concat(improve, loops, finish) {
		all[p.name] = p
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		p, ok := all[name]
		if !ok {
			t.Errorf("%s: there is no pass %s", file, name)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := strings.Split(string(text), "\n----\n")
		for i, c := range cases {
			before, want, _ := strings.Cut(strings.TrimSpace(c)+"\n", "\n=>\n")
			f := parse(t, before)
			orig := parse(t, before)
			p.run(f, &Config{CPU: 3, Unaligned: true, Count: true, Short: true})
			if err := ir.Verify(f); err != nil {
				t.Errorf("%s, case %d: %v\n%v", name, i+1, err, f)
				continue
			}
			same(t, name, i+1, orig, f)
			got := strings.TrimSpace(f.String())
			if got != strings.TrimSpace(want) && !*update {
				t.Errorf("%s, case %d: got\n%s\nwant\n%s", name, i+1, got, strings.TrimSpace(want))
			}
			cases[i] = strings.TrimSpace(before) + "\n=>\n" + got
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(cases, "\n----\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func parse(t *testing.T, text string) *ir.Func {
	t.Helper()
	f, err := ir.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := ir.Verify(f); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

// same compares two functions of numbers on odd arguments.
func same(t *testing.T, name string, n int, a, b *ir.Func) {
	t.Helper()
	for i := range oddNumbers {
		var args []uint64
		for j := range a.Blocks[0].Params {
			args = append(args, oddNumbers[(i*7+j*11)%len(oddNumbers)])
		}
		x, err1 := interp.Run(sim.New(sim.Options{}), a, args)
		y, err2 := interp.Run(sim.New(sim.Options{}), b, args)
		if x != y || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s, case %d: on %#x before gives %#x (%v), after %#x (%v)", name, n, args, x, err1, y, err2)
			return
		}
	}
}

// TestDeadLoop turns passes off one by one on a loop that becomes dead while
// it is optimised: in it a value may become its own operand.
func TestDeadLoop(t *testing.T) {
	for _, off := range append(Names(), "") {
		f := parse(t, `func f
b0(v0:ctx):
	v1 = const 1
	br.8 eq v1 v1 b3 b1(v0)
b1(v2):
	v3 = add.8 v2 #8
	v4 = load.4 v3+0
	v5 = const 0
	br.8 eq v4 v5 b3 b2
b2:
	br.8 eq v1 v1 b1(v3) b1(v3)
b3:
	v6 = const 0
	ret v6
`)
		c := &Config{CPU: 3, Off: map[string]bool{off: true}}
		if err := Improve(f, c); err != nil {
			t.Errorf("without %s: %v", off, err)
		}
		if err := Lower(f, c); err != nil {
			t.Errorf("without %s: %v", off, err)
		}
	}
	// The loop is dead from the start.
	f := parse(t, `func f
b0(v0):
	ret v0
b1(v2):
	v3 = add.8 v2 #8
	v4 = load.4 v3+0
	jump b1(v3)
`)
	c := &Config{CPU: 3, Off: map[string]bool{"dce": true}}
	if err := Improve(f, c); err != nil {
		t.Error(err)
	}
	if err := Lower(f, c); err != nil {
		t.Error(err)
	}
	if len(f.Blocks) != 1 {
		t.Errorf("the dead loop stays:\n%v", f)
	}
}
