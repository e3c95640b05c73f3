package abi

import "strconv"

// amd64Regs are the fields of pt_regs where the System V calling convention
// puts arguments and the result.
var amd64Regs = map[string]string{"parm1": "di", "parm2": "si", "parm3": "dx", "parm4": "cx", "parm5": "r8", "parm6": "r9", "ret": "ax"}

// PtRegs is the offset in the context of probes of an argument, "parm1" to
// "parm6", or of the result, "ret". On arm64 pt_regs begins with
// user_pt_regs, and that with __u64 regs[31] (asm/ptrace.h of its UAPI); its
// calling convention uses x0 to x5, and x0 for the result.
func PtRegs(arch, what string) (offset uint32, ok bool) {
	switch arch {
	case "", "amd64":
		if f := CtxStructByName("pt_regs").Field(amd64Regs[what]); f != nil {
			return f.Offset, true
		}
	case "arm64":
		if what == "ret" {
			return 0, true
		}
		if len(what) == 5 {
			if n, err := strconv.Atoi(what[4:]); err == nil && n >= 1 {
				return uint32(n-1) * 8, true
			}
		}
	}
	return 0, false
}
