package machine

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/bpf/vm"
	"github.com/whistler-lang/whistler/internal/sim"
)

var update = flag.Bool("update", false, "write what the passes give into testdata")

// TestPasses runs testdata/PASS.txt: cases of code in blocks, `=>`, and what
// the pass makes of it, parted by lines of dashes. Before and after do the same
// in the VM. In layout.txt stand the instructions as they are laid out.
func TestPasses(t *testing.T) {
	all := map[string]func(*Func) bool{last.name: last.run, "layout": func(*Func) bool { return true }}
	for _, p := range passes {
		all[p.name] = p.run
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) != len(all) {
		t.Errorf("%d files for %d passes (%v)", len(files), len(all), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		run := all[name]
		if run == nil {
			t.Errorf("%s: there is no pass %s", file, name)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n----\n")
		for i, c := range cases {
			before, want, _ := strings.Cut(c+"\n", "\n=>\n")
			f := parse(t, before+"\n")
			run(f)
			what := fmt.Sprintf("%s, case %d", name, i+1)
			if err := same(parse(t, before+"\n"), f, true); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			got := strings.TrimSuffix(text(f), "\n")
			if name == "layout" {
				got = listing(t, f)
			}
			if want = strings.TrimSuffix(want, "\n"); got != want && !*update {
				t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
			}
			cases[i] = before + "\n=>\n" + got
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(cases, "\n----\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestConditions lays out every branch so that it must be turned round, with and
// without a use of its numbers behind it.
func TestConditions(t *testing.T) {
	for sign, op := range jumpSign {
		for _, class := range []uint8{bpf.ClassJMP, bpf.ClassJMP32} {
			for _, behind := range []string{"r0 += r2", "r0 += 5"} {
				f := parse(t, `b0:
	r2 = *(u64 *)(r1 +0) ; ctx
	r3 = *(u64 *)(r1 +8) ; ctx
	r0 = 1
	if r2 == r3 goto b1 ; last
	goto b2
b1:
	`+behind+`
	goto b2
b2:
	r0 += 1
	exit
`)
				f.Blocks[0].Branch.Op = class | op | bpf.SrcX
				laid, err := Layout(clone(f), 3)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range []byte{0, 1, 2, 0x7f, 0x80, 0xff} {
					for _, y := range []byte{0, 1, 2, 0x7f, 0x80, 0xff} {
						in := make([]byte, 64)
						in[0], in[3], in[7] = 1, x, x
						in[8], in[11], in[15] = 1, y, y
						want, err1 := run(plain(f), in)
						have, err2 := run(laid, in)
						if err1 != nil || err2 != nil || want != have {
							t.Errorf("%#x %s %#x, then %s: %s, want %s (%v, %v)", x, sign, y, behind, have, want, err2, err1)
						}
					}
				}
			}
		}
	}
}

// listing is f as it is laid out, a line for each slot.
func listing(t *testing.T, f *Func) string {
	c, err := Layout(f, 3)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range c.Insns {
		next := bpf.Insn{}
		if n+1 < len(c.Insns) {
			next = c.Insns[n+1]
		}
		line := fmt.Sprintf("%d: ", n)
		if n == 0 || !c.Insns[n-1].IsLdImm64() {
			line += c.Insns[n].Text(next, func(id int32) string { return abi.HelperByID(id).C })
		}
		out = append(out, strings.TrimSpace(line))
	}
	return strings.Join(out, "\n")
}

// plain is the code of f with every jump written out: what Layout must mean.
func plain(f *Func) *Code {
	c := &Code{}
	start, jumps := map[*Block]int{}, map[int]*Block{}
	put := func(i Insn) {
		if i.Ref != nil {
			c.Refs = append(c.Refs, bpf.Ref{Slot: len(c.Insns), Kind: i.Ref.Kind, Name: i.Ref.Name})
		}
		if c.Insns = append(c.Insns, i.Insn); i.IsLdImm64() {
			c.Insns = append(c.Insns, bpf.Insn{Imm: i.Hi})
		}
	}
	for _, b := range f.Blocks {
		start[b] = len(c.Insns)
		for _, i := range b.Insns {
			put(i)
		}
		for k, to := range b.Succs {
			jumps[len(c.Insns)] = to
			if k == 0 && b.Branch != nil {
				put(*b.Branch)
			} else {
				put(Insn{Insn: bpf.Insn{Op: bpf.ClassJMP | bpf.JmpA}})
			}
		}
	}
	for at, to := range jumps {
		c.Insns[at].Off = int16(start[to] - at - 1)
	}
	return c
}

// same runs a and b, and b as it is laid out, on the same inputs. Layout
// changes b where laid is true: the caller's text comes first.
func same(a, b *Func, laid bool) error {
	codes := map[string]*Code{"after": plain(b)}
	if laid {
		code, err := Layout(clone(b), 3)
		if err != nil {
			return err
		}
		codes["laid out"] = code
	}
	r := rand.New(rand.NewSource(1))
	first := plain(a)
	for range 6 {
		in := input(r)
		want, err := run(first, in)
		if err != nil {
			return fmt.Errorf("before: %v\n%s", err, text(a))
		}
		for name, code := range codes {
			if have, err := run(code, in); err != nil || have != want {
				return fmt.Errorf("%s gives %s (%v), before gave %s, on %x\n%s=>\n%s", name, have, err, want, in, text(a), text(b))
			}
		}
	}
	return nil
}

// clone is f with blocks of its own.
func clone(f *Func) *Func {
	g, to := &Func{nextB: f.nextB}, map[*Block]*Block{}
	for _, b := range f.Blocks {
		c := *b
		c.Insns, c.Succs = slices.Clone(b.Insns), slices.Clone(b.Succs)
		if b.Branch != nil {
			br := *b.Branch
			c.Branch = &br
		}
		to[b], g.Blocks = &c, append(g.Blocks, &c)
	}
	for _, b := range g.Blocks {
		for k, s := range b.Succs {
			b.Succs[k] = to[s]
		}
	}
	return g
}

// input is a context of 64 bytes whose numbers are equal, small or odd often.
func input(r *rand.Rand) []byte {
	in := make([]byte, 64)
	for i := 0; i < len(in); i += 8 {
		switch r.Intn(4) {
		case 0:
			in[i] = byte(r.Intn(3))
		case 1:
			r.Read(in[i : i+8])
		case 2:
			in[i], in[i+4] = byte(r.Intn(3)), byte(r.Intn(2)) // an upper half that differs
		}
	}
	return in
}

// run gives the result of code and what it leaves in the map m, an array of
// four words.
func run(code *Code, in []byte) (string, error) {
	m := sim.New(sim.Options{})
	mp, err := m.AddMap(sim.MapDef{Name: "m", Type: "array", KeySize: 4, ValueSize: 8, MaxEntries: 4})
	if err != nil {
		return "", err
	}
	r := &vm.Runner{M: m, MaxSteps: 10000}
	n, err := r.Run(&vm.Program{Insns: code.Insns, Refs: code.Refs}, m.NewRawContext(slices.Clone(in)))
	if err != nil {
		return "", err
	}
	s := fmt.Sprintf("%#x", n)
	for _, k := range mp.Keys() {
		v, _ := mp.Lookup(k)
		s += fmt.Sprintf(" %x", v)
	}
	return s, nil
}
