package obj

import (
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/types"
)

// TextSection is where loaders look for subprograms.
const TextSection = ".text"

// A Sub is a subprogram: its code and its type.
type Sub struct {
	*bpf.Program
	Params []Param
	Result *types.Type // nil for none
	Global bool
	Later  bool // the kernel calls it when the program is over, on a stack of its own
}

// A Param of a subprogram. A Context one is a pointer to the context struct
// of the programs that call it.
type Param struct {
	Name      string
	Type      *types.Type
	Context   bool
	CtxStruct string
}

// A subSymbol is what a call of a subprogram refers to: its own symbol, or
// for a static one the section's and its offset in it in bytes.
type subSymbol struct {
	sym int
	off uint64
}

// subFunc is a subprogram's type. The kernel reads that of global ones.
func subFunc(b *btf.Builder, s *Sub) btf.ID {
	var ps []btf.Param
	for _, p := range s.Params {
		t := btf.ID(0)
		switch {
		case p.Context && p.CtxStruct != "":
			t = b.Ptr(ctxType(b, p.CtxStruct))
		case p.Context:
			t = b.Ptr(0)
		default:
			t = b.Type(p.Type)
		}
		ps = append(ps, btf.Param{Name: p.Name, Type: t})
	}
	result := btf.ID(0)
	switch {
	case s.Result == nil:
	case s.Result.Kind == types.Int && s.Result.Size == 8 && s.Result.Signed:
		result = b.Int("long long", 8, true)
	default:
		result = b.Type(s.Result)
	}
	linkage := btf.Static
	if s.Global {
		linkage = btf.Global
	}
	return b.Func(s.Name, b.FuncProto(result, ps), linkage)
}
