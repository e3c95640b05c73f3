package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A variable of the program's body. Those whose address is taken live in a
// stack slot, the others in SSA values.
type variable struct {
	name    string
	typ     *types.Type // of the place; written types truncate
	written bool
	slot    int
	home    *builder  // of the function that it belongs to
	of      *variable // this one holds the address of another
	addr    *variable // holds this one's address, for callbacks
	pos     source.Pos
	used    bool
	null    bool // begins as 0, which may turn out to be a pointer's
}

// A builder makes SSA while the source is walked (Braun et al., "Simple and
// Efficient Construction of Static Single Assignment Form", 2013): a block
// is sealed when all its predecessors are known; reading a variable in one
// that is not sealed makes a parameter that sealing completes.
type builder struct {
	f      *ir.Func
	cur    *ir.Block
	states []*blockState // by block ID
	memory *memory
}

// A memory has what lowering makes, until Unit.Free.
type memory struct {
	calls  slab.Lent[call]
	states slab.Lent[blockState]
}

var (
	callPool  = slab.Pool[call]{AtOnce: 64}
	statePool = slab.Pool[blockState]{AtOnce: 16, Clean: (*blockState).clean}
)

func (m *memory) free() {
	m.calls.Back(&callPool)
	m.states.Back(&statePool)
}

type blockState struct {
	few    []def                   // what variables are at the block's end
	defs   map[*variable]*ir.Value // where they are more than a few
	sealed bool
	live   bool // known to be: see builder.live
	preds  []pred
	open   []openParam // parameters that wait for sealing
}

// clean makes s new, with the room of its lists.
func (s *blockState) clean() {
	few, preds, open := s.few[:cap(s.few)], s.preds[:cap(s.preds)], s.open[:cap(s.open)]
	clear(few)
	clear(preds)
	clear(open)
	*s = blockState{few: few[:0], preds: preds[:0], open: open[:0]}
}

type def struct {
	v *variable
	x *ir.Value
}

const fewDefs = 8

func (s *blockState) define(v *variable, x *ir.Value) {
	if s.defs != nil {
		s.defs[v] = x
		return
	}
	for i := range s.few {
		if s.few[i].v == v {
			s.few[i].x = x
			return
		}
	}
	if s.few = append(s.few, def{v, x}); len(s.few) > fewDefs {
		s.defs = make(map[*variable]*ir.Value, 2*fewDefs)
		for _, d := range s.few {
			s.defs[d.v] = d.x
		}
		s.few = nil
	}
}

// defined is what v is at the block's end, nil if nothing there says it.
func (s *blockState) defined(v *variable) *ir.Value {
	for i := range s.few {
		if s.few[i].v == v {
			return s.few[i].x
		}
	}
	return s.defs[v]
}

// A pred is an edge: successor k of b.
type pred struct {
	b *ir.Block
	k int
}

type openParam struct {
	v     *variable
	param *ir.Value
}

func (c *compiler) newBuilder(name string) *builder {
	return &builder{f: ir.NewFunc(name), memory: &c.memory}
}

// block makes a new block, which is not sealed.
func (b *builder) block() *ir.Block {
	blk := b.f.NewBlock()
	b.states = append(b.states, b.memory.states.New(&statePool))
	return blk
}

func (b *builder) state(blk *ir.Block) *blockState { return b.states[blk.ID] }

// start goes on in blk.
func (b *builder) start(blk *ir.Block) { b.cur = blk }

// jump ends the current block with a jump to `to`.
func (b *builder) jump(to *ir.Block, pos source.Pos, args ...*ir.Value) {
	b.cur.Term = b.f.NewValue(ir.OpJump, pos)
	b.cur.Succs = b.f.NewEdges(1)
	b.cur.Succs[0] = ir.Edge{To: to, Args: args}
	b.edge(to, 0)
}

// branch ends the current block: to yes when cmp holds, else to no.
func (b *builder) branch(cmp ir.Op, x, y *ir.Value, yes, no *ir.Block, pos source.Pos) {
	t := b.f.NewValue(ir.OpBr, pos, x, y)
	t.Cmp = cmp
	b.cur.Term = t
	b.cur.Succs = b.f.NewEdges(2)
	b.cur.Succs[0].To, b.cur.Succs[1].To = yes, no
	b.edge(yes, 0)
	b.edge(no, 1)
}

// edge notes successor k of the current block.
func (b *builder) edge(to *ir.Block, k int) {
	st := b.state(to)
	st.preds = append(st.preds, pred{b.cur, k})
	st.live = st.live || b.state(b.cur).live || b.cur == b.f.Blocks[0]
}

// ret ends the current block and goes on in one that nothing reaches.
func (b *builder) ret(v *ir.Value, pos source.Pos) {
	b.cur.Term = b.f.NewValue(ir.OpRet, pos, v)
	b.unreachable()
}

// unreachable goes on in a block without predecessors.
func (b *builder) unreachable() {
	blk := b.block()
	b.seal(blk)
	b.cur = blk
}

// reachable reports whether the current block has a predecessor or is the entry.
func (b *builder) reachable() bool {
	return b.cur == b.f.Blocks[0] || len(b.state(b.cur).preds) > 0 || !b.state(b.cur).sealed
}

// live reports whether a way leads from the entry to the current block.
func (b *builder) live() bool {
	path, at := []*ir.Block{b.cur}, 0
	seen := map[*ir.Block]bool{b.cur: true}
	for ; at < len(path); at++ {
		st := b.state(path[at])
		if st.live || path[at] == b.f.Blocks[0] {
			b.state(b.cur).live = true
			return true
		}
		for _, p := range st.preds {
			if !seen[p.b] {
				seen[p.b] = true
				path = append(path, p.b)
			}
		}
	}
	return false
}

// seal says that all predecessors of blk are known.
func (b *builder) seal(blk *ir.Block) {
	st := b.state(blk)
	for i := 0; i < len(st.open); i++ { // which feeding may add to
		b.feed(blk, st.open[i].v)
	}
	st.open, st.sealed = st.open[:0], true
}

// feed gives blk's newest parameter, which stands for v, its arguments on
// every edge.
func (b *builder) feed(blk *ir.Block, v *variable) {
	for _, p := range b.state(blk).preds {
		arg := b.read(v, p.b)
		e := &p.b.Succs[p.k]
		e.Args = b.f.AddTo(e.Args, arg)
	}
}

func (b *builder) write(v *variable, x *ir.Value) {
	if v.home == nil {
		v.home = b
	}
	b.state(b.cur).define(v, x)
}

// read gives v's value at the end of blk as it is now.
func (b *builder) read(v *variable, blk *ir.Block) *ir.Value {
	// Straight lines are walked without recursion: sources may be long.
	var path []*ir.Block
	var x *ir.Value
	for x == nil {
		st := b.state(blk)
		if x = st.defined(v); x != nil {
			break
		}
		switch {
		case !st.sealed:
			x = b.f.NewParam(blk, v.typ.Space, v.pos)
			st.open = append(st.open, openParam{v, x})
		case len(st.preds) == 1:
			path = append(path, blk)
			blk = st.preds[0].b
			continue
		case len(st.preds) == 0:
			x = b.f.Const(0, v.pos) // unreachable
			blk.Insert(0, x)
		default:
			x = b.f.NewParam(blk, v.typ.Space, v.pos)
			st.define(v, x) // ends the recursion of a loop
			b.feed(blk, v)
		}
		st.define(v, x)
	}
	for _, p := range path {
		b.state(p).define(v, x)
	}
	return x
}

// add appends a value to the current block.
func (b *builder) add(op ir.Op, pos source.Pos, args ...*ir.Value) *ir.Value {
	return b.append(b.f.NewValue(op, pos, args...))
}

func (b *builder) constant(n int64, pos source.Pos) *ir.Value {
	return b.append(b.f.Const(n, pos))
}

func (b *builder) append(v *ir.Value) *ir.Value {
	b.cur.Values = b.f.AddTo(b.cur.Values, v)
	return v
}
