package facts

import "slices"

// The verifier's limits (kernel/bpf/verifier.c): how many instructions it
// walks, and when it makes a checkpoint. It makes one where paths meet or part,
// after so many instructions and jumps since the last; in a loop, which has
// a checkpoint there that is not done, later.
const (
	mostInsns    = 1000000 // BPF_COMPLEXITY_LIMIT_INSNS
	fewInsns     = 8       // is_state_visited
	fewJumps     = 2
	manyInsns    = 100
	manyJumps    = 20
	missesPerHit = 3
	mostPending  = 8192 // BPF_COMPLEXITY_LIMIT_JMP_SEQ
	missesAtCall = 64   // where a call calls back, of states that are not done
)

// A place is where paths meet or part. A state there says something of the
// values that ids names: those that are alive and matter; at the beginning of a
// block its parameters come first.
type place struct {
	ids     []int32
	slots   []uint64 // and which of the kept slots are alive, by bit
	meets   bool     // paths meet here
	seen    []*checkpoint
	call    bool // one that calls back: each state is kept
	differs int  // which of ids differed last
}

// A checkpoint is a state that a path had at a place, which ends later paths
// that it covers. The verifier forgets those that rarely do.
type checkpoint struct {
	state
	at           *place
	precise      []bool      // by value: what is known of the number made a difference
	via          *passage    // here, from
	parent       *checkpoint // the last one before
	open         int         // paths from here that are not walked to their end
	hits, misses int
}

// visit compares the state that is walked with the checkpoints at its place:
// false says that one covers it. It may become one.
func (a *analysis) visit(at *place) bool {
	keep := at.call || a.jumps-a.atJumps >= fewJumps && a.insns-a.atInsns >= fewInsns
	for i := len(at.seen) - 1; i >= 0; i-- {
		c := at.seen[i]
		most := missesPerHit
		switch {
		case c.open > 0 && at.call:
			if most = missesAtCall; c.coversAll(a, &at.differs) {
				c.hits++
				a.insns++
				a.inherit(c)
				return false
			}
			a.fuel--
		case c.open > 0:
			if a.jumps-a.atJumps < manyJumps && a.insns-a.atInsns < manyInsns {
				keep = false
			}
		case c.covers(a, &at.differs):
			c.hits++
			a.insns++ // counted before it is looked for
			a.inherit(c)
			return false
		default:
			a.fuel--
		}
		if keep {
			c.misses++
		}
		if c.misses > most*(c.hits+1) {
			at.seen = slices.Delete(at.seen, i, i+1)
			a.oldVals(c.vals)
			c.vals, c.globals = nil, nothing
		}
	}
	if !keep {
		return true
	}
	a.atJumps, a.atInsns = a.jumps, a.insns
	c := a.checkpoints.one()
	*c = checkpoint{state: state{a.newVals(len(at.ids)), 0, a.st.share()}, at: at, precise: a.flags.take(len(at.ids)), via: a.via, parent: a.last, open: 1}
	for i, id := range at.ids {
		c.vals[i] = a.vals[id]
	}
	a.forgetDead(&c.globals, at)
	if c.via == nil || a.from < a.to { // in the middle of a block
		c.via = a.passage(-1, nil)
		a.from = a.to
	}
	at.seen = append(at.seen, c)
	a.last, a.via = c, nil
	return true
}

// covers says whether the walk from c, which is done, has seen all that one
// from the state of a would see. It looks at the value at *first before all others,
// and leaves there the one that differed: in loops it is the counter every time.
func (c *checkpoint) covers(a *analysis, first *int) bool {
	if i := *first; i < len(c.vals) && !c.coversAt(i, &a.vals[c.at.ids[i]]) || !c.globals.covers(&a.st) {
		return false
	}
	for i, id := range c.at.ids {
		if !c.coversAt(i, &a.vals[id]) {
			*first = i
			return false
		}
	}
	return true
}

// coversAt compares what is known of a value; of a number that has decided
// nothing on the walk from c, nothing matters.
func (c *checkpoint) coversAt(i int, y *Val) bool {
	x := &c.vals[i]
	if x.Class == Number && y.Class == Number && !c.precise[i] {
		return x.Trust >= y.Trust
	}
	return x.covers(y)
}
