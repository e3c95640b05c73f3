package hooks

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// What the compiler lets a program read and write of its context is what the
// verifier lets it, for each field and each section.
func TestContexts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this test needs root")
	}
	tried, allowed := 0, 0
	for _, s := range abi.Sections() {
		p := s.ProgType()
		ctx := abi.CtxStructByName(p.Ctx)
		if _, refused := refusedSections[s.Pattern]; refused || ctx == nil {
			continue
		}
		for _, f := range ctx.Fields {
			name := strings.ReplaceAll(f.Name, "_", "-")
			place := "(ctx " + name + ")"
			if f.Count > 1 {
				place = fmt.Sprintf("(ctx %s %d)", name, f.Count-1)
			}
			off := int16(f.Offset + (f.Count-1)*f.Size)
			size := map[uint32]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}[f.Size]
			for body, raw := range map[string]asm.Instruction{
				"(when " + place + " (ktime-get-ns))":                            asm.LoadMem(asm.R0, asm.R1, off, size),
				fmt.Sprintf("(when (ctx u%d %d) (ktime-get-ns))", 8*f.Size, off): asm.LoadMem(asm.R0, asm.R1, off, size),
				"(setf " + place + " 0)":                                         asm.StoreMem(asm.R1, off, asm.R2, size),
			} {
				src := fmt.Sprintf("(defprog p (:section %q) %s %d)", sectionName(&s), body, sectionResult(&s))
				tried++
				obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: src}}, whistler.Options{})
				if err != nil {
					// The cookie of sk_lookup is a member of a union whose load gives the socket.
					if union := ctx.At(f.Offset); union.Kind == abi.CtxScalar && loads(&s, raw) {
						t.Errorf("%s: %v; the kernel takes it", src, err)
					}
					continue
				}
				coll, err := load.Open(obj.Bytes())
				if err != nil {
					t.Errorf("%s: %v", src, err)
					continue
				}
				allowed++
				coll.Close()
			}
		}
	}
	t.Logf("%d tried, %d allowed", tried, allowed)
}

// loads reports whether the kernel takes a program of a section with an
// access to the context.
func loads(s *abi.Section, access asm.Instruction) bool {
	spec := &ebpf.ProgramSpec{Type: ebpf.ProgramType(s.Type), AttachType: ebpf.AttachType(s.AttachType), License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R2, 0), access, asm.Mov.Imm(asm.R0, int32(sectionResult(s))), asm.Return()}}
	if s.Sleepable() {
		spec.Flags |= unix.BPF_F_SLEEPABLE
	}
	if s.Flags&abi.SectionFrags != 0 {
		spec.Flags |= unix.BPF_F_XDP_HAS_FRAGS
	}
	p, err := ebpf.NewProgram(spec)
	if err == nil {
		p.Close()
	}
	return err == nil
}
