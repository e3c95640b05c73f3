package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sort"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/load"
)

// disasmCmd prints instructions.
type disasmCmd struct {
	input
}

func (c *disasmCmd) Run(a *app) error {
	data, _, err := c.object(a)
	if err != nil {
		return err
	}
	spec, err := load.Read(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	var names []string
	for n := range spec.Programs {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		if c.JSON {
			code, err := instructions(spec.Programs[n])
			if err != nil {
				return err
			}
			if err := json.NewEncoder(a.out).Encode(map[string]any{"program": n, "section": spec.Programs[n].SectionName, "slots": slots(spec.Programs[n]), "instructions": code}); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := disassemble(a.out, spec.Programs[n]); err != nil {
			return err
		}
	}
	return nil
}

// slots counts the 8-byte instructions of a program.
func slots(s *ebpf.ProgramSpec) (n int) {
	for _, ins := range s.Instructions {
		n += int(ins.Size()) / 8
	}
	return n
}

func helperName(id int32) string {
	if h := abi.HelperByID(id); h != nil {
		return h.C
	}
	return ""
}

// An instruction as it is printed.
type instruction struct {
	Slot   int    `json:"slot"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"` // the source line that begins here
}

// instructions lists a program's code in the kernel's notation.
func instructions(s *ebpf.ProgramSpec) (out []instruction, err error) {
	slot := 0
	last := ""
	for _, ins := range s.Instructions {
		in := instruction{Slot: slot}
		if src := ins.Source(); src != nil {
			if text := fmt.Sprint(src); text != last {
				in.Source, last = text, text
			}
		}
		code, err := rawInsn(s.Name, ins)
		if err != nil {
			return nil, err
		}
		var next bpf.Insn
		if len(code) > 1 {
			next = code[1]
		}
		in.Text = code[0].Text(next, helperName)
		if ref := ins.Reference(); ref != "" && code[0].IsLdImm64() {
			in.Text = fmt.Sprintf("r%d = map[%s] ll", code[0].Dst, ref)
		}
		out = append(out, in)
		slot += len(code)
	}
	return out, nil
}

// rawInsn is an instruction of a program as its one or two slots.
func rawInsn(program string, ins asm.Instruction) ([]bpf.Insn, error) {
	var raw bytes.Buffer
	if _, err := ins.Marshal(&raw, binary.LittleEndian); err != nil {
		return nil, fmt.Errorf("%s: %v: %w", program, ins, err)
	}
	return bpf.Decode(raw.Bytes(), binary.LittleEndian), nil
}

func disassemble(w io.Writer, s *ebpf.ProgramSpec) error {
	code, err := instructions(s)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: section %q, %d slots\n", s.Name, s.SectionName, slots(s))
	for _, in := range code {
		if in.Source != "" {
			fmt.Fprintf(w, "; %s\n", in.Source)
		}
		fmt.Fprintf(w, "%6d: %s\n", in.Slot, in.Text)
	}
	return nil
}
