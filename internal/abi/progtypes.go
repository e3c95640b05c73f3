package abi

import "strings"

// ProgType is a kind of program as users name it, :xdp or :fentry. Several can
// share one kernel program type (kprobe and uprobe), and one can have several
// attach types (cgroup-skb: ingress and egress); the section decides then.
type ProgType struct {
	Keyword    string   // "xdp", without the colon
	Index      uint8    // place in ProgTypes and bit in a ProgSet
	Type       uint32   // enum bpf_prog_type
	C          string   // "BPF_PROG_TYPE_XDP"
	Attach     uint32   // expected attach type of the default section
	HasAttach  bool     // the default section states an attach type
	Section    string   // default section, a name that every libbpf knows where there is one
	Target     bool     // a section normally names a target: "kprobe/do_unlinkat"
	Sections   []string // libbpf's patterns that mean this type, see Section.Pattern
	Ctx        string   // C name of the context struct, "" where there is none
	CtxArgs    bool     // the context is an array of u64 arguments (tracing, raw tracepoints)
	Pass       string   // constant that lets the packet or event go on: "XDP_PASS", "" for a plain number
	PassValue  int64
	RetMin     int64 // results that make sense, over all sections of the type
	RetMax     int64
	HasRet     bool // RetMin and RetMax say something
	RetChecked bool // the verifier enforces the range (probe), not only reason
	Packet     bool // the program may read packet data through its context (probe)
	PacketL3   bool // the packet starts at the IP header, there is no Ethernet header
	// PacketStart is where the packet starts: "eth", "ip", "transport" (TCP or
	// UDP header), "payload"; "" if there is none or it depends.
	PacketStart string
	SKB         bool   // the context is a __sk_buff
	AttachKind  string // the word for how it is attached: "xdp", "cgroup", "tracing"...
	Probed      bool   // this kernel loads the type: permissions are known. If false every ProgSet has it
	Doc         string
}

// Section is one row of libbpf's table of section names.
type Section struct {
	// Pattern is libbpf's: "xdp" matches that name only, "kprobe+" matches
	// "kprobe" and "kprobe/ANYTHING".
	Pattern    string
	Keyword    string // the program type's
	Type       uint32 // enum bpf_prog_type
	AttachType uint32 // enum bpf_attach_type, 0 if none
	Flags      SectionFlags
	RetMin     int64
	RetMax     int64
	HasRet     bool // the verifier enforces RetMin..RetMax for this section (probe)
}

// SectionFlags are libbpf's flags of a section.
type SectionFlags uint8

const (
	SectionAttach    SectionFlags = 1 << iota // BPF_PROG_ATTACH takes AttachType
	SectionAttachOpt                          // AttachType may be left out at load (kernels that do not know the field)
	SectionAttachBTF                          // the target is a kernel function or type, named in BTF
	SectionSleepable                          // loaded with BPF_F_SLEEPABLE
	SectionFrags                              // loaded with BPF_F_XDP_HAS_FRAGS
	SectionUSDT                               // a USDT probe, attached through libbpf's own scheme
)

// Sleepable tells whether programs of the section may sleep.
func (s *Section) Sleepable() bool { return s.Flags&SectionSleepable != 0 }

// ProgType gives the section's program type.
func (s *Section) ProgType() *ProgType { return ProgTypeByKeyword(s.Keyword) }

// ProgTypes is the table, sorted by keyword.
func ProgTypes() []ProgType { return progTypes[:] }

// ProgTypeByKeyword finds "xdp" or "XDP" (no colon); nil if there is none.
func ProgTypeByKeyword(k string) *ProgType {
	k = strings.ToLower(k)
	i, ok := search(len(progTypes), func(i int) string { return progTypes[i].Keyword }, k)
	if !ok {
		return nil
	}
	return &progTypes[i]
}

// ProgTypeBySection finds the program type that a section name means.
func ProgTypeBySection(section string) (*ProgType, bool) {
	s := SectionMatch(section)
	if s == nil {
		return nil, false
	}
	return s.ProgType(), true
}

// Sections is libbpf's table in its order, which matters: the first match wins.
func Sections() []Section { return sections[:] }

// SectionMatch finds the row for a section name by libbpf's rules; nil if no
// program section has such a name. A leading "?" (do not load by default) is
// skipped.
func SectionMatch(name string) *Section {
	name = strings.TrimPrefix(name, "?")
	for i := range sections {
		if sectionMatches(name, sections[i].Pattern) {
			return &sections[i]
		}
	}
	return nil
}

// SectionTarget gives what follows the matched prefix of a section name:
// "do_unlinkat" of "kprobe/do_unlinkat", "" if nothing does.
func SectionTarget(name string) string {
	name = strings.TrimPrefix(name, "?")
	s := SectionMatch(name)
	if s == nil {
		return ""
	}
	prefix := strings.TrimSuffix(s.Pattern, "+")
	return strings.TrimPrefix(strings.TrimPrefix(name, prefix), "/")
}

// sectionMatches is libbpf's sec_def_matches: "abc+" wants "abc" or "abc/...",
// "abc" wants just that.
func sectionMatches(name, pattern string) bool {
	if p, ok := strings.CutSuffix(pattern, "+"); ok {
		return name == p || strings.HasPrefix(name, p) && name[len(p)] == '/'
	}
	return name == pattern
}
