package machine

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/types"
)

// text writes f in the kernel's notation. A block's ways stand at its end; an
// access of other memory than the stack says behind a semicolon which:
//
//	b0:
//		r1 = map m ll
//		call bpf_map_lookup_elem#1
//		if r0 == 0x0 goto b2
//		goto b1
//	b1:
//		r0 = *(u64 *)(r0 +0) ; value
//		exit
//
// Behind a branch whose number nobody asks for any more stands "; last".
func text(f *Func) string {
	var s strings.Builder
	for _, b := range f.Blocks {
		fmt.Fprintf(&s, "b%d:\n", b.ID)
		for k := range b.Insns {
			fmt.Fprintf(&s, "\t%s\n", b.Insns[k].text())
		}
		if b.Branch != nil {
			cond, _, _ := strings.Cut(b.Branch.text(), " goto ")
			last := ""
			if b.Branch.Last {
				last = lastMark
			}
			fmt.Fprintf(&s, "\t%s goto b%d%s\n\tgoto b%d\n", cond, b.Succs[0].ID, last, b.Succs[1].ID)
		} else if len(b.Succs) > 0 {
			fmt.Fprintf(&s, "\tgoto b%d\n", b.Succs[0].ID)
		}
	}
	return s.String()
}

const lastMark = " ; last"

func (i *Insn) text() string {
	if i.Ref != nil {
		return fmt.Sprintf("r%d = map %s ll", i.Dst, i.Ref.Name)
	}
	s := i.Insn.Text(bpf.Insn{Imm: i.Hi}, func(id int32) string { return abi.HelperByID(id).C })
	if i.Base != types.Scalar && i.Base != types.PtrStack {
		s += " ; " + i.Base.String()
	}
	return s
}

// Signs of operations and comparisons, as the disassembler has them.
var aluSign, jumpSign = map[string]uint8{}, map[string]uint8{}

func init() {
	for op := 0; op < 0x100; op += 0x10 {
		if w := strings.Fields(bpf.Insn{Op: bpf.ClassALU64 | uint8(op)}.Text(bpf.Insn{}, nil)); len(w) == 3 {
			aluSign[w[1]] = uint8(op)
		}
		if w := strings.Fields(bpf.Insn{Op: bpf.ClassJMP | uint8(op)}.Text(bpf.Insn{}, nil)); w[0] == "if" {
			jumpSign[w[2]] = uint8(op)
		}
	}
}

// parse reads what text writes.
func parse(t *testing.T, s string) *Func {
	t.Helper()
	f, blocks := &Func{}, map[string]*Block{}
	for _, m := range regexp.MustCompile(`(?m)^b(\d+):$`).FindAllStringSubmatch(s, -1) {
		b := f.NewBlock()
		b.ID, _ = strconv.Atoi(m[1])
		f.nextB = max(f.nextB, b.ID+1)
		blocks["b"+m[1]] = b
	}
	var b *Block
	for _, line := range strings.Split(strings.TrimSpace(s), "\n") {
		line = strings.TrimSpace(line)
		name, isLabel := strings.CutSuffix(line, ":")
		body, to, goes := strings.Cut(line, "goto ")
		to, last := strings.CutSuffix(to, lastMark)
		switch {
		case isLabel:
			b = blocks[name]
			continue
		case goes && blocks[to] == nil:
			t.Fatalf("no block %s", to)
		case goes && body != "":
			i := parseInsn(body + "goto " + to)
			i.Last = last
			b.Branch, b.Succs = &i, []*Block{blocks[to]}
		case goes:
			b.Succs = append(b.Succs, blocks[to])
		default:
			b.Insns = append(b.Insns, parseInsn(line))
		}
	}
	if got := text(f); got != s {
		t.Fatalf("reads back as another:\n%s\nwas\n%s", got, s)
	}
	return f
}

// The forms of instructions.
var (
	aluForm   = regexp.MustCompile(`^([rw])(\d+) (\S*=) ([rw]?)(-?\d+)$`)
	negForm   = regexp.MustCompile(`^([rw])(\d+) = -[rw]`)
	endForm   = regexp.MustCompile(`^r(\d+) = (be|le|bswap)(\d+) `)
	loadForm  = regexp.MustCompile(`^r(\d+) = \*\(([us])(\d+) \*\)\(r(\d+) ([+-]\d+)\)`)
	storeForm = regexp.MustCompile(`^\*\(u(\d+) \*\)\(r(\d+) ([+-]\d+)\) = (r?)(-?\d+)`)
	numForm   = regexp.MustCompile(`^r(\d+) = (0x[0-9a-f]+) ll$`)
	mapForm   = regexp.MustCompile(`^r(\d+) = map (\S+) ll$`)
	callForm  = regexp.MustCompile(`^call \S+#(\d+)$`)
	ifForm    = regexp.MustCompile(`^if ([rw])(\d+) (\S+) ([rw]?)(\S+) goto`)
	atomForm  = regexp.MustCompile(`\(\(?u(\d+) \*\)\(r(\d+) ([+-]\d+)\).*r(\d+)\)?$`)
)

// parseInsn reads an instruction; what it does not know parse finds out.
func parseInsn(line string) (i Insn) {
	line, base, _ := strings.Cut(line, " ; ")
	i.Base, _ = types.SpaceNamed(base)
	num := func(s string) int { n, _ := strconv.ParseInt(s, 0, 64); return int(n) }
	class := func(letter string, w, r uint8) uint8 { return map[string]uint8{"w": w, "r": r}[letter] }
	operand := func(letter, n string) {
		if i.Imm = int32(num(n)); letter != "" {
			i.Op, i.Src, i.Imm = i.Op|bpf.SrcX, bpf.Reg(num(n)), 0
		}
	}
	at := func(size, reg, off string) bpf.Reg {
		i.Op |= bpf.SizeOf(num(size) / 8)
		i.Off = int16(num(off))
		if reg == "10" {
			i.Base = types.PtrStack
		}
		return bpf.Reg(num(reg))
	}
	if m := mapForm.FindStringSubmatch(line); m != nil {
		i.Op, i.Dst, i.Ref = bpf.OpLdImm64, bpf.Reg(num(m[1])), &bpf.Ref{Kind: bpf.RefMap, Name: m[2]}
	} else if m := numForm.FindStringSubmatch(line); m != nil {
		n, _ := strconv.ParseUint(m[2], 0, 64)
		i.Op, i.Dst, i.Imm, i.Hi = bpf.OpLdImm64, bpf.Reg(num(m[1])), int32(n), int32(n>>32)
	} else if m := aluForm.FindStringSubmatch(line); m != nil {
		i.Op, i.Dst = class(m[1], bpf.ClassALU, bpf.ClassALU64)|aluSign[m[3]], bpf.Reg(num(m[2]))
		operand(m[4], m[5])
	} else if m := negForm.FindStringSubmatch(line); m != nil {
		i.Op, i.Dst = class(m[1], bpf.ClassALU, bpf.ClassALU64)|bpf.AluNeg, bpf.Reg(num(m[2]))
	} else if m := endForm.FindStringSubmatch(line); m != nil {
		i.Op = map[string]uint8{"be": bpf.ClassALU | bpf.SrcX, "le": bpf.ClassALU, "bswap": bpf.ClassALU64}[m[2]] | bpf.AluEnd
		i.Dst, i.Imm = bpf.Reg(num(m[1])), int32(num(m[3]))
	} else if m := loadForm.FindStringSubmatch(line); m != nil {
		i.Op = bpf.ClassLDX | map[string]uint8{"u": bpf.ModeMem, "s": bpf.ModeMemSX}[m[2]]
		i.Dst, i.Src = bpf.Reg(num(m[1])), at(m[3], m[4], m[5])
	} else if m := storeForm.FindStringSubmatch(line); m != nil {
		i.Op = bpf.ClassST | bpf.ModeMem
		if i.Dst = at(m[1], m[2], m[3]); m[4] != "" {
			i.Op, i.Src = i.Op&^7|bpf.ClassSTX, bpf.Reg(num(m[5]))
		} else {
			i.Imm = int32(num(m[5]))
		}
	} else if m := callForm.FindStringSubmatch(line); m != nil {
		i.Op, i.Imm = bpf.ClassJMP|bpf.JmpCall, int32(num(m[1]))
	} else if m := ifForm.FindStringSubmatch(line); m != nil {
		i.Op, i.Dst = class(m[1], bpf.ClassJMP32, bpf.ClassJMP)|jumpSign[m[3]], bpf.Reg(num(m[2]))
		operand(m[4], m[5])
	} else if m := atomForm.FindStringSubmatch(line); m != nil {
		i.Op = bpf.ClassSTX | bpf.ModeAtomic
		i.Dst, i.Src = at(m[1], m[2], m[3]), bpf.Reg(num(m[4]))
		for n := int32(0); n < 0x100; n++ { // whichever prints so
			if i.Imm = n; i.Insn.Text(bpf.Insn{}, nil) == line {
				break
			}
		}
	} else if line == "exit" {
		i.Op = bpf.ClassJMP | bpf.JmpExit
	}
	return i
}
