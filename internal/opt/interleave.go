package opt

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// How long a block is whose order matters, how long one may be for all orders
// to be looked at, and how many values it may hold before those go first that
// hold fewer, as they stand.
const (
	longBlock   = 64
	longestMix  = 1000
	fewestHeld  = 3
	loadLatency = 4 // of the processor, in operations
	mulLatency  = 3
)

// interleave mixes long computations that do not depend on each other: the
// processor looks some dozens of instructions ahead, and finds nothing to do
// where all of them wait for one another.
//
//	v1 = load p; v2 = xor v1 v0; v3 = load q; v4 = xor v3 v0
//	=>   v1 = load p; v3 = load q; v2 = xor v1 v0; v4 = xor v3 v0
//
// Most of the order stays, so that no more values are held at a time than
// there are registers for. Calls keep few values, and comparisons are branches: blocks
// with one stay as they are.
func interleave(f *ir.Func, c *Config) bool {
	least := longBlock
	if c.Short {
		least = 2
	}
	return longOnes(f, least, func(b *ir.Block, away []bool) bool {
		if len(b.Values) > longestMix || slices.ContainsFunc(b.Values, func(v *ir.Value) bool { return v.Op.IsCall() || v.Op.Compares() }) {
			return false
		}
		m := &mixer{nodes: make([]node, len(b.Values)), at: make(map[*ir.Value]int, len(b.Values))}
		m.order(b)
		m.count(b, away)
		old := b.Values
		b.Values = m.schedule()
		return !slices.Equal(old, b.Values)
	})
}

// A mixer orders the values of one block.
type mixer struct {
	nodes []node
	at    map[*ir.Value]int
	held  int // how many values are
}

// A node is a value of the block.
type node struct {
	v      *ir.Value
	waits  int   // for so many others
	behind []int // that wait for it
	height int   // of the longest way from here to the end of the block
	uses   int   // that are still to come
	placed bool
}

// order says what waits for what: for operands, and for memory.
func (m *mixer) order(b *ir.Block) {
	wait := func(i, before int) {
		m.nodes[before].behind = append(m.nodes[before].behind, i)
		m.nodes[i].waits++
	}
	var memory [len(epochs{}.at)]accesses // by class
	for c := range memory {
		memory[c].stored = -1
	}
	for i, v := range b.Values {
		m.nodes[i].v, m.at[v] = v, i
		if v.Remat() {
			continue
		}
		for _, a := range v.Args {
			if k, ok := m.at[a]; ok && !a.Remat() {
				wait(i, k)
			}
		}
		if v.Op.Foldable() || v.Op == ir.OpMapAddr {
			continue
		}
		load := v.Op == ir.OpLoad || v.Op == ir.OpLoadS
		plain := load || v.Op == ir.OpStore // others are about all memory
		for c := range memory {
			kind := ir.Type(c)
			if plain && !mayMeet(class(v), kind) {
				continue
			}
			x := &memory[c]
			if x.stored >= 0 {
				wait(i, x.stored)
			}
			if load {
				if kind == class(v) {
					x.read = append(x.read, i)
				}
				continue
			}
			for _, k := range x.read {
				wait(i, k)
			}
			if !plain || kind == class(v) {
				x.stored, x.read = i, x.read[:0]
			}
		}
	}
}

// accesses are those of memory of one class: the last that wrote, and what has
// read since.
type accesses struct {
	stored int
	read   []int
}

// count finds heights and uses.
func (m *mixer) count(b *ir.Block, away []bool) {
	b.Uses(func(a **ir.Value) {
		if k, ok := m.at[*a]; ok {
			m.nodes[k].uses++
		}
	})
	for i := len(m.nodes) - 1; i >= 0; i-- {
		x := &m.nodes[i]
		for _, k := range x.behind {
			x.height = max(x.height, m.nodes[k].height)
		}
		switch x.v.Op {
		case ir.OpLoad, ir.OpLoadS:
			x.height += loadLatency
		case ir.OpMul:
			x.height += mulLatency
		default:
			x.height++
		}
		if away[x.v.ID] {
			x.uses++
		}
	}
}

// grows is by how many the values that are held become more with x.
func (m *mixer) grows(x *node) (n int) {
	if x.uses > 0 {
		n++
	}
	for i, a := range x.v.Args {
		if k, ok := m.at[a]; ok && !a.Remat() && m.nodes[k].uses == 1 && !slices.Contains(x.v.Args[:i], a) {
			n--
		}
	}
	return n
}

// schedule places one value after the other: what has the longest way before
// it, but where many are held what holds fewest.
func (m *mixer) schedule() (order []*ir.Value) {
	var ready []int
	for i := range m.nodes {
		if x := &m.nodes[i]; x.waits == 0 && !x.v.Remat() {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		best, bestKey := 0, [2]int{}
		for j, i := range ready {
			key := [2]int{-m.nodes[i].height, i}
			if m.held >= fewestHeld {
				key[0] = m.grows(&m.nodes[i])
			}
			if j == 0 || slices.Compare(key[:], bestKey[:]) < 0 {
				best, bestKey = j, key
			}
		}
		x := &m.nodes[ready[best]]
		ready = slices.Delete(ready, best, best+1)
		order = m.place(x, order)
		for _, k := range x.behind {
			if m.nodes[k].waits--; m.nodes[k].waits == 0 {
				ready = append(ready, k)
			}
		}
	}
	for i := range m.nodes { // what is used behind
		if x := &m.nodes[i]; !x.placed {
			order = append(order, x.v)
		}
	}
	return order
}

func (m *mixer) place(x *node, order []*ir.Value) []*ir.Value {
	m.held += m.grows(x)
	for _, a := range x.v.Args {
		k, ok := m.at[a]
		if !ok {
			continue
		}
		if y := &m.nodes[k]; a.Remat() && !y.placed {
			y.placed = true
			order = append(order, a)
		}
		m.nodes[k].uses--
	}
	x.placed = true
	return append(order, x.v)
}
