package main

import (
	"context"
	"errors"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// TestRefused places a refusal at the form of the instruction, and names the
// form that made the value and the test on the way.
func TestRefused(t *testing.T) {
	src, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: `(defmap h :type :hash :key u32 :value u64 :max-entries 4)
(defprog p (:type :xdp)
  (if (= 7 (ctx rx-queue-index))
      (let ((v (map-lookup h 1)))
        (if v (load u8 v 0) 0))
      2))`}}, whistler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := src.Result().Programs[0]
	find := func(ok func(in bpf.Insn) bool) int {
		for i, in := range p.Insns {
			if ok(in) {
				return i
			}
		}
		t.Fatalf("no such instruction in\n%v", p.Insns)
		return -1
	}
	r := &load.Refusal{Program: "p", File: "p.lisp", Line: 5, Reason: "R0 invalid mem access 'map_value_or_null'", Err: errors.New("no"),
		Insn:     find(func(in bpf.Insn) bool { return in.Op == bpf.ClassLDX|bpf.ModeMem|bpf.SizeB }),
		Origin:   find(func(in bpf.Insn) bool { return in.Op == bpf.ClassJMP|bpf.JmpCall }),
		Branches: []load.Branch{{Insn: find(func(in bpf.Insn) bool { return in.Op&0x07 == bpf.ClassJMP && in.Op&0xf0 == bpf.JmpEq })}},
		Cause:    &load.Cause{What: "this uses a pointer that may be null here", Expected: "a test", Hint: "when-let"}}
	want := "p.lisp:5:15: error: the kernel's verifier refuses `p`: this uses a pointer that may be null here (R0 invalid mem access 'map_value_or_null') [verifier]\n" +
		"    5 |         (if v (load u8 v 0) 0))\n      |               ^^^^^^^^^^^^^\n  expected: a test\n  hint: when-let\n" +
		"p.lisp:4:16: note: the value is made here\n    4 |       (let ((v (map-lookup h 1)))\n      |                ^^^^^^^^^^^^^^^^\n" +
		"p.lisp:3:3: note: the way leads over this test\n    3 |   (if (= 7 (ctx rx-queue-index))\n      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
	if got := refused(r, src, false).Render(source.Style{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := refused(&load.Refusal{Program: "q", Reason: "R0 !read_ok", Insn: 3, Origin: -1, Line: 8, File: "q.c", Err: errors.New("no")}, nil, false).What; got != "q.c:8: the kernel's verifier refuses `q`: R0 !read_ok" {
		t.Error(got)
	}
}
