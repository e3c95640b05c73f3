package opt

import (
	"fmt"
	"math/rand"
	"testing"
)

// TestRules runs both sides of every rule on numbers and compares them, and
// checks that no rule gives more ops than it takes, so that rewrite ends.
func TestRules(t *testing.T) {
	rs, err := readRules(rulesText)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := prove(r); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
	t.Logf("%d rules", len(rs))
}

// TestWrongRules checks that TestRules would notice.
func TestWrongRules(t *testing.T) {
	for _, text := range []string{
		"(rule (sub x y) (sub y x))",
		"(rule (and x -1) -1)",
		"(rule (add (add x ?a) ?b) (add x (sub ?a ?b)))",
		"(rule (ult x 0) 1)",
		"(rule (slt x 0) (ult x 0))",
		"(rule (be.2 (be.2 x)) x)",
		"(rule (zext.4 x) x)",
		"(rule (add x 0) (add (add x 0) 0))",
		"(rule (sdiv x -1) x)",
	} {
		rs, err := readRules(text)
		if err != nil {
			t.Fatal(err)
		}
		if prove(rs[0]) == nil {
			t.Errorf("%s: not noticed", text)
		}
	}
}

// TestBadRules checks that malformed rules are errors.
func TestBadRules(t *testing.T) {
	for _, text := range []string{"(rule x)", "(rule (nosuch x) x)", "(rule (add x) x)", "(rule \"a\" x)"} {
		if _, err := readRules(text); err == nil {
			t.Errorf("%s: taken", text)
		}
	}
}

var oddNumbers = []uint64{0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
	1<<63 - 1, 1 << 63, ^uint64(0), ^uint64(1), ^uint64(7), 0xffffffff80000000, 0x0102030405060708}

func prove(r rule) error {
	if right, left := r.right.size0(), r.left.size0(); right > left {
		return fmt.Errorf("grows from %d ops to %d", left, right)
	}
	rnd := rand.New(rand.NewSource(1))
	for range 3000 {
		env := map[int]uint64{}
		a, b := r.left.eval(env, rnd), r.right.eval(env, rnd)
		if a != b {
			return fmt.Errorf("%v: left is %#x, right %#x", env, a, b)
		}
	}
	return nil
}

func (t *term) eval(env map[int]uint64, rnd *rand.Rand) uint64 {
	switch {
	case t.num != nil:
		return uint64(*t.num)
	case len(t.args) == 0:
		if _, ok := env[t.at]; !ok {
			env[t.at] = oddNumbers[rnd.Intn(len(oddNumbers))] + uint64(rnd.Intn(3)) - 1
		}
		return env[t.at]
	}
	var c [2]uint64
	for i, a := range t.args {
		c[i] = a.eval(env, rnd)
	}
	return t.op.Eval(t.size, c[0], c[1])
}

// size0 counts ops; one on constants alone costs nothing.
func (t *term) size0() int {
	if !t.variable() {
		return 0
	}
	n := 0
	if len(t.args) > 0 {
		n = 1
	}
	for _, a := range t.args {
		n += a.size0()
	}
	return n
}

// variable reports whether t has a variable that stands for any value.
func (t *term) variable() bool {
	if len(t.args) == 0 {
		return t.num == nil && !t.konst
	}
	for _, a := range t.args {
		if a.variable() {
			return true
		}
	}
	return false
}
