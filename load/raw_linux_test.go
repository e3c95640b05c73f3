package load

import (
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
)

// What is written down here of the kernel is what its own tables say.
func TestKernelNumbers(t *testing.T) {
	ptRegs := abi.CtxStructByName("pt_regs")
	for i, name := range amd64PtRegs {
		if f := ptRegs.Field(name); f == nil || f.Offset != uint32(8*i) {
			t.Errorf("register %s: %+v, want offset %d", name, f, 8*i)
		}
	}
	if s := abi.SectionMatch("fsession/f"); s.AttachType != uint32(attachFSession) {
		t.Errorf("the attach type of fsession is %d, want %d", attachFSession, s.AttachType)
	}
	for name, n := range map[string]int64{"BPF_PROG_LOAD": bpfProgLoad, "BPF_OBJ_GET_INFO_BY_FD": bpfObjGetInfo, "BPF_F_LINK": linked, "BPF_LINK_CREATE": bpfLinkCreate, "BPF_ITER_CREATE": bpfIterCreate, "BPF_CGROUP_ITER_DESCENDANTS_PRE": cgroupIterDescendants} {
		if want, ok := abi.Constant(name); !ok || want != n {
			t.Errorf("%s is %d, want %d (%v)", name, n, want, ok)
		}
	}
}
