package load

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// TestCauses loads programs that the verifier refuses, and wants each refusal
// to have the row of the catalogue that says why.
func TestCauses(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading programs needs root")
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	lookup := asm.Instructions{
		asm.StoreImm(asm.R10, -4, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
	}
	found := append(append(asm.Instructions{}, lookup...), asm.JEq.Imm(asm.R0, 0, "out"))
	end := asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}
	out := asm.Instructions{asm.Mov.Imm(asm.R0, 2).WithSymbol("out"), asm.Return()}
	packet := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
	}
	join := func(parts ...asm.Instructions) (all asm.Instructions) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name, code string
		typ        ebpf.ProgramType
		insns      asm.Instructions
	}{
		{"null", "null-dereference", ebpf.XDP, join(lookup, asm.Instructions{asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord)}, end)},
		{"null arithmetic", "null-arithmetic", ebpf.XDP, join(lookup, asm.Instructions{asm.Add.Imm(asm.R0, 4)}, end)},
		{"packet", "packet-bounds", ebpf.XDP, join(packet, asm.Instructions{asm.LoadMem(asm.R4, asm.R2, 0, asm.Byte)}, end)},
		{"value bounds", "map-value-bounds", ebpf.XDP, join(found, asm.Instructions{asm.LoadMem(asm.R1, asm.R0, 8, asm.DWord)}, out)},
		{"value index", "unbounded-offset", ebpf.XDP, join(packet, found, asm.Instructions{asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord), asm.Add.Reg(asm.R0, asm.R1), asm.LoadMem(asm.R1, asm.R0, 0, asm.Byte)}, out)},
		{"no value", "no-value", ebpf.XDP, join(asm.Instructions{asm.Mov.Reg(asm.R0, asm.R7), asm.Return()})},
		{"reference", "reference-leak", ebpf.XDP, join(asm.Instructions{asm.LoadMapPtr(asm.R1, ring.FD()), asm.Mov.Imm(asm.R2, 8), asm.Mov.Imm(asm.R3, 0), asm.FnRingbufReserve.Call()}, end)},
		{"context", "context-access", ebpf.XDP, join(asm.Instructions{asm.LoadMem(asm.R2, asm.R1, 60, asm.Word)}, end)},
		{"changed context", "context-access", ebpf.XDP, join(asm.Instructions{asm.Add.Imm(asm.R1, 4), asm.LoadMem(asm.R2, asm.R1, 0, asm.Word)}, end)},
		{"loop", "unbounded-loop", ebpf.XDP, asm.Instructions{asm.Mov.Imm(asm.R0, 2).WithSymbol("again"), asm.JNE.Imm(asm.R1, 0, "again"), asm.Return()}},
		{"number", "not-a-pointer", ebpf.XDP, join(asm.Instructions{asm.Mov.Imm(asm.R2, 5), asm.LoadMem(asm.R3, asm.R2, 0, asm.Word)}, end)},
		{"result", "bad-result", ebpf.CGroupSKB, asm.Instructions{asm.Mov.Imm(asm.R0, 77), asm.Return()}},
		{"licence", "license", ebpf.Kprobe, join(asm.Instructions{asm.Mov.Imm(asm.R1, 0), asm.FnGetCurrentTask.Call()}, end)},
		{"helper", "helper-not-allowed", ebpf.XDP, join(asm.Instructions{asm.FnGetCurrentCgroupId.Call(), asm.FnSkbLoadBytes.Call()}, end)},
		{"argument", "argument-kind", ebpf.XDP, join(asm.Instructions{asm.Mov.Imm(asm.R1, 5), asm.Mov.Imm(asm.R2, 5), asm.FnMapLookupElem.Call()}, end)},
		{"pointer product", "pointer-arithmetic", ebpf.XDP, join(asm.Instructions{asm.Mov.Reg(asm.R2, asm.R10), asm.Mul.Imm(asm.R2, 2)}, end)},
		{"stack", "stack-bounds", ebpf.XDP, join(asm.Instructions{asm.Mov.Imm(asm.R2, 0), asm.StoreMem(asm.R10, -520, asm.R2, asm.DWord)}, end)},
	} {
		t.Run(c.name, func(t *testing.T) {
			license := "GPL"
			if c.code == "license" {
				license = "MIT"
			}
			p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "p", Type: c.typ, License: license, Instructions: c.insns})
			if err == nil {
				p.Close()
				t.Fatal("the kernel takes it")
			}
			err = explain(&ebpf.CollectionSpec{}, err)
			var r *Refusal
			if !errors.As(err, &r) {
				t.Fatalf("no refusal: %v", err)
			}
			if r.Cause == nil || r.Cause.Code != c.code {
				t.Errorf("%q is taken for %+v, want %s\n%s", r.Reason, r.Cause, c.code, r.Log)
			}
		})
	}
}

// TestReadLog takes apart logs of an older and of the newest kernels.
func TestReadLog(t *testing.T) {
	var r Refusal
	r.read(strings.Split(`0: R1=ctx() R10=fp0
; (setf (getmap h 1) 5) @ a.lisp:3
0: (b7) r6 = 1                        ; R6_w=1
1: (55) if r6 != 0x0 goto pc+1
3: (85) call bpf_map_lookup_elem#1    ; R0_w=map_value_or_null(id=1)
; (load u64 p 0) @ a.lisp:7
4: (bf) r7 = r0
5: (79) r1 = *(u64 *)(r7 +0)
R7 invalid mem access 'map_value_or_null'
processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0`, "\n"))
	if r.File != "a.lisp" || r.Line != 7 || r.Insn != 5 || r.Origin != 3 || r.Cause == nil || r.Cause.Code != "null-dereference" ||
		len(r.Branches) != 1 || r.Branches[0] != (Branch{1, true}) {
		t.Errorf("%+v %+v", r, r.Cause)
	}
	r = Refusal{}
	r.read(strings.Split(`0: R1=ctx() R10=fp0
0: (95) exit
R0 !read_ok

Verification failed: Register Type Safety: Unreadable register

Reason:
  R0 has never been initialized on this path, so the verifier cannot
  use it as an input.

At:
  insn 0
        | ^-- error: R0 is not readable

Causal path:
  no retained diagnostic events on this path

Suggestion:
  Initialize R0 on every path before this instruction.

processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0`, "\n"))
	if r.Reason != "R0 !read_ok" || r.Title != "Register Type Safety: Unreadable register" || r.Insn != 0 || r.Cause.Code != "no-value" ||
		r.Explained != "R0 has never been initialized on this path, so the verifier cannot use it as an input." ||
		r.Suggestion != "Initialize R0 on every path before this instruction." {
		t.Errorf("%+v %+v", r, r.Cause)
	}
}
