package opt

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
)

// lower turns generic ops into what the machine has: immediates, loads and
// stores with an offset or on the stack, 32-bit comparisons; what is left of
// constants gets a register where an instruction needs one.
//
//	v1 = const 14; v2 = add v0 v1; v3 = load.1 v2+0   =>   v3 = load.1 v0+14
func lower(f *ir.Func, c *Config) bool {
	w := newWidths(f, false)
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			lowerAddress(v)
			lowerImmediate(v, c, w)
		}
		lowerImmediate(b.Term, c, w)
	}
	for _, b := range f.Blocks {
		materialise(f, b)
	}
	return true
}

// lowerAddress folds constant additions into the offset of a memory op.
func lowerAddress(v *ir.Value) {
	switch v.Op {
	case ir.OpLoad, ir.OpLoadS, ir.OpStore, ir.OpAtomic:
	case ir.OpAdd:
		if s, off, ok := stackAddr(v); ok && int64(int16(off)) == off {
			v.Op, v.Slot, v.Aux, v.Args, v.HasImm, v.Size = ir.OpStackAddr, s, off, nil, false, 0
		}
		return
	default:
		return
	}
	if v.Slot != 0 {
		return
	}
	if s, off, ok := stackAddr(v.Args[0]); ok {
		v.Slot, v.Aux, v.Args = s, v.Aux+off, v.Args[1:]
		return
	}
	for {
		p := v.Args[0]
		off := v.Aux
		switch {
		case p.Op == ir.OpCopy:
			v.Args[0] = p.Args[0]
			continue
		case v.Core != "" || v.Op == ir.OpAtomic && p.Core != "":
			return
		case p.Op == ir.OpAdd && p.Size == 8 && coreOffset(p) != nil:
			// One relocation and no other offset: the loader writes the field.
			if off == 0 && v.Op != ir.OpAtomic {
				base, c := p.Args[0], coreOffset(p)
				if !p.HasImm && c == p.Args[0] {
					base = p.Args[1]
				}
				v.Args[0], v.Aux, v.Core = base, c.Aux, c.Core
				if p.HasImm {
					v.Aux = p.Imm
				}
			}
			return
		case p.Op == ir.OpAdd && p.Size == 8 && p.HasImm:
			off += p.Imm
		case p.Op == ir.OpAdd && p.Size == 8 && len(p.Args) == 2:
			n, ok := p.Args[1].IsConst()
			if !ok {
				return
			}
			off += n
		default:
			return
		}
		if off != int64(int16(off)) {
			return
		}
		v.Args[0], v.Aux = p.Args[0], off
	}
}

// coreImmediate are the ops whose immediate the loader may write.
var coreImmediate = map[ir.Op]bool{ir.OpAdd: true, ir.OpMul: true, ir.OpShl: true, ir.OpShr: true, ir.OpSar: true}

// coreOffset is the relocated number that p, an addition, adds.
func coreOffset(p *ir.Value) *ir.Value {
	if p.HasImm {
		if p.Core != "" {
			return p
		}
		return nil
	}
	for _, a := range p.Args {
		if a.Op == ir.OpCore && !strings.HasPrefix(a.Core, "enumval_value") {
			return a
		}
	}
	return nil
}

// lowerImmediate takes a constant last operand into the instruction.
func lowerImmediate(v *ir.Value, c *Config, w *widths) {
	op := v.Op
	if op == ir.OpBr {
		op = v.Cmp
	}
	if v.HasImm {
		return
	}
	switch {
	case op == ir.OpStore:
		if v.Slot == 0 && v.Args[0].Type == ir.PtrCtx {
			return // kernels before 6.3 refuse immediates there
		}
		if n, ok := v.Args[len(v.Args)-1].IsConst(); ok {
			if v.Size < 8 {
				n = int64(int32(n)) // the low bytes are what counts
			}
			if n == int64(int32(n)) {
				v.Imm, v.HasImm, v.Args = n, true, v.Args[:len(v.Args)-1]
			}
		}
	case len(v.Args) != 2:
	case coreImmediate[op] && v.Size == 8 && coreOffset(v) != nil:
		c := coreOffset(v)
		base := v.Args[0]
		if base == c && op.Commutes() {
			base = v.Args[1]
		} else if base == c {
			return
		}
		v.Imm, v.HasImm, v.Core, v.Args = c.Aux, true, c.Core, []*ir.Value{base}
	case op.Compares():
		lowerCompare(v, c, w)
	case op == ir.OpSub:
		if n, ok := v.Args[1].IsConst(); ok && -n == int64(int32(-n)) && n != -n {
			v.Op, v.Imm, v.HasImm, v.Args = ir.OpAdd, -n, true, v.Args[:1]
		}
	case op.Foldable():
		n, ok := v.Args[1].IsConst()
		if v.Size == 4 {
			n = int64(int32(n))
		}
		switch {
		case !ok:
		case n == int64(int32(n)):
			if (op == ir.OpUDiv || op == ir.OpUMod || op == ir.OpSDiv || op == ir.OpSMod) && n == 0 {
				return // the machine refuses a zero immediate; fold or lang deals with it
			}
			if op == ir.OpShl || op == ir.OpShr || op == ir.OpSar {
				n &= int64(v.Size)*8 - 1 // likewise counts beyond the width
			}
			v.Imm, v.HasImm, v.Args = n, true, v.Args[:1]
		case op == ir.OpAnd && n == 0xffffffff:
			v.Op, v.Size, v.Args = ir.OpZext, 4, v.Args[:1]
		case op == ir.OpAnd && n == int64(uint32(n)), (op == ir.OpOr || op == ir.OpXor) && n == int64(uint32(n)) && w.of(v.Args[0]) <= 32:
			v.Size, v.Imm, v.HasImm, v.Args = 4, int64(int32(n)), true, v.Args[:1]
		}
	}
}

// lowerCompare compares in 32 bits where both sides are no wider and that
// saves the constant a register.
func lowerCompare(v *ir.Value, c *Config, w *widths) {
	n, ok := v.Args[1].IsConst()
	if v.Size == 4 {
		n = int64(int32(n)) // the low bytes are what counts
	}
	switch {
	case !ok:
	case n == int64(int32(n)):
		v.Imm, v.HasImm, v.Args = n, true, v.Args[:1]
	case c.CPU >= 3 && v.Size == 8 && n == int64(uint32(n)) && w.of(v.Args[0]) <= 32:
		switch op := v.Op; {
		case op == ir.OpBr && v.Cmp >= ir.OpSlt && v.Cmp <= ir.OpSge || op >= ir.OpSlt && op <= ir.OpSge:
			return // as 64-bit numbers both are positive, as 32-bit ones perhaps not
		}
		v.Size, v.Imm, v.HasImm, v.Args = 4, int64(int32(n)), true, v.Args[:1]
	}
}

// materialise gives a register to the constants and addresses of b that
// some instruction cannot take otherwise. One register serves all uses up to
// the next call.
func materialise(f *ir.Func, b *ir.Block) {
	old := b.Values
	b.Values = f.Room(len(old) + 4)
	type key struct {
		op   ir.Op
		aux  int64
		slot int
		sym  string
	}
	have := map[key]*ir.Value{}
	fix := func(user *ir.Value) {
		if user.Op.IsCall() || user.Op == ir.OpRet || user.Op == ir.OpCopy {
			return // these make the value where they want it
		}
		for i, a := range user.Args {
			for a.Op == ir.OpCopy {
				a = a.Args[0]
			}
			if a.Op != ir.OpConst && a.Op != ir.OpStackAddr && (a.Op != ir.OpMapAddr || a.Type == ir.PtrValue) {
				continue
			}
			k := key{a.Op, a.Aux, a.Slot, a.Sym}
			m := have[k]
			if m == nil {
				m = f.NewValue(ir.OpCopy, user.Pos, a)
				m.Type = a.Type
				b.Values = append(b.Values, m)
				have[k] = m
			}
			user.Args[i] = m
		}
	}
	for _, v := range old {
		fix(v)
		b.Values = append(b.Values, v)
		if v.Op.IsCall() {
			clear(have)
		}
	}
	fix(b.Term)
}
