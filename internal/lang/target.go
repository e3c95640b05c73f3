package lang

import "github.com/whistler-lang/whistler/internal/abi"

// without tells whether the target lacks a row of the table of versions.
func (o *Options) without(kind, name string) bool {
	if o.Target == (abi.Version{}) {
		return false
	}
	s := abi.FirstWith(kind, name)
	return s != nil && o.Target.Less(s.Version)
}

// has tells whether a target is given, and has a row of the table.
func (o *Options) has(kind, name string) bool {
	if o.Target == (abi.Version{}) {
		return false
	}
	s := abi.FirstWith(kind, name)
	return s != nil && !o.Target.Less(s.Version)
}

// cpu is the newest BPF cpu version up to n that the target has.
func (o *Options) cpu(n int) int {
	for n > 2 && o.without("insn", "v"+string(rune('0'+n))) {
		n--
	}
	return n
}
