package facts

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
)

// purposeless looks at every value once, without paths.
func (a *analysis) purposeless() {
	var written [][]bool
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpLoad || v.Op == ir.OpLoadS {
				if _, _, ok := slotOf(v); ok {
					if written == nil {
						written = a.writtenStack()
					}
					a.stackLoad(v, written)
				}
			}
			if v.Op.Compares() {
				a.decided(v)
			}
		}
	}
}

// writtenStack gives the bytes of each slot that some store writes; nil for
// a slot whose address goes where this scan does not follow it.
func (a *analysis) writtenStack() [][]bool {
	w := make([][]bool, len(a.f.Slots))
	for i, s := range a.f.Slots {
		if s != nil {
			w[i] = make([]bool, s.Size)
		}
	}
	escape := func(v *ir.Value) {
		if v.Op == ir.OpStackAddr {
			w[v.Slot] = nil
		}
	}
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			args := v.Args
			if v.Op == ir.OpStore || v.Op == ir.OpLoad || v.Op == ir.OpLoadS {
				if slot, off, ok := slotOf(v); ok {
					if v.Op == ir.OpStore && w[slot] != nil {
						for i := off; i < off+int64(v.Size); i++ {
							if i >= 0 && i < int64(len(w[slot])) {
								w[slot][i] = true
							}
						}
					}
					if v.Slot == 0 {
						args = args[1:]
					}
				}
			} else if v.Slot != 0 && v.Op != ir.OpStackAddr {
				w[v.Slot] = nil
			}
			for _, x := range args {
				escape(x)
			}
		}
		for _, e := range b.Succs {
			for _, x := range e.Args {
				escape(x)
			}
		}
		for _, x := range b.Term.Args {
			escape(x)
		}
	}
	return w
}

// stackLoad reports a load of bytes that nothing in the function writes.
func (a *analysis) stackLoad(v *ir.Value, written [][]bool) {
	slot, off, ok := slotOf(v)
	if !ok || written[slot] == nil || off < 0 || off+int64(v.Size) > int64(len(written[slot])) {
		return
	}
	for _, w := range written[slot][off : off+int64(v.Size)] {
		if w {
			return
		}
	}
	a.report(v, Finding{Kind: UninitializedStack})
}

// decided reports a comparison, written as one in the program's own text,
// that its operands' types decide: `(< x 0)` where x is unsigned.
func (a *analysis) decided(v *ir.Value) {
	text := v.Pos.Text()
	head, _, found := strings.Cut(strings.TrimPrefix(text, "("), " ")
	if !found || len(head) == len(text) || len(a.f.Blocks[0].Params) == 0 {
		return
	}
	switch strings.ToLower(head) {
	case "<", "<=", ">", ">=", "=", "/=", "s<", "s<=", "s>", "s>=":
	default:
		return
	}
	// The text of a macro's definition is not the program's.
	if prog := a.f.Blocks[0].Params[0].Pos; prog.File != v.Pos.File || v.Pos.Start < prog.Start || v.Pos.End > prog.End {
		return
	}
	constants := 0
	var n [2]Num
	for i := range n {
		x, imm := v.Operand(i)
		switch {
		case x == nil:
			n[i] = Just(uint64(imm))
			constants++
		default:
			n[i] = byType(x, 8)
			if _, ok := x.IsConst(); ok {
				constants++
			}
		}
	}
	if constants != 1 {
		return
	}
	if c, ok := Eval(v.Op, v.Size, n[0], n[1]).Const(); ok {
		kind := AlwaysFalse
		if c != 0 {
			kind = AlwaysTrue
		}
		a.report(v, Finding{Kind: kind})
	}
}

// byType is what the ops that make v say of it, whatever the path.
func byType(v *ir.Value, depth int) Num {
	switch {
	case v.Op == ir.OpConst:
		return Just(uint64(v.Aux))
	case v.Op == ir.OpLoad && v.Type == ir.Scalar:
		return OfSize(v.Size)
	case v.Op == ir.OpLoadS:
		return Any().signExtend(8 * uint(v.Size))
	case !v.Op.Foldable() || depth == 0 || v.Type != ir.Scalar:
		return Any()
	}
	var n [2]Num
	for i := range min(v.NumOperands(), 2) {
		if x, imm := v.Operand(i); x != nil {
			n[i] = byType(x, depth-1)
		} else {
			n[i] = Just(uint64(imm))
		}
	}
	return Eval(v.Op, v.Size, n[0], n[1])
}
