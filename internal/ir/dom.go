package ir

import (
	"slices"
	"sync"

	"github.com/whistler-lang/whistler/internal/slab"
)

// DomTree answers which block dominates which.
type DomTree struct {
	idom    []*Block   // by ID
	in, out []int32    // positions in a walk of the tree, by ID; in 0: unreachable
	Preds   [][]*Block // see Func.Preds
	RPO     []*Block   // reachable blocks, each after those that dominate it
}

// Dominators gives the tree of f, which nobody may change. It is good until Done.
func Dominators(f *Func) *DomTree {
	k := f.tree
	if k == nil {
		k, _ = trees.Get().(*kept)
		if k == nil {
			k = new(kept)
		}
		f.tree = k
	}
	switch {
	case k.is(f):
	case k.asked:
		return dominators(f, &f.mem().tables)
	default:
		k.keep(f)
	}
	k.asked = true
	return k.dom
}

// A kept is a tree of dominators that serves until the edges of its function are
// others: most passes change none.
type kept struct {
	dom   *DomTree // nil for none
	mem   tables
	shape []*Block // the blocks, each with its successors behind it, and nil
	nextB int
	asked bool // since Done
}

var trees sync.Pool

// is reports whether k is the tree of f as f is now.
func (k *kept) is(f *Func) bool {
	if k.dom == nil || k.nextB != f.nextB {
		return false
	}
	s := k.shape
	for _, b := range f.Blocks {
		n := len(b.Succs) + 1
		if len(s) <= n || s[0] != b || s[n] != nil {
			return false
		}
		for i := range b.Succs {
			if s[1+i] != b.Succs[i].To {
				return false
			}
		}
		s = s[n+1:]
	}
	return len(s) == 0
}

// keep makes k the tree of f.
func (k *kept) keep(f *Func) {
	k.mem.free()
	k.nextB, k.dom = f.nextB, dominators(f, &k.mem)
	clear(k.shape)
	k.shape = k.shape[:0]
	for _, b := range f.Blocks {
		k.shape = append(k.shape, b)
		for i := range b.Succs {
			k.shape = append(k.shape, b.Succs[i].To)
		}
		k.shape = append(k.shape, nil)
	}
}

// done says that nobody looks at k any more.
func (k *kept) done() {
	if k != nil {
		k.asked = false
	}
}

// forget says that blocks have other numbers now.
func (k *kept) forget() {
	if k != nil {
		k.nextB = -1
	}
}

// free gives the memory of k to the functions that come.
func (k *kept) free() {
	if k == nil || cap(k.shape) > slab.MostShelved {
		return
	}
	k.mem.free()
	clear(k.shape)
	*k = kept{mem: k.mem, shape: k.shape[:0]}
	trees.Put(k)
}

// dominators computes the tree of f (Lengauer, Tarjan 1979, the simple
// version): blocks where thousands of ways meet are common in long programs.
func dominators(f *Func, t *tables) *DomTree {
	n := f.nextB
	ints := t.ints.Take(2 * n)
	d := &DomTree{idom: t.blocks.Take(n), in: ints[:n], out: ints[n:], Preds: f.preds(t)}
	w := f.walk(9*n, t)
	d.RPO = w.rpo
	ints = w.rest
	num, ints := ints[:n], ints[n:]
	for i, b := range d.RPO {
		num[b.ID] = int32(i + 1)
	}
	child, sibling, ints := ints[:n], ints[n:2*n], ints[2*n:]
	for i, k := range w.dominators(d.Preds, ints) {
		d.idom[w.pre[i].ID] = w.pre[k]
	}
	entry := f.Blocks[0]
	// Children by their numbers: the first of each block, and the next ones.
	for i := len(d.RPO) - 1; i > 0; i-- {
		b := d.RPO[i]
		up := d.idom[b.ID].ID
		sibling[b.ID], child[up] = child[up], num[b.ID]
	}
	clock := int32(1)
	d.in[entry.ID] = clock
	for b := entry; ; {
		clock++
		if c := child[b.ID]; c != 0 {
			next := d.RPO[c-1]
			child[b.ID] = sibling[next.ID]
			d.in[next.ID] = clock
			b = next
			continue
		}
		d.out[b.ID] = clock
		if b == entry {
			break
		}
		b = d.idom[b.ID]
	}
	return d
}

// Reachable reports whether b can be reached from the entry.
func (d *DomTree) Reachable(b *Block) bool { return d.in[b.ID] != 0 }

// Dominates reports whether every way to b goes through a; a block
// dominates itself.
func (d *DomTree) Dominates(a, b *Block) bool {
	return d.in[a.ID] != 0 && d.in[a.ID] <= d.in[b.ID] && d.out[b.ID] <= d.out[a.ID]
}

// Idom is the closest block that dominates b; the entry's is itself.
func (d *DomTree) Idom(b *Block) *Block { return d.idom[b.ID] }

// Preorder lists the reachable blocks so that those that a block dominates
// stand right behind it: where one is met that a block does not dominate, no
// more of its own follow. It is good until f, whose tree it is, is Done.
func (d *DomTree) Preorder(f *Func) []*Block {
	at := f.BlockTable(2*len(d.RPO) + 2)
	for _, b := range d.RPO {
		at[d.in[b.ID]] = b
	}
	order := at[:0]
	for _, b := range at {
		if b != nil {
			order = append(order, b)
		}
	}
	return order
}

// ReversePostorder lists the reachable blocks so that, loops aside, each
// stands before its successors. The first successor comes first where the
// order is free, which puts a branch's taken side right behind it.
func (f *Func) ReversePostorder() []*Block { return f.walk(0, &f.mem().tables).rpo }

// LeadsBack reports whether an edge leads back in an order of blocks: in that of
// ReversePostorder, whether there are loops.
func (f *Func) LeadsBack(order []*Block) bool {
	at := f.Ints(f.nextB)
	for i, b := range order {
		at[b.ID] = int32(i)
	}
	for i, b := range order {
		for _, e := range b.Succs {
			if at[e.To.ID] <= int32(i) {
				return true
			}
		}
	}
	return false
}

// A walk is a walk in depth over what can be reached.
type walk struct {
	rpo    []*Block
	pre    []*Block // in the order in which the walk came to them
	at     []int32  // places in pre, by ID, and 1
	parent []int32  // where the walk came from, as a place in pre
	rest   []int32  // more numbers, all 0
}

// What walks work with.
type walked struct {
	ints   []int32
	blocks []*Block
	frames []frame
	last   walk
}

// free keeps no function in memory, and not what a giant one took.
func (m *walked) free() {
	clear(m.blocks)
	clear(m.frames[:cap(m.frames)])
	m.last = walk{}
	if cap(m.ints) > 2*slab.MostShelved {
		*m = walked{}
	}
}

type frame struct { // a block on the way
	b    *Block
	next int // edge to go over, plus one
}

// walk walks f. All of what it gives but rpo, which is in t, is good until the next
// walk only; more numbers come with it.
func (f *Func) walk(more int, t *tables) *walk {
	n := len(f.Blocks)
	m := &f.mem().walk
	if need := f.nextB + n + more; cap(m.ints) < need {
		m.ints = make([]int32, need)
	} else {
		m.ints = m.ints[:need]
		clear(m.ints)
	}
	if cap(m.blocks) < n {
		m.blocks = make([]*Block, n)
	}
	ints := m.ints
	w := &m.last
	*w = walk{rpo: t.blocks.Take(n)[:0], pre: m.blocks[:0:n], at: ints[:f.nextB], parent: ints[f.nextB:f.nextB], rest: ints[f.nextB+n:]}
	stack := m.frames[:0]
	enter := func(b *Block, from int32) {
		w.pre, w.parent = append(w.pre, b), append(w.parent, from)
		w.at[b.ID] = int32(len(w.pre))
		stack = append(stack, frame{b, len(b.Succs)})
	}
	enter(f.Blocks[0], 0)
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next > 0 {
			top.next--
			to := top.b.Succs[top.next].To
			if w.at[to.ID] == 0 {
				enter(to, w.at[top.b.ID]-1)
			}
			continue
		}
		w.rpo = append(w.rpo, top.b)
		stack = stack[:len(stack)-1]
	}
	slices.Reverse(w.rpo)
	m.frames = stack
	return w
}

// dominators gives the closest dominator of each block of w.pre, as places
// in it. ints has room for six numbers of each.
func (w *walk) dominators(preds [][]*Block, ints []int32) []int32 {
	n := len(w.pre)
	semi, label, up, idom := ints[:n], ints[n:2*n], ints[2*n:3*n], ints[3*n:4*n]
	first, next := ints[4*n:5*n], ints[5*n:6*n] // lists of the blocks with one semidominator
	for i := range int32(n) {
		semi[i], label[i], up[i], first[i] = i, i, -1, -1
	}
	var path []int32
	// eval gives the block with the smallest semidominator between v and the
	// root of the part of the tree that is linked, and makes the way shorter.
	eval := func(v int32) int32 {
		if up[v] < 0 {
			return v
		}
		path = path[:0]
		for x := v; up[up[x]] >= 0; x = up[x] {
			path = append(path, x)
		}
		for i := len(path) - 1; i >= 0; i-- {
			x := path[i]
			if semi[label[up[x]]] < semi[label[x]] {
				label[x] = label[up[x]]
			}
			up[x] = up[up[x]]
		}
		return label[v]
	}
	for i := int32(n) - 1; i > 0; i-- {
		for _, p := range preds[w.pre[i].ID] {
			if at := w.at[p.ID]; at != 0 {
				semi[i] = min(semi[i], semi[eval(at-1)])
			}
		}
		next[i], first[semi[i]] = first[semi[i]], i
		parent := w.parent[i]
		up[i] = parent
		for v := first[parent]; v >= 0; v = next[v] {
			if u := eval(v); semi[u] < semi[v] {
				idom[v] = u
			} else {
				idom[v] = parent
			}
		}
		first[parent] = -1
	}
	for i := int32(1); i < int32(n); i++ {
		if idom[i] != semi[i] {
			idom[i] = idom[idom[i]]
		}
	}
	return idom
}

// Compact numbers blocks and values anew where most numbers are of what is
// gone: tables by number would be mostly empty.
func (f *Func) Compact() {
	if len(f.Blocks)*2 <= f.nextB && f.nextB >= 48 {
		f.Renumber()
	}
}

// Renumber numbers blocks and values anew, in their order.
func (f *Func) Renumber() {
	f.tree.forget()
	f.nextB, f.nextV = 0, 0
	value := func(v *Value) {
		v.ID = f.nextV
		f.nextV++
	}
	for _, b := range f.Blocks {
		b.ID = f.nextB
		f.nextB++
		for _, p := range b.Params {
			value(p)
		}
		for _, v := range b.Values {
			value(v)
		}
		value(b.Term)
	}
}

// Prune drops the blocks that cannot be reached; it reports whether there
// were any.
func (f *Func) Prune() bool {
	seen := f.Bools(f.nextB)
	work := f.BlockTable(len(f.Blocks))[:1]
	work[0] = f.Blocks[0]
	seen[work[0].ID] = true
	n := 1
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		for i := range b.Succs {
			if to := b.Succs[i].To; !seen[to.ID] {
				seen[to.ID] = true
				work = append(work, to)
				n++
			}
		}
	}
	if n == len(f.Blocks) {
		return false
	}
	kept := f.Blocks[:0]
	for _, b := range f.Blocks {
		if seen[b.ID] {
			kept = append(kept, b)
		}
	}
	f.Blocks = kept
	return true
}
