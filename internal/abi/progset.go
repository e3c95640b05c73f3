package abi

import "math/bits"

// ProgSet is a set of program types: bit i stands for ProgTypes()[i]. There
// are fewer than 64 of them; a test watches that.
type ProgSet uint64

// Has tells whether p is in the set. A nil p is in no set.
func (s ProgSet) Has(p *ProgType) bool {
	return p != nil && s&(1<<p.Index) != 0
}

// Keywords lists the program types of the set, sorted.
func (s ProgSet) Keywords() []string {
	out := make([]string, 0, bits.OnesCount64(uint64(s)))
	for i := range progTypes {
		if s&(1<<i) != 0 {
			out = append(out, progTypes[i].Keyword)
		}
	}
	return out
}
