package regalloc

import (
	"math/rand"
	"testing"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/source"
)

var nowhere source.Pos

// random makes a function in lowered form: arithmetic, calls, diamonds and
// loops over many values, so that registers run out.
func random(r *rand.Rand) *ir.Func {
	f := ir.NewFunc("random")
	b := f.NewBlock()
	f.NewParam(b, ir.PtrCtx, nowhere)
	ctx := b.Params[0]
	var live []*ir.Value
	value := func() *ir.Value { return live[r.Intn(len(live))] }
	add := func(v *ir.Value) *ir.Value { b.Append(v); return v }
	for i := 0; i < 3+r.Intn(10); i++ {
		v := f.NewValue(ir.OpLoad, nowhere, ctx)
		v.Size, v.Aux = 4, int64(4*i)
		live = append(live, add(v))
	}
	constant := func() *ir.Value { return add(f.Const(int64(r.Intn(1000)), nowhere)) }
	ops := []ir.Op{ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpXor, ir.OpShl, ir.OpUlt, ir.OpEq, ir.OpUDiv}
	step := func() {
		switch r.Intn(8) {
		case 0: // a call with up to five arguments, constants among them
			var args []*ir.Value
			for i := 0; i < r.Intn(6); i++ {
				if r.Intn(3) == 0 {
					args = append(args, constant())
				} else {
					args = append(args, value())
				}
			}
			v := f.NewValue(ir.OpCall, nowhere, args...)
			v.Aux = 7
			live = append(live, add(v))
		case 1:
			v := f.NewValue(ir.OpAdd, nowhere, value())
			v.HasImm, v.Imm = true, int64(r.Intn(100))
			live = append(live, add(v))
		case 2:
			v := f.NewValue(ir.OpAtomic, nowhere, value(), value(), value())
			v.Size, v.Sym = 8, "cmpxchg"
			live = append(live, add(v))
		default:
			live = append(live, add(f.NewValue(ops[r.Intn(len(ops))], nowhere, value(), value())))
		}
	}
	branch := func(yes, no *ir.Block) {
		b.Term = f.NewValue(ir.OpBr, nowhere, value(), value())
		b.Term.Cmp = ir.OpUlt
		b.Succs = []ir.Edge{{To: yes}, {To: no}}
	}
	jump := func(to *ir.Block, args ...*ir.Value) {
		b.Term = f.NewValue(ir.OpJump, nowhere)
		b.Succs = []ir.Edge{{To: to, Args: args}}
	}
	pick := func(n int) (vs []*ir.Value) {
		for i := 0; i < n; i++ {
			if r.Intn(4) == 0 {
				vs = append(vs, constant())
			} else {
				vs = append(vs, value())
			}
		}
		return vs
	}
	for i := 0; i < 2+r.Intn(6); i++ {
		for j := 0; j < r.Intn(8); j++ {
			step()
		}
		n := r.Intn(6)
		switch r.Intn(2) {
		case 0: // a diamond whose arms give the merge its parameters
			yes, no, merge := f.NewBlock(), f.NewBlock(), f.NewBlock()
			branch(yes, no)
			before := live
			for _, arm := range []*ir.Block{yes, no} {
				b, live = arm, before
				for j := 0; j < r.Intn(4); j++ {
					step()
				}
				jump(merge, pick(n)...)
			}
			b, live = merge, before
			for j := 0; j < n; j++ {
				live = append(live, f.NewParam(merge, ir.Scalar, nowhere))
			}
		case 1: // a loop that passes its parameters around, permuted
			head, exit, back := f.NewBlock(), f.NewBlock(), f.NewBlock()
			jump(head, pick(n)...)
			b = head
			head.Depth = 1
			before := live
			for j := 0; j < n; j++ {
				live = append(live, f.NewParam(head, ir.Scalar, nowhere))
			}
			for j := 0; j < r.Intn(6); j++ {
				step()
			}
			inner := live
			branch(back, exit)
			b, live = back, inner
			var args []*ir.Value
			for _, k := range r.Perm(n) {
				if r.Intn(4) == 0 {
					args = append(args, value())
				} else {
					args = append(args, head.Params[k])
				}
			}
			jump(head, args...)
			b, live = exit, inner
			_ = before
		}
	}
	sum := value()
	for i := 0; i < 12; i++ {
		sum = add(f.NewValue(ir.OpAdd, nowhere, sum, value()))
	}
	b.Term = f.NewValue(ir.OpRet, nowhere, sum)
	return f
}

// TestRandom allocates random functions; Run checks each itself.
func TestRandom(t *testing.T) {
	spilled := 0
	for seed := int64(0); seed < 3000; seed++ {
		f := random(rand.New(rand.NewSource(seed)))
		if err := ir.Verify(f); err != nil {
			t.Fatalf("seed %d: the test's own function: %v", seed, err)
		}
		text := f.String()
		r, err := Run(f)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if r.Spills > 0 {
			spilled++
		}
	}
	if spilled < 100 {
		t.Errorf("only %d of the functions needed spills: the test is too easy", spilled)
	}
}

// TestCheckNotices damages allocations in many ways; the checker must object
// to nearly all. (Some damage is harmless: a result that nobody reads may go
// anywhere that is free.)
func TestCheckNotices(t *testing.T) {
	tried, caught := 0, 0
	for seed := int64(0); seed < 300; seed++ {
		rnd := rand.New(rand.NewSource(seed))
		f := random(rnd)
		r, err := Run(f)
		if err != nil {
			t.Fatal(err)
		}
		blk := r.Blocks[rnd.Intn(len(r.Blocks))]
		if len(blk.Insts) == 0 {
			continue
		}
		i := rnd.Intn(len(blk.Insts))
		in := &blk.Insts[i]
		tried++
		switch {
		case len(in.Src) > 0 && rnd.Intn(2) == 0:
			k := rnd.Intn(len(in.Src))
			in.Src[k] = (in.Src[k] + 1 + Loc(rnd.Intn(8))) % numRegs
		case in.V == nil || rnd.Intn(2) == 0:
			blk.Insts = append(blk.Insts[:i:i], blk.Insts[i+1:]...)
		default:
			in.Dst = (in.Dst + 1 + Loc(rnd.Intn(8))) % numRegs
		}
		if Check(r) != nil {
			caught++
		}
	}
	if caught*100 < tried*85 {
		t.Errorf("only %d of %d damaged allocations were noticed", caught, tried)
	}
	t.Logf("%d of %d damaged allocations noticed", caught, tried)
}
