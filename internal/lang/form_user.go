package lang

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/types"
)

// lowerPtRegs is (pt-regs-parm1) to (pt-regs-parm6) and (pt-regs-ret).
func lowerPtRegs(l *lowerer, c *call) val {
	l.usesContext()
	if l.prog.Type.Ctx != "pt_regs" {
		panic(l.fail(nil, "the context of a %s program holds no registers", l.prog.Type.Keyword).
			WithExpected("a program of type kprobe, kretprobe, uprobe, uretprobe and the like").WithCode("wrong-program-type"))
	}
	what := toLower(c.head.Name[len("PT-REGS-"):])
	off, ok := abi.PtRegs(l.c.opt.Arch, what)
	if !ok {
		panic(l.fail(nil, "`%s` is not known for %s", c.head.Display(), l.c.opt.Arch).WithExpected("amd64 or arm64").WithCode("target-arch"))
	}
	return l.ctxLoad(int64(off), types.U64.Size, false, nil)
}
