package opt

import (
	"sync"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// cse replaces a value by an equal one that dominates it. Loads are equal
// while no write to the same class of memory can lie between them.
func cse(f *ir.Func, c *Config) bool {
	changed := false
	dom := ir.Dominators(f)
	preds := dom.Preds
	values := 0
	for _, b := range f.Blocks {
		values += len(b.Values)
	}
	table := equalTables.Get().(*equalTable) // in a walk over the tree, the innermost of each
	defer table.done()
	table.reset(values)
	clock := int32(0)
	exit := table.epochs(f.NumBlocks())
	for _, b := range dom.Preorder(f) {
		var ep epochs
		clock++
		ep.meet(preds[b.ID], exit, clock)
		for _, v := range b.Values {
			if v.Op.Writes() {
				clock++
				ep.write(v, clock)
			}
			if !v.Op.Pure() && v.Op != ir.OpLoad && v.Op != ir.OpLoadS || v.Op == ir.OpCopy || v.Op == ir.OpConst {
				continue // constants are made where they are used
			}
			k := equalKey{op: v.Op, size: v.Size, slot: int32(v.Slot), aux: v.Aux, imm: v.Imm, sym: table.number(v.Sym), core: table.number(v.Core), a: -1, b: -1}
			if v.HasImm {
				k.b = -2
			}
			for i, a := range v.Args {
				for a.Op == ir.OpCopy {
					a = a.Args[0]
				}
				n, isConst := a.IsConst()
				switch {
				case i == 0:
					k.a = int32(a.ID)
				case isConst && !v.HasImm:
					k.b, k.imm = -3, n
				default:
					k.b = int32(a.ID)
				}
			}
			if v.Op == ir.OpLoad || v.Op == ir.OpLoadS { // by place, however it is written
				if slot, off, ok := stackPlace(v); ok {
					k.slot, k.aux, k.a = int32(slot), off, -1
				} else if v.Core == "" {
					base, off := pointerOffset(v.Args[0])
					k.a, k.aux = int32(base.ID), v.Aux+off
				}
			}
			if v.Op.Commutes() && k.b >= 0 && k.a > k.b {
				k.a, k.b = k.b, k.a
			}
			if v.Op.Reads() {
				k.epoch = ep.of(v)
			}
			if e := table.at(k); e.v != nil && dom.Dominates(e.b, b) {
				f.MakeCopy(v, e.v)
				changed = true
			} else {
				e.v, e.b = v, b
			}
		}
		ep.set = true
		exit[b.ID] = ep
	}
	return changed
}

// An equalKey is what makes values equal.
type equalKey struct {
	op        ir.Op
	size      uint8
	slot      int32
	aux, imm  int64
	sym, core int32 // numbers of names
	a, b      int32
	epoch     int32
}

func (k *equalKey) hash() uint64 {
	const m = 0x9e3779b97f4a7c15
	h := uint64(k.op)<<8 | uint64(k.size)
	for _, x := range [...]uint64{uint64(k.aux), uint64(k.imm), uint64(uint32(k.a))<<32 | uint64(uint32(k.b)), uint64(uint32(k.slot))<<32 | uint64(uint32(k.epoch)), uint64(uint32(k.sym))<<32 | uint64(uint32(k.core))} {
		h = (h ^ x) * m
		h ^= h >> 29
	}
	return h
}

// An equalTable finds values by their keys. It is used again for each run of
// the pass, and so has no memory to get.
type equalTable struct {
	names   map[string]int32
	heads   []int32 // 1 + index of the first entry, 0 for none
	entries []equalEntry
	exit    []epochs
}

type equalEntry struct {
	key  equalKey
	next int32
	v    *ir.Value
	b    *ir.Block
}

func (t *equalTable) reset(values int) {
	n := 64
	for n < values {
		n *= 2
	}
	if cap(t.heads) < n {
		t.heads = make([]int32, n)
	} else {
		t.heads = t.heads[:n]
		clear(t.heads)
	}
	if cap(t.entries) < values {
		t.entries = make([]equalEntry, 0, values)
	}
	t.entries = t.entries[:0]
	clear(t.names)
}

// number stands for a name, 0 for none.
func (t *equalTable) number(name string) int32 {
	if name == "" {
		return 0
	}
	n, ok := t.names[name]
	if !ok {
		n = int32(len(t.names)) + 1
		t.names[name] = n
	}
	return n
}

// epochs gives n of them, not set.
func (t *equalTable) epochs(n int) []epochs {
	if cap(t.exit) < n {
		t.exit = make([]epochs, n)
	}
	t.exit = t.exit[:n]
	clear(t.exit)
	return t.exit
}

// done keeps the table for the next one who asks.
func (t *equalTable) done() {
	clear(t.entries) // nothing holds on to the function
	if len(t.heads) <= mostEqual {
		equalTables.Put(t)
	}
}

var equalTables = sync.Pool{New: func() any { return &equalTable{names: map[string]int32{}} }}

// mostEqual is how many heads a table may have to be kept.
const mostEqual = 1 << 15

// at is the entry of a key, a new one where there was none. It is good until
// the next call.
func (t *equalTable) at(k equalKey) *equalEntry {
	head := &t.heads[k.hash()&uint64(len(t.heads)-1)]
	for i := *head; i > 0; i = t.entries[i-1].next {
		if t.entries[i-1].key == k {
			return &t.entries[i-1]
		}
	}
	t.entries = append(t.entries, equalEntry{key: k, next: *head})
	*head = int32(len(t.entries))
	return &t.entries[len(t.entries)-1]
}

// epochs counts writes for each class of memory; a class is the type of
// the pointer. Numbers without a class may point anywhere.
type epochs struct {
	at  [16]int32
	set bool
}

// meet is what holds where several ways come together: a class that no way has
// written since they parted. A way back, of a loop, may have written anything.
func (e *epochs) meet(preds []*ir.Block, exit []epochs, clock int32) {
	e.bumpAll(clock)
	for i, p := range preds {
		x := &exit[p.ID]
		if !x.set {
			e.bumpAll(clock)
			return
		}
		for c := range e.at {
			if i == 0 {
				e.at[c] = x.at[c]
			} else if e.at[c] != x.at[c] {
				e.at[c] = clock
			}
		}
	}
}

func (e *epochs) bumpAll(clock int32) {
	for i := range e.at {
		e.at[i] = clock
	}
}

// anywhere reports whether memory of class c may be memory of another class.
func anywhere(c ir.Type) bool { return c == ir.Scalar || c == ir.PtrMem || c == ir.PtrAny }

// mayMeet reports whether memory of class c may be that of class d.
func mayMeet(c, d ir.Type) bool { return c == d || anywhere(c) || anywhere(d) }

func class(v *ir.Value) ir.Type {
	if v.Slot != 0 {
		return ir.PtrStack
	}
	return v.Args[0].Type
}

func (e *epochs) of(load *ir.Value) int32 { return e.at[class(load)] }

func (e *epochs) write(v *ir.Value, clock int32) {
	switch v.Op {
	case ir.OpStore, ir.OpAtomic:
		if c := class(v); !anywhere(c) {
			e.at[c], e.at[ir.Scalar], e.at[ir.PtrMem], e.at[ir.PtrAny] = clock, clock, clock, clock
			return
		}
	case ir.OpCall:
		if h := abi.HelperByID(int32(v.Aux)); h != nil && readsOnly(h) {
			return
		}
	}
	e.bumpAll(clock)
}

// readsOnly reports whether a helper writes no memory that the program can
// read: it gets no context, no record and no buffer to fill, and its map is
// only looked at.
func readsOnly(h *abi.Helper) bool {
	if h.ChangesPacket {
		return false
	}
	switch h.C {
	case "bpf_map_lookup_elem", "bpf_map_lookup_percpu_elem":
		return true
	}
	return len(h.Args) == 0
}
