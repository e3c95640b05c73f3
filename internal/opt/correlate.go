package opt

import (
	"math"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
)

// correlate decides branches that branches before have decided already: a
// block that is only reached along one edge of a test knows its outcome.
//
//	br ult v5 10 b1 b2; b1: br ult v5 20 b3 b4        =>   b1: jump b3
//	br ule data+34 end b1 b2; b1: br ule data+14 end  =>   b1: jump
func correlate(f *ir.Func, _ *Config) bool {
	any := false
	for _, b := range f.Blocks {
		any = any || b.Term.Op == ir.OpBr
	}
	if !any {
		return false
	}
	w := newWays(f)
	defer w.free()
	changed := false
	for _, b := range f.Blocks {
		if b.Term.Op != ir.OpBr || !w.dom.Reachable(b) {
			continue
		}
		if take := w.decide(testOf(b.Term), b, -1); take >= 0 {
			b.Succs[0], b.Succs = b.Succs[take], b.Succs[:1]
			b.Term = f.NewValue(ir.OpJump, b.Term.Pos)
			changed = true
		}
	}
	return changed
}

// A test is what a branch asks: x cmp c or, where y is not nil, x+c cmp y.
type test struct {
	cmp  ir.Op
	size uint8
	x, y *ir.Value
	c    int64
}

// testOf reads a branch; x is nil where nothing can be said of it.
func testOf(t *ir.Value) test {
	q := test{cmp: t.Cmp, size: t.Size}
	if t.Cmp == ir.OpTest {
		return q
	}
	if t.HasImm {
		q.x, q.c = plain(t.Args[0]), t.Imm
		return q
	}
	a, b := plain(t.Args[0]), plain(t.Args[1])
	if c, ok := b.IsConst(); ok {
		q.x, q.c = a, c
		return q
	}
	if t.Size == 8 && a.Type != ir.Scalar && b.Type != ir.Scalar {
		if a.Type == ir.PtrEnd {
			a, b, q.cmp = b, a, q.cmp.Swapped()
		}
		if b.Type == ir.PtrEnd {
			q.x, q.c = pointerOffset(a)
			q.y = b
		}
	}
	return q
}

// plain sees through copies.
func plain(v *ir.Value) *ir.Value {
	for v.Op == ir.OpCopy {
		v = v.Args[0]
	}
	return v
}

// pointerOffset takes the constants off a pointer.
func pointerOffset(v *ir.Value) (*ir.Value, int64) {
	off := int64(0)
	for {
		v = plain(v)
		if v.Op != ir.OpAdd || v.Size != 8 || v.Core != "" || v.Type == ir.Scalar {
			return v, off
		}
		if v.HasImm {
			off += v.Imm
		} else if n, ok := v.Args[1].IsConst(); ok {
			off += n
		} else {
			return v, off
		}
		v = v.Args[0]
	}
}

// ways knows what has been decided where. It may serve while edges are sent
// past blocks: what held on a way still does.
type ways struct {
	dom   *ir.DomTree
	preds [][]*ir.Block
	room  *slab.Room[fork] // by block ID
	feeds map[*ir.Value][]*ir.Value
}

// A fork is a block, as the ways were when they were looked at.
type fork struct {
	to  [2]*ir.Block // where its branch led, nil where it has none
	ask test         // and what that asked
	// up is the closest block, of it and those that dominate it, that only one edge of a
	// branch leads to: nil if there is none; far is how many blocks that is away.
	up  *ir.Block
	far int32
}

var forkRooms slab.Rooms[fork]

func newWays(f *ir.Func) *ways {
	dom := ir.Dominators(f)
	n := f.NumBlocks()
	w := &ways{dom: dom, preds: dom.Preds, room: forkRooms.Take(n)}
	w.room.List = w.room.List[:n]
	for _, b := range f.Blocks {
		if b.Term.Op == ir.OpBr {
			at := w.at(b)
			at.to, at.ask = [2]*ir.Block{b.Succs[0].To, b.Succs[1].To}, testOf(b.Term)
		}
	}
	for i, b := range dom.RPO {
		at := w.at(b)
		switch ps := w.preds[b.ID]; {
		case len(ps) == 1 && w.at(ps[0]).parts():
			at.up = b
		case len(ps) > 0 && i > 0:
			above := w.at(dom.Idom(b))
			at.up, at.far = above.up, above.far+1
		}
	}
	return w
}

func (w *ways) at(b *ir.Block) *fork { return &w.room.List[b.ID] }

// parts reports whether there were two ways.
func (k *fork) parts() bool { return k.to[0] != k.to[1] }

// free ends the use of w.
func (w *ways) free() {
	if w != nil {
		forkRooms.Give(w.room)
	}
}

// far bounds how many tests back decide looks.
const far = 100

// decide is the way that a test takes which stands behind edge k of b, or in
// b itself for -1: 0 or 1, -1 if it may be either.
func (w *ways) decide(q test, b *ir.Block, k int) int {
	if q.x == nil {
		return -1
	}
	if q.y == nil && q.c == 0 && q.size == 8 && (q.cmp == ir.OpEq || q.cmp == ir.OpNe) && w.neverNull(q.x, nil) {
		return side(q.cmp == ir.OpNe)
	}
	know := knowledge{w: w, q: &q, r: everything(q.size)}
	if k >= 0 {
		if take := know.learn(b, k == 0); take >= 0 {
			return take
		}
	}
	if !w.dom.Reachable(b) {
		return -1
	}
	for n, s := 0, b; n < far; n++ {
		at := w.at(s)
		if n += int(at.far); at.up == nil || n >= far {
			break
		}
		s = at.up
		p := w.preds[s.ID][0]
		if take := know.learn(p, w.at(p).to[0] == s); take >= 0 {
			return take
		}
		up := w.dom.Idom(s)
		if up == s {
			break
		}
		s = up
	}
	return -1
}

// A knowledge is what the tests on the way say of what q asks.
type knowledge struct {
	w     *ways
	q     *test
	r     span
	asked bool // whether r decides q
}

// learn adds what the branch of p says, taken or not; the answer is as of decide.
func (k *knowledge) learn(p *ir.Block, taken bool) int {
	at := k.w.at(p)
	q, t := k.q, &at.ask
	if t.x != q.x || t.y != q.y || t.size != q.size || p.Term.Op != ir.OpBr || !at.parts() {
		return -1
	}
	cmp := t.cmp
	if !taken {
		not, ok := cmp.Negated()
		if !ok {
			return -1
		}
		cmp = not
	}
	if q.y != nil {
		return further(test{cmp: cmp, c: t.c}, *q)
	}
	was := k.r
	k.r.narrow(cmp, t.c, q.size)
	if cmp == ir.OpNe && t.c == q.c && (q.cmp == ir.OpEq || q.cmp == ir.OpNe) {
		return side(q.cmp == ir.OpNe)
	}
	if k.asked && k.r == was {
		return -1
	}
	k.asked = true
	return k.r.decide(*q)
}

func side(yes bool) int {
	if yes {
		return 0
	}
	return 1
}

// neverNull reports whether v is an address that cannot be 0; seen are the
// parameters that are being asked already.
func (w *ways) neverNull(v *ir.Value, seen []*ir.Value) bool {
	for n := 0; n < far; n++ {
		v = plain(v)
		switch {
		case v.Op == ir.OpStackAddr, v.Op == ir.OpMapAddr:
			return true
		case v.Op == ir.OpCall && v.Sym == ir.NeverNull:
			return true
		case v.Op == ir.OpLoad:
			return v.Type.IsPacket() && v.Sym != ir.MayBeNull
		case v.Op == ir.OpAdd && v.Size == 8 && v.Type.IsPacket():
			v = v.Args[0]
		case v.Op == ir.OpParam && v.Type.IsPacket():
			if slices.Contains(seen, v) {
				return true // by what else comes here
			}
			if len(seen) > 8 || w.feeds == nil && !w.collect() {
				return false
			}
			seen = append(seen, v)
			for _, a := range w.feeds[v] {
				if !w.neverNull(a, seen) {
					return false
				}
			}
			return len(w.feeds[v]) > 0
		default:
			return false
		}
	}
	return false
}

// collect lists what edges give to the parameters.
func (w *ways) collect() bool {
	w.feeds = map[*ir.Value][]*ir.Value{}
	for _, b := range w.dom.RPO {
		for _, e := range b.Succs {
			for i, a := range e.Args {
				w.feeds[e.To.Params[i]] = append(w.feeds[e.To.Params[i]], a)
			}
		}
	}
	return true
}

// further decides whether the packet reaches q's offset where it is known to
// reach t's, or not to.
func further(t, q test) int {
	switch {
	case t.cmp == q.cmp && t.c == q.c:
		return 0
	case (t.cmp == ir.OpUle || t.cmp == ir.OpUlt) && t.c >= q.c: // x+t.c <= y
		switch q.cmp {
		case ir.OpUle:
			return 0
		case ir.OpUgt:
			return 1
		case ir.OpUlt:
			return decided(t.cmp == ir.OpUlt || t.c > q.c, 0)
		case ir.OpUge:
			return decided(t.cmp == ir.OpUlt || t.c > q.c, 1)
		}
	case (t.cmp == ir.OpUgt || t.cmp == ir.OpUge) && t.c <= q.c: // x+t.c >= y
		switch q.cmp {
		case ir.OpUge:
			return 0
		case ir.OpUlt:
			return 1
		case ir.OpUgt:
			return decided(t.cmp == ir.OpUgt || t.c < q.c, 0)
		case ir.OpUle:
			return decided(t.cmp == ir.OpUgt || t.c < q.c, 1)
		}
	}
	return -1
}

func decided(ok bool, take int) int {
	if ok {
		return take
	}
	return -1
}

// A span is what is known of a number of some size: its bounds, unsigned and
// signed.
type span struct {
	lo, hi   uint64
	min, max int64
}

func everything(size uint8) span {
	if size == 4 {
		return span{0, math.MaxUint32, math.MinInt32, math.MaxInt32}
	}
	return span{0, math.MaxUint64, math.MinInt64, math.MaxInt64}
}

// narrow adds that the number cmp c holds.
func (r *span) narrow(cmp ir.Op, c int64, size uint8) {
	u, s := uint64(c), c
	if size == 4 {
		u, s = uint64(uint32(c)), int64(int32(c))
	}
	switch cmp {
	case ir.OpEq:
		*r = span{u, u, s, s}
	case ir.OpNe:
		if r.lo >= r.hi {
			return
		}
		if u == r.lo {
			r.lo++
		}
		if u == r.hi {
			r.hi--
		}
	case ir.OpUlt:
		if u > 0 {
			r.hi = min(r.hi, u-1)
		}
	case ir.OpUle:
		r.hi = min(r.hi, u)
	case ir.OpUgt:
		if u < math.MaxUint64 {
			r.lo = max(r.lo, u+1)
		}
	case ir.OpUge:
		r.lo = max(r.lo, u)
	case ir.OpSlt:
		if s > math.MinInt64 {
			r.max = min(r.max, s-1)
		}
	case ir.OpSle:
		r.max = min(r.max, s)
	case ir.OpSgt:
		if s < math.MaxInt64 {
			r.min = max(r.min, s+1)
		}
	case ir.OpSge:
		r.min = max(r.min, s)
	}
}

// decide is the way that q takes for all numbers of the span.
func (r *span) decide(q test) int {
	if r.lo > r.hi || r.min > r.max {
		return -1 // nothing comes here
	}
	u, s := uint64(q.c), q.c
	if q.size == 4 {
		u, s = uint64(uint32(q.c)), int64(int32(q.c))
	}
	var always, never bool
	switch q.cmp {
	case ir.OpEq, ir.OpNe:
		always = r.lo == u && r.hi == u || r.min == s && r.max == s
		never = u < r.lo || u > r.hi || s < r.min || s > r.max
		if q.cmp == ir.OpNe {
			always, never = never, always
		}
	case ir.OpUlt:
		always, never = r.hi < u, r.lo >= u
	case ir.OpUle:
		always, never = r.hi <= u, r.lo > u
	case ir.OpUgt:
		always, never = r.lo > u, r.hi <= u
	case ir.OpUge:
		always, never = r.lo >= u, r.hi < u
	case ir.OpSlt:
		always, never = r.max < s, r.min >= s
	case ir.OpSle:
		always, never = r.max <= s, r.min > s
	case ir.OpSgt:
		always, never = r.min > s, r.max <= s
	case ir.OpSge:
		always, never = r.min >= s, r.max < s
	}
	switch {
	case always:
		return 0
	case never:
		return 1
	}
	return -1
}
