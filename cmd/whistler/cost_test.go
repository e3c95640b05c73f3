package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/whistler-lang/whistler/load"
)

// TestCostSums wants the costs of forms to add up to those of their program:
// its slots, what the kernel says that its verifier processed, and the steps
// of the VM, of which execute itself demands that each has a form.
func TestCostSums(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../examples/*.lisp", "../../examples/acl/*.lisp", "../../bench/lisp/*.lisp"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range names {
			if !strings.HasSuffix(f, "-test.lisp") {
				files = append(files, f)
			}
		}
	}
	packet, err := packetOf("")
	if err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0
	if !root {
		t.Log("what the verifier processes needs root for the kernel's bpf()")
	}
	seen, ran := 0, 0
	for _, file := range files {
		var said bytes.Buffer
		a := &app{out: io.Discard, err: &said}
		c := &costCmd{input: input{File: file, CPU: "v3"}}
		data, _, err := c.object(a)
		if err != nil {
			continue // a part of a source
		}
		progs, err := c.measure(a, &c.input, packet, false)
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, said.Bytes())
			continue
		}
		spec, err := load.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		var coll *load.Collection
		if root {
			if coll, err = load.Open(data); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range progs {
			seen++
			want := counts{slots(spec.Programs[p.name]), 0, p.total[executedColumn]}
			if root {
				want[processedColumn] = int(coll.Processed(p.name))
				if !p.has[processedColumn] {
					t.Errorf("%s: %s: nothing of the verifier\n%s", file, p.name, said.Bytes())
				}
			}
			if p.has[executedColumn] {
				ran++
			}
			var sum counts
			for _, f := range p.forms {
				for i, n := range f.n {
					sum[i] += n
				}
			}
			if sum != want || p.total != want {
				t.Errorf("%s: %s: forms %v, total %v, want %v\n%s", file, p.name, sum, p.total, want, said.Bytes())
			}
		}
		if coll != nil {
			coll.Close()
		}
	}
	if seen < 40 || ran < 30 {
		t.Errorf("%d programs, %d of them run in the VM", seen, ran)
	}
}

func TestLogStep(t *testing.T) {
	for line, want := range map[string]int{
		"7: (85) call bpf_map_lookup_elem#1":             7,
		"0: (b7) r0 = 2                        ; R0_w=2": 0,
		"9: safe":            9,
		"from 5 to 19: safe": 19,
		"from 5 to 19 (speculative execution): safe":                   19,
		"from 5 to 19: R0=0 R10=fp0":                                   -1,
		"5: R1=ctx() R10=fp0":                                          -1,
		"; 5: (b7) looks like one @ x.c:3":                             -1,
		"mark_precise: frame0: regs=r2 stack= before 3: (bf) r2 = r10": -1,
		"regs=4 stack=0 before 3: (bf) r2 = r10":                       -1,
		"processed 12 insns (limit 1000000) max_states_per_insn 0":     -1,
		"": -1,
	} {
		slot, ok := logStep(line)
		if !ok {
			slot = -1
		}
		if slot != want {
			t.Errorf("%q: %d, want %d", line, slot, want)
		}
	}
}

// TestReadLog wants a log that does not show all that was processed to give
// no numbers.
func TestReadLog(t *testing.T) {
	s := &ebpf.ProgramSpec{Name: "p", SectionName: "xdp", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}}
	const log = "0: (b7) r0 = 2\n1: (95) exit\nstack depth 16+8\nprocessed 2 insns\n"
	p := formsOf(s)
	if err := p.readLog(log, 2); err != nil || p.total[processedColumn] != 2 || p.stack != 16 {
		t.Errorf("%v %+v", err, p)
	}
	if p.forms[0].place() != "-" || p.forms[0].text != "(no line record)" {
		t.Errorf("%+v", p.forms[0])
	}
	for _, processed := range []int{1, 3} {
		if p := formsOf(s); p.readLog(log, processed) == nil || p.has[processedColumn] {
			t.Errorf("%d of 2", processed)
		}
	}
	if err := formsOf(s).readLog("2: (95) exit\n", 1); err == nil {
		t.Error("a slot that is not there")
	}
}

func TestFormText(t *testing.T) {
	for _, c := range []struct {
		file, line string
		col        int
		want       string
	}{
		{"x.lisp", "  (incf (getmap m 0))) ; one more", 3, "(incf (getmap m 0))"},
		{"x.lisp", "  (f x y))", 6, "x"},
		{"x.lisp", "  (f x y))", 8, "y"},
		{"x.lisp", "  (let ((a 1)", 3, "(let ((a 1)"},
		{"<stdin>", `(printk ") %d" n) 0`, 1, `(printk ") %d" n)`},
		{"x.c", "\tif (skb->len > 4) return 1;", 2, "if (skb->len > 4) return 1;"},
		{"x.c", "  x = (a + b) * c; ", 7, "(a + b) * c;"},
		{"x.lisp", "(é (g))", 4, "(g)"},
		{"x.lisp", "x", 9, ""},
		{"x.lisp", "x", 0, "x"},
		{"", "", 1, ""},
	} {
		if got := formText(c.file, c.line, c.col); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.line, c.col, got, c.want)
		}
	}
}

func TestCostChanges(t *testing.T) {
	form := func(line int, text string, slots int) *costForm {
		return &costForm{file: "x.lisp", line: line, col: 1, text: text, n: counts{slots}}
	}
	old := []*costForm{form(1, "(a)", 1), form(2, "(b)", 2), form(3, "(a)", 3), form(4, "(gone)", 4)}
	now := []*costForm{form(3, "(a)", 4), form(4, "(a)", 5), form(5, "(b)", 2), form(6, "(new)", 6)}
	var by []int
	for _, c := range changes(old, now) {
		by = append(by, c.by()[slotsColumn])
	}
	// (a) of line 3 is at its place; the other (a) is what was at line 1.
	if want := []int{1, 4, 0, 6, -4}; !slices.Equal(by, want) {
		t.Errorf("%v, want %v", by, want)
	}
}

// TestTCPFrame wants the checksums of the packet to be right.
func TestTCPFrame(t *testing.T) {
	p, err := packetOf("")
	if err != nil || len(p) != 64 {
		t.Fatalf("%d bytes, %v", len(p), err)
	}
	ones := func(b ...byte) uint32 {
		var sum uint32
		for i := 0; i < len(b); i += 2 {
			sum += uint32(b[i])<<8 | uint32(b[i+1])
		}
		return sum&0xffff + sum>>16
	}
	if n := ones(p[14:34]...); n != 0xffff {
		t.Errorf("IPv4: %#x", n)
	}
	if n := ones(append([]byte{0, 6, 0, byte(len(p) - 34)}, p[26:]...)...); n != 0xffff {
		t.Errorf("TCP: %#x", n)
	}
}
