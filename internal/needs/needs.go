// Package needs finds the oldest kernel that can run a program: what the
// code calls and is made of, looked up in the table of versions.
package needs

import (
	"fmt"
	"sort"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
)

// A Function is code to look at. Of a program, Section is its ELF section
// and Type its program type's C name; subprograms have neither. Ops is the
// struct of operations that it is a member of, where a link registers that.
type Function struct {
	Section, Type string
	Ops           string
	Insns         []bpf.Insn
	Refs          []bpf.Ref
	Map           func(name string) (m *abi.MapType, flags uint32) // nil: no such map
}

// A Need is one thing that a kernel must have.
type Need struct {
	What  string     // "the helper bpf_loop"
	Since *abi.Since // nil where the table of versions has no row for it
	Slot  int        // the first instruction that needs it; -1: the program as such
}

// Kernel is the first version that has it, and the commit that brought it;
// both are "" where the table does not know.
func (n Need) Kernel() (version, commit string) {
	if n.Since == nil {
		return "", ""
	}
	return n.Since.Version.String(), n.Since.Commit
}

type search struct {
	found map[string]bool
	needs []Need
}

func (s *search) add(slot int, kind, name, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if s.found[what] {
		return
	}
	s.found[what] = true
	s.needs = append(s.needs, Need{what, abi.FirstWith(kind, name), slot})
}

// Of lists what f needs, the newest first, and what no row tells of last.
func Of(f *Function) []Need {
	s := &search{found: map[string]bool{}}
	if f.Type != "" {
		s.add(-1, "prog", f.Type, "programs of type %s", f.Type)
	}
	if sec := abi.SectionMatch(f.Section); f.Section != "" && sec != nil && abi.FirstWith("section", sec.Pattern) != nil {
		s.add(-1, "section", sec.Pattern, "the section %q", f.Section)
	}
	if f.Ops != "" {
		s.add(-1, "flag", "BPF_F_LINK", "a link of the struct of operations %s", f.Ops)
	}
	for _, r := range f.Refs {
		s.ref(f, r)
	}
	for i := 0; i < len(f.Insns); i++ {
		s.insn(i, f.Insns[i])
		if f.Insns[i].IsLdImm64() {
			i++
		}
	}
	if len(f.Insns) > 4096 {
		s.add(-1, "feature", "long-programs", "more than 4096 instructions")
	}
	if slot := loop(f.Insns); slot >= 0 {
		s.add(slot, "feature", "loops", "a loop")
	}
	sort.SliceStable(s.needs, func(i, j int) bool { // what has no row is last
		x, y := s.needs[i].Since, s.needs[j].Since
		return x != nil && (y == nil || y.Version.Less(x.Version))
	})
	return s.needs
}

func (s *search) ref(f *Function, r bpf.Ref) {
	switch r.Kind {
	case bpf.RefMap:
		m, flags := f.Map(r.Name)
		if m == nil {
			return
		}
		s.add(r.Slot, "map", m.C, "the map %s, %s", r.Name, m.C)
		for _, since := range abi.Versions() {
			if bit, ok := abi.Constant(since.Name); since.Kind == "flag" && ok && flags&uint32(bit) != 0 {
				s.add(r.Slot, "flag", since.Name, "the map %s, %s", r.Name, since.Name)
			}
		}
	case bpf.RefGlobal:
		s.add(r.Slot, "feature", "globals", "global variables")
	case bpf.RefKfunc:
		s.add(r.Slot, "kfunc", r.Name, "the kernel function %s", r.Name)
	case bpf.RefCore, bpf.RefKsym:
		s.add(r.Slot, "feature", "kernel-types", "the kernel's types (BTF)")
	case bpf.RefSubprog, bpf.RefFunc:
		s.add(r.Slot, "feature", "subprograms", "subprograms")
	}
}

func (s *search) insn(slot int, i bpf.Insn) {
	class, op := i.Op&7, i.Op&0xf0
	const v2, v3, v4 = "instructions of BPF cpu version 2", "instructions of BPF cpu version 3", "instructions of BPF cpu version 4"
	switch class {
	case bpf.ClassJMP, bpf.ClassJMP32:
		switch {
		case class == bpf.ClassJMP && op == bpf.JmpCall:
			switch i.Src {
			case bpf.PseudoCall:
				s.add(slot, "feature", "subprograms", "subprograms")
			case bpf.PseudoKfuncCall:
			default:
				if h := abi.HelperByID(i.Imm); h != nil {
					s.add(slot, "helper", h.Name, "the helper %s", h.C)
				} else {
					s.add(slot, "helper", "", "the helper number %d", i.Imm)
				}
			}
		case class == bpf.ClassJMP32 && op == bpf.JmpA:
			s.add(slot, "insn", "v4", v4)
		case class == bpf.ClassJMP32:
			s.add(slot, "insn", "v3", v3)
		case op >= bpf.JmpLt:
			s.add(slot, "insn", "v2", v2)
		}
	case bpf.ClassALU, bpf.ClassALU64:
		if (op == bpf.AluDiv || op == bpf.AluMod || op == bpf.AluMov) && i.Off != 0 || class == bpf.ClassALU64 && op == bpf.AluEnd {
			s.add(slot, "insn", "v4", v4)
		}
	case bpf.ClassLDX:
		if i.Op&0xe0 == bpf.ModeMemSX {
			s.add(slot, "insn", "v4", v4)
		}
	case bpf.ClassSTX:
		if i.Op&0xe0 == bpf.ModeAtomic && i.Imm != bpf.AtomicAdd {
			s.add(slot, "insn", "atomics", "atomic instructions other than a plain add")
		}
	case bpf.ClassLD:
		if i.IsLdImm64() && i.Src == bpf.PseudoFunc {
			s.add(slot, "feature", "subprograms", "subprograms")
		}
	}
}

// loop finds the jump of a cycle, -1 if there is none.
func loop(code []bpf.Insn) int {
	const entered, left = 1, 2
	state := make([]uint8, len(code))
	type step struct {
		slot int
		next []int
	}
	visit := func(n int) step {
		state[n] = entered
		return step{n, successors(code, n)}
	}
	for root := range code { // functions of a linked program follow each other
		if root != 0 && !exits(code[root-1]) || state[root] != 0 {
			continue
		}
		stack := []step{visit(root)}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if len(top.next) == 0 {
				state[top.slot] = left
				stack = stack[:len(stack)-1]
				continue
			}
			n := top.next[0]
			top.next = top.next[1:]
			switch {
			case n < 0 || n >= len(code):
			case state[n] == entered:
				return top.slot
			case state[n] == 0:
				stack = append(stack, visit(n))
			}
		}
	}
	return -1
}

func exits(i bpf.Insn) bool {
	return i.Op&7 == bpf.ClassJMP && (i.Op&0xf0 == bpf.JmpExit || i.Op&0xf0 == bpf.JmpA)
}

func successors(code []bpf.Insn, n int) []int {
	i := code[n]
	class, op := i.Op&7, i.Op&0xf0
	if i.IsLdImm64() {
		return []int{n + 2}
	}
	if class != bpf.ClassJMP && class != bpf.ClassJMP32 {
		return []int{n + 1}
	}
	switch op {
	case bpf.JmpCall:
		return []int{n + 1}
	case bpf.JmpExit:
		return nil
	case bpf.JmpA:
		if class == bpf.ClassJMP32 {
			return []int{n + 1 + int(i.Imm)}
		}
		return []int{n + 1 + int(i.Off)}
	}
	return []int{n + 1, n + 1 + int(i.Off)}
}
