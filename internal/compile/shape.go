package compile

import (
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/emit"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/ir/facts"
)

// machine puts into env what the function's code looks like.
func (fn *function) machine(env facts.Env) facts.Env {
	if fn.code != nil {
		env.Shape = shape(fn.f, fn.code.Insns, fn.code.From)
	}
	return env
}

// shape says which instructions the values of f became, by what from says.
func shape(f *ir.Func, code []bpf.Insn, from []bpf.From) *facts.Shape {
	s := &facts.Shape{Insns: make([]uint16, f.NumValues()), Jumps: make([]uint16, f.NumValues()), Ends: make([]facts.End, f.NumBlocks())}
	gotos := func(slot int) (n uint8) {
		for n < 8 && slot >= 0 && slot < len(code) && code[slot].Op == bpf.ClassJMP|bpf.JmpA {
			slot += 1 + int(code[slot].Off)
			n++
		}
		return n
	}
	last := make([]int, f.NumValues())             // the slot behind each
	first := make([]facts.Branches, f.NumValues()) // and its first jump
	for _, x := range from {
		i := code[x.Slot]
		if i.Op == bpf.ClassJMP|bpf.JmpExit {
			continue // which several returns may share
		}
		if c := i.Class(); c == bpf.ClassJMP || c == bpf.ClassJMP32 {
			if s.Jumps[x.Value]++; s.Jumps[x.Value] == 1 {
				first[x.Value] = facts.Branches{Lead: s.Insns[x.Value], Skip: uint16(max(0, i.Off))}
			}
		}
		s.Insns[x.Value]++
		if last[x.Value] = x.Slot + 1; i.IsLdImm64() {
			last[x.Value]++
		}
	}
	for _, b := range f.Blocks {
		end := &s.Ends[b.ID]
		end.Jumps = -1
		behind := 0
		for _, v := range b.Values {
			if last[v.ID] == 0 {
				continue
			}
			if facts.CallsBack(v) {
				if s.Behind == nil {
					s.Behind = map[int]uint16{}
				}
				s.Behind[v.ID] = behindCall(v, code, from)
			}
			if v.Op.Compares() && s.Jumps[v.ID] > 0 {
				if s.Branches == nil {
					s.Branches = map[int]facts.Branches{}
				}
				s.Branches[v.ID] = first[v.ID]
			}
			if n := gotos(behind); behind > 0 && n > 0 {
				s.Insns[v.ID] += uint16(n)
				s.Jumps[v.ID] += uint16(n)
			}
			behind = last[v.ID]
		}
		switch t := b.Term; t.Op {
		case ir.OpRet:
			s.Insns[t.ID] += 1 + uint16(gotos(behind))
			s.Jumps[t.ID] += 1 + uint16(gotos(behind))
		case ir.OpBr:
			if slot := last[t.ID] - 1; slot >= 0 {
				i := code[slot]
				end.Jumps = 0
				if i.Op&0xf0 != emit.Condition(t.Cmp) {
					end.Jumps = 1
				}
				end.Masked = t.Cmp == ir.OpTest && end.Jumps == 1
				end.Gotos[end.Jumps] = gotos(slot + 1 + int(i.Off))
				end.Gotos[1-end.Jumps] = gotos(slot + 1)
			}
		case ir.OpJump:
			if behind = max(behind, last[t.ID]); behind > 0 {
				end.Gotos[0] = gotos(behind)
			}
		}
	}
	return s
}

// behindCall counts the instructions of the call v behind the call itself.
func behindCall(v *ir.Value, code []bpf.Insn, from []bpf.From) (n uint16) {
	called := false
	for _, x := range from {
		switch {
		case x.Value != v.ID:
		case code[x.Slot].Op == bpf.ClassJMP|bpf.JmpCall:
			called = true
		case called:
			n++
		}
	}
	return n
}
