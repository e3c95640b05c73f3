package abi

import "strings"

// MapType is a kind of map and what the kernel asks of one. All columns but
// the keyword are found by creating maps of every shape on a live kernel.
type MapType struct {
	Keyword    string // "percpu-hash", without the colon
	ID         uint32 // enum bpf_map_type
	C          string // "BPF_MAP_TYPE_PERCPU_HASH"
	Key        SizeRule
	Value      SizeRule
	Entries    EntriesRule
	Required   uint32 // flags without which the kernel refuses the map: BPF_F_NO_PREALLOC, BPF_F_MMAPABLE
	Flags      uint32 // flags the kernel takes alone on top of Required
	BTF        BTFRule
	Ops        MapOps // helpers that take such a map
	PerCPU     bool   // a value per CPU
	Array      bool   // the key is a u32 index, every entry exists
	Hash       bool   // the key is any bytes, entries come and go
	LRU        bool   // a full map drops its oldest entry
	InnerMap   bool   // values are maps: an inner map is needed as template
	Storage    bool   // attached to a kernel object: no max_entries, BTF needed
	Ring       bool   // ringbuf, user-ringbuf
	Probed     bool   // this kernel makes such maps; else the rules say nothing
	Deprecated bool
}

// SizeRule is what sizes, in bytes, the kernel takes for a key or a value.
type SizeRule struct {
	Zero     bool   // 0 is accepted
	Min, Max uint32 // range of other sizes; Min 0: only 0 is; Max 0: no limit below 64 KiB
	Step     uint32 // sizes are Min plus a multiple of Step
}

// Accepts tells whether a size is allowed.
func (r SizeRule) Accepts(n uint32) bool {
	if n == 0 {
		return r.Zero
	}
	return r.Min != 0 && n >= r.Min && (r.Max == 0 || n <= r.Max) && (r.Step <= 1 || (n-r.Min)%r.Step == 0)
}

// Fixed gives the only size the kernel takes, if there is just one.
func (r SizeRule) Fixed() (uint32, bool) {
	if r.Min == 0 {
		return 0, r.Zero
	}
	return r.Min, !r.Zero && r.Min == r.Max
}

// EntriesRule is what the kernel takes for max_entries.
type EntriesRule uint8

const (
	EntriesAny      EntriesRule = iota // 1 or more
	EntriesZero                        // must be 0
	EntriesOptional                    // 0 or more
	EntriesRing                        // bytes: a power of two and a multiple of the page size
	EntriesOne                         // must be 1
)

// BTFRule is how the kernel takes BTF type ids of key and value at creation.
type BTFRule uint8

const (
	BTFNone      BTFRule = iota // refused: leave both out
	BTFAny                      // taken, any types of the right size
	BTFKeyU32                   // taken if the key is a 4-byte integer
	BTFKeyStruct                // taken if the key is a struct
	BTFValueOnly                // the value only, no key
	BTFRequired                 // demanded, with a 4-byte integer key
)

// MapOps is a set of the things a program does with a map.
type MapOps uint32

const (
	OpLookup MapOps = 1 << iota
	OpUpdate
	OpDelete
	OpPush
	OpPop
	OpPeek
	OpForEach
	OpLookupPercpu
	OpTailCall
	OpPerfOutput
	OpPerfRead
	OpStackID
	OpUnderCgroup
	OpRedirect
	OpSockRedirect
	OpSockUpdate
	OpSockLookup // lookup gives a socket (sockmap, sockhash, xskmap, reuseport)
	OpSelectReuseport
	OpRing
	OpUserRing
	OpSkStorage
	OpInodeStorage
	OpTaskStorage
	OpCgrpStorage
	OpLocalStorage
)

// MapTypes is the table, sorted by keyword.
func MapTypes() []MapType { return mapTypes[:] }

// MapTypeByKeyword finds "lru-hash" or "LRU-HASH" (no colon); nil if there is none.
func MapTypeByKeyword(k string) *MapType {
	k = strings.ToLower(k)
	i, ok := search(len(mapTypes), func(i int) string { return mapTypes[i].Keyword }, k)
	if !ok {
		return nil
	}
	return &mapTypes[i]
}

// MapTypeByID finds the row of an enum bpf_map_type value; nil if there is none.
func MapTypeByID(id uint32) *MapType {
	for i := range mapTypes {
		if mapTypes[i].ID == id {
			return &mapTypes[i]
		}
	}
	return nil
}
