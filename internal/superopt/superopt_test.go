package main

import (
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/opt"
)

// TestSearch finds rules in functions, and none where there is none: neither for
// what holds for most numbers only, nor where somebody else wants what would go.
func TestSearch(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`v2 = const 24
	v3 = shr.8 v0 v2
	v4 = const 0
	v5 = eq.8 v3 v4`, "(rule (eq (shr x ?a) 0) (ult x (shl 1 ?a))) ; holds: f"},
		{`v2 = const 24
	v3 = shr.8 v0 v2
	v4 = const 0
	v6 = eq.8 v3 v4
	v5 = add.8 v6 v3`, ""},
		{`v2 = const 7
	v3 = add.8 v0 v2
	v4 = const 9
	v5 = eq.8 v3 v4`, "(rule (eq (add x ?a) ?b) (eq x (sub ?b ?a))) ; holds: f"},
		{`v2 = const 1000
	v3 = udiv.8 v0 v2
	v4 = const 0
	v5 = ne.8 v3 v4`, "(rule (ne (udiv x ?a) 0) (ugt x (add -1 ?a))) ; holds: f"},
		{`v2 = const 65535
	v3 = xor.4 v0 v2
	v4 = zext.2 v3
	v5 = xor.8 v4 v2`, "(rule (xor (zext.2 (xor.4 x 65535)) 65535) (and x 65535)) ; holds: f"},
		{`v2 = const 2048
	v3 = be.2 v0
	v5 = eq.8 v3 v2`, ""}, // (eq x 8) knows nothing of the rest of x
		{`v2 = const 4294967040
	v3 = and.8 v0 v2
	v4 = const 1157629952
	v5 = eq.8 v3 v4`, ""}, // hardly ever
		{`v2 = add.8 v0 v1
	v3 = sub.8 v2 v1
	v5 = mul.8 v3 v1`, "(rule (sub (add x y) y) x) ; holds: f"},
	} {
		f, err := ir.Parse("func f\nb0(v0,v1):\n\t" + c.text + "\n\tret v5\n")
		if err != nil {
			t.Fatal(err)
		}
		all := windowsOf{}
		all.add(f, "f")
		var b strings.Builder
		all.report(&b, nil)
		got := strings.TrimSpace(b.String())
		if c.want == "" && got != "" || !strings.Contains("\n"+got+"\n", "\n"+c.want+"\n") && c.want != "" {
			t.Errorf("%s\n\tgives %s\n\twant  %s", c.text, got, c.want)
		}
	}
}

// TestHave: rules that there are are not printed again.
func TestHave(t *testing.T) {
	f, err := ir.Parse("func f\nb0(v0,v1):\n\tv2 = add.8 v0 v1\n\tv3 = sub.8 v2 v1\n\tret v3\n")
	if err != nil {
		t.Fatal(err)
	}
	have, err := opt.Rules("(rule (sub.8 (add p q) q) p) ; in other words")
	if err != nil {
		t.Fatal(err)
	}
	all := windowsOf{}
	all.add(f, "f")
	var b strings.Builder
	all.report(&b, have)
	if b.Len() > 0 {
		t.Errorf("printed: %s", &b)
	}
}

// TestShrink: the small space has masks and shifts of whole bytes, and says so where
// it has not.
func TestShrink(t *testing.T) {
	x := &expr{}
	op := func(op ir.Op, size uint8, c int64) *expr {
		return &expr{op: op, size: size, args: []*expr{x, {op: ir.OpConst, c: c}}}
	}
	for _, c := range []struct {
		e    *expr
		want string
	}{
		{op(ir.OpAnd, 8, 0xffff), "(and x 3)"}, {op(ir.OpShr, 8, 32), "(shr x 4)"}, {op(ir.OpAdd, 4, -1), "(add.4 x -1)"},
		{op(ir.OpAnd, 8, 7), ""}, {op(ir.OpShl, 8, 5), ""}, {&expr{op: ir.OpBE, size: 2, args: []*expr{x}}, ""},
	} {
		got, ok := shrink(c.e)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%v becomes %v, %v; want %q", c.e, got, ok, c.want)
		}
	}
	for i := range uint64(256) {
		if a, b := small.eval(op(ir.OpShr, 4, 2), []uint64{i}), i&15>>2; a != b {
			t.Fatalf("shr.4 %d 2 is %d in the small space, want %d", i, a, b)
		}
	}
}
