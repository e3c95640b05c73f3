package ir

import (
	"fmt"
	"strings"
)

// Verify checks that f is well formed: every use is dominated by its
// definition, edges fit parameters, arities and sizes are right. It runs
// after every pass.
func Verify(f *Func) error {
	if len(f.Blocks) == 0 {
		return fmt.Errorf("%s: no blocks", f.Name)
	}
	var bad []string
	errorf := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	defined := f.BlockTable(f.nextV)
	order := f.Ints(f.nextV)
	in := f.Bools(f.nextB)
	define := func(v *Value, b *Block, at int32) {
		if v.ID < 0 || v.ID >= f.nextV {
			errorf("%v: name out of range", v)
			return
		}
		if defined[v.ID] != nil {
			errorf("%v is defined twice", v)
		}
		defined[v.ID], order[v.ID] = b, at
	}
	for _, b := range f.Blocks {
		if b.ID >= f.nextB || in[b.ID] {
			errorf("b%d stands twice", b.ID)
			continue
		}
		in[b.ID] = true
		for _, p := range b.Params {
			define(p, b, -1)
		}
		for i, v := range b.Values {
			define(v, b, int32(i))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%s: %s", f.Name, strings.Join(bad, "; "))
	}
	dom := Dominators(f)
	for _, b := range f.Blocks {
		if !dom.Reachable(b) {
			continue
		}
		use := func(user *Value, v *Value, at int32) {
			switch {
			case v == nil:
				errorf("b%d: %v has a nil argument", b.ID, user)
			case v.ID < 0 || v.ID >= f.nextV || defined[v.ID] == nil:
				errorf("b%d: %v uses %v, which no block defines", b.ID, user, v)
			case defined[v.ID] == b && order[v.ID] >= at, !dom.Dominates(defined[v.ID], b):
				errorf("b%d: %v uses %v before it is defined", b.ID, user, v)
			case !v.Op.HasResult():
				errorf("b%d: %v uses %v, which has no result", b.ID, user, v)
			}
		}
		for i, v := range b.Values {
			verifyValue(f, v, errorf)
			if v.Op.has(term) {
				errorf("b%d: %v is a terminator inside a block", b.ID, v)
			}
			for _, a := range v.Args {
				use(v, a, int32(i))
			}
		}
		t := b.Term
		if t == nil || !t.Op.has(term) {
			errorf("b%d has no terminator", b.ID)
			continue
		}
		verifyValue(f, t, errorf)
		for _, a := range t.Args {
			use(t, a, int32(len(b.Values)))
		}
		if len(b.Succs) != successors(t.Op) {
			errorf("b%d: %v has %d successors", b.ID, t.Op, len(b.Succs))
		}
		if t.Op == OpBr && !t.Cmp.Compares() {
			errorf("b%d: branch on %v", b.ID, t.Cmp)
		}
		for _, e := range b.Succs {
			if !in[e.To.ID] {
				errorf("b%d goes to b%d, which is not in the function", b.ID, e.To.ID)
			}
			if e.To == f.Blocks[0] {
				errorf("b%d goes to the entry", b.ID)
			}
			if len(e.Args) != len(e.To.Params) {
				errorf("b%d gives b%d %d arguments for %d parameters", b.ID, e.To.ID, len(e.Args), len(e.To.Params))
			}
			for _, a := range e.Args {
				use(t, a, int32(len(b.Values)))
			}
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%s: %s", f.Name, strings.Join(bad, "; "))
	}
	return nil
}

// successors is how many a block has that ends in op.
func successors(op Op) int {
	switch op {
	case OpJump:
		return 1
	case OpBr:
		return 2
	}
	return 0
}

func verifyValue(f *Func, v *Value, errorf func(string, ...any)) {
	info := &ops[v.Op]
	n := v.NumOperands()
	if v.Slot != 0 {
		if v.Slot >= len(f.Slots) {
			errorf("%v: no slot s%d", v, v.Slot)
		}
		if v.Op != OpStackAddr {
			n++ // the slot stands for the address
		}
	}
	if info.args >= 0 && n != info.args && !(v.Op == OpStackAddr && n == 0) {
		errorf("%v: %v has %d operands", v, v.Op, n)
	}
	if v.Op.Sized() {
		switch v.Size {
		case 1, 2, 4, 8:
		default:
			errorf("%v: size %d", v, v.Size)
		}
	}
	if v.Op == OpStackAddr && v.Slot == 0 {
		errorf("%v: stackaddr without a slot", v)
	}
}
