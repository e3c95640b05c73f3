package load

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A static probe is a no-op in a program with a note that says where it is
// and where its arguments are. Their places go into a map that the compiler
// declares, laid out as libbpf has it; the cookie of the attachment says
// which entry is the probe's.

const (
	usdtSpecs = "__bpf_usdt_specs"
	usdtIPs   = "__bpf_usdt_ip_to_spec_id" // for libbpf, which insists on it
	usdtArgs  = 12
)

// A usdtProbe is one place of a static probe.
type usdtProbe struct {
	offset    uint64 // in the file
	semaphore uint64 // offset in the file of the counter of those who look, 0 if there is none
	args      string // "-4@%edi 8@-16(%rbp)"
}

// usdtProbes finds the places of a probe. known lists all probes of the file.
func usdtProbes(file, provider, name string) (found []usdtProbe, known []string, err error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	sec := f.Section(".note.stapsdt")
	if sec == nil {
		return nil, nil, nil
	}
	data, err := sec.Data()
	if err != nil {
		return nil, nil, err
	}
	base := f.Section(".stapsdt.base")
	for len(data) >= 12 {
		nameSize, descSize, typ := f.ByteOrder.Uint32(data), f.ByteOrder.Uint32(data[4:]), f.ByteOrder.Uint32(data[8:])
		descAt := 12 + align4(uint64(nameSize))
		end := descAt + align4(uint64(descSize))
		if end > uint64(len(data)) {
			return nil, nil, fmt.Errorf("the notes of %s end too early", file)
		}
		owner, desc := data[12:12+nameSize], data[descAt:descAt+uint64(descSize)]
		data = data[end:]
		if typ != 3 || string(owner) != "stapsdt\x00" || f.Class != elf.ELFCLASS64 || len(desc) < 24 {
			continue
		}
		words := bytes.SplitN(desc[24:], []byte{0}, 4)
		if len(words) < 4 {
			continue
		}
		if p := string(words[0]) + ":" + string(words[1]); !slices.Contains(known, p) {
			known = append(known, p)
		}
		if string(words[0]) != provider || string(words[1]) != name {
			continue
		}
		pc, was, sem := f.ByteOrder.Uint64(desc), f.ByteOrder.Uint64(desc[8:]), f.ByteOrder.Uint64(desc[16:])
		if base != nil {
			pc += base.Addr - was // the file was moved after it was linked
		}
		p := usdtProbe{args: string(words[2])}
		var ok bool
		if p.offset, ok = fileOffset(f, pc, true); !ok {
			return nil, nil, fmt.Errorf("the probe %s:%s of %s is in no code", provider, name, file)
		}
		if sem != 0 {
			if p.semaphore, ok = fileOffset(f, sem, false); !ok {
				return nil, nil, fmt.Errorf("the semaphore of the probe %s:%s of %s is in no data", provider, name, file)
			}
		}
		found = append(found, p)
	}
	return found, known, nil
}

func align4(n uint64) uint64 { return (n + 3) &^ 3 }

// Kinds of places, enum __bpf_usdt_arg_type of libbpf.
const (
	usdtConst = iota
	usdtRegister
	usdtMemory  // at a register and an offset
	usdtIndexed // and another register, shifted
)

// A usdtArg is struct __bpf_usdt_arg_spec.
type usdtArg struct {
	Offset   uint64 // or the constant
	Kind     uint8
	_        uint8
	Index    uint16 // of the second register, and in its high 4 bits by how much to shift it
	Register int16  // its offset in pt_regs
	Signed   bool
	Shift    uint8 // 64 less the bits of the argument
}

// A usdtSpec is struct __bpf_usdt_spec.
type usdtSpec struct {
	Args   [usdtArgs]usdtArg
	Cookie uint64
	Count  int16
	_      [6]byte
}

// parseUSDT reads the places of a probe's arguments.
func parseUSDT(args, arch string) (*usdtSpec, error) {
	s := &usdtSpec{}
	for _, word := range splitArgs(args) {
		if s.Count == usdtArgs {
			return nil, fmt.Errorf("more than %d arguments: %s", usdtArgs, args)
		}
		size, place, ok := strings.Cut(word, "@")
		n, err := strconv.Atoi(size)
		a := usdtArg{Signed: n < 0}
		if n < 0 {
			n = -n
		}
		if !ok || err != nil || n > 8 || bits.OnesCount(uint(n)) != 1 || !a.at(place, arch) {
			return nil, fmt.Errorf("the place of argument %d is not understood: %s", s.Count, word)
		}
		a.Shift = uint8(64 - 8*n)
		s.Args[s.Count] = a
		s.Count++
	}
	return s, nil
}

// splitArgs splits at spaces that are not in brackets: "8@[sp, 16] 4@w0".
func splitArgs(s string) (words []string) {
	depth, from := 0, 0
	s += " "
	for i, c := range s {
		switch c {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case ' ':
			if depth == 0 {
				if i > from {
					words = append(words, s[from:i])
				}
				from = i + 1
			}
		}
	}
	return words
}

var usdtPlaces = sync.OnceValue(func() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"amd64": regexp.MustCompile(`^(?:\$(?P<const>-?\w+)|%(?P<reg>\w+)|(?P<off>-?\w*)\(%(?P<base>\w+)(?:,%(?P<index>\w+)(?:,(?P<scale>\d))?)?\))$`),
		"arm64": regexp.MustCompile(`^(?:(?P<const>-?\d\w*)|(?P<reg>[a-z]\w*)|\[(?P<base>\w+)(?:, *(?P<off>-?\w+))?\])$`),
	}
})

// at reads a place in the notation of the architecture's assembler.
func (a *usdtArg) at(place, arch string) bool {
	re := usdtPlaces()[arch]
	if re == nil {
		return false
	}
	m := re.FindStringSubmatch(place)
	if m == nil {
		return false
	}
	group := func(name string) string {
		if i := re.SubexpIndex(name); i >= 0 {
			return m[i]
		}
		return ""
	}
	number := func(s string) bool {
		if s == "" {
			return true
		}
		n, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			u, uerr := strconv.ParseUint(s, 0, 64)
			n, err = int64(u), uerr
		}
		a.Offset = uint64(n)
		return err == nil
	}
	register := func(name string) (int16, bool) {
		off, ok := registers()[arch][name]
		return off, ok
	}
	var ok bool
	switch {
	case group("const") != "":
		return number(group("const"))
	case group("reg") != "":
		a.Kind = usdtRegister
		a.Register, ok = register(group("reg"))
		return ok
	}
	a.Kind = usdtMemory
	if a.Register, ok = register(group("base")); !ok || !number(group("off")) {
		return false
	}
	if name := group("index"); name != "" {
		index, ok := register(name)
		scale := map[string]uint16{"": 0, "1": 0, "2": 1, "4": 2, "8": 3}
		shift, known := scale[group("scale")]
		a.Kind, a.Index = usdtIndexed, uint16(index)|shift<<12
		return ok && known
	}
	return true
}

// registers are the offsets in struct pt_regs of what assemblers call them.
var registers = sync.OnceValue(func() map[string]map[string]int16 {
	return map[string]map[string]int16{"amd64": amd64Registers(), "arm64": arm64Registers()}
})

// amd64PtRegs are the fields of pt_regs, of 8 bytes each.
var amd64PtRegs = strings.Fields("r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss")

func amd64Registers() map[string]int16 {
	m := map[string]int16{}
	for i, r := range amd64PtRegs {
		off := int16(8 * i)
		switch {
		case r[0] == 'r':
			m[r], m[r+"d"], m[r+"w"], m[r+"b"] = off, off, off, off
		case len(r) == 2 && r[1] == 'x':
			m["r"+r], m["e"+r], m[r], m[r[:1]+"l"] = off, off, off, off
		case r == "bp" || r == "sp" || r == "si" || r == "di":
			m["r"+r], m["e"+r], m[r], m[r+"l"] = off, off, off, off
		case r == "ip":
			m["rip"], m["eip"] = off, off
		}
	}
	return m
}

func arm64Registers() map[string]int16 {
	m := map[string]int16{"sp": 31 * 8}
	for i := range 31 {
		m["x"+strconv.Itoa(i)], m["w"+strconv.Itoa(i)] = int16(8*i), int16(8*i)
	}
	return m
}

// encode is the spec as the map has it.
func (s *usdtSpec) encode() ([]byte, error) {
	var b bytes.Buffer
	err := binary.Write(&b, binary.NativeEndian, s)
	return b.Bytes(), err
}
