package ir

// DomTree answers which block dominates which.
type DomTree struct {
	idom    []*Block   // by ID
	in, out []int32    // positions in a walk of the tree, by ID; in 0: unreachable
	Preds   [][]*Block // see Func.Preds
	RPO     []*Block   // reachable blocks, each after those that dominate it
}

// Dominators computes the tree of f (Cooper, Harvey, Kennedy 2001).
func Dominators(f *Func) *DomTree {
	n := f.nextB
	ints := make([]int32, 5*n)
	d := &DomTree{idom: make([]*Block, n), in: ints[:n], out: ints[n : 2*n], Preds: f.Preds()}
	d.RPO = f.ReversePostorder()
	num := ints[2*n : 3*n]
	for i, b := range d.RPO {
		num[b.ID] = int32(i + 1)
	}
	preds := d.Preds
	entry := f.Blocks[0]
	d.idom[entry.ID] = entry
	for changed := true; changed; {
		changed = false
		for _, b := range d.RPO[1:] {
			var idom *Block
			for _, p := range preds[b.ID] {
				if d.idom[p.ID] == nil {
					continue
				}
				if idom == nil {
					idom = p
					continue
				}
				a, c := p, idom
				for a != c {
					for num[a.ID] > num[c.ID] {
						a = d.idom[a.ID]
					}
					for num[c.ID] > num[a.ID] {
						c = d.idom[c.ID]
					}
				}
				idom = a
			}
			if d.idom[b.ID] != idom {
				d.idom[b.ID], changed = idom, true
			}
		}
	}
	// Children by their numbers: the first of each block, and the next ones.
	child, sibling := ints[3*n:4*n], ints[4*n:]
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
// more of its own follow.
func (d *DomTree) Preorder() []*Block {
	at := make([]*Block, 2*len(d.RPO)+2)
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
func (f *Func) ReversePostorder() []*Block {
	seen := make([]bool, f.nextB)
	post := make([]*Block, 0, len(f.Blocks))
	type frame struct {
		b    *Block
		next int
	}
	seen[f.Blocks[0].ID] = true
	stack := []frame{{f.Blocks[0], len(f.Blocks[0].Succs)}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next > 0 {
			top.next--
			to := top.b.Succs[top.next].To
			if !seen[to.ID] {
				seen[to.ID] = true
				stack = append(stack, frame{to, len(to.Succs)})
			}
			continue
		}
		post = append(post, top.b)
		stack = stack[:len(stack)-1]
	}
	for i, j := 0, len(post)-1; i < j; i, j = i+1, j-1 {
		post[i], post[j] = post[j], post[i]
	}
	return post
}

// Compact numbers blocks and values anew where most numbers are of what is
// gone: tables by number would be mostly empty.
func (f *Func) Compact() {
	used := len(f.Blocks)
	if used*2 > f.nextB || f.nextB < 500 {
		return
	}
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
	rpo := f.ReversePostorder()
	if len(rpo) == len(f.Blocks) {
		return false
	}
	seen := make([]bool, f.nextB)
	for _, b := range rpo {
		seen[b.ID] = true
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
