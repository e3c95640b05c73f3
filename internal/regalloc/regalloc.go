// Package regalloc gives every value of a lowered function a register or a
// stack slot, and proves the result (check.go).
//
// Constants, stack addresses and map addresses never take a register: they
// are made again where a move, a call or an edge wants them. All other
// values of a lowered function are in SSA, so values that are alive together
// interfere like intervals of a tree, and colouring in dominance order needs
// no more registers than are alive at one point.
package regalloc

import (
	"fmt"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Loc is a place for a value: registers R0 to R9, or a spill slot.
type Loc int16

// Slot0 is the first spill slot; None is no place.
const (
	None  Loc = -1
	Slot0 Loc = 16
)

// IsReg reports whether l is a register.
func (l Loc) IsReg() bool { return l >= 0 && l < Slot0 }

// IsSlot reports whether l is a spill slot.
func (l Loc) IsSlot() bool { return l >= Slot0 }

func (l Loc) String() string {
	switch {
	case l.IsReg():
		return fmt.Sprintf("r%d", int(l))
	case l.IsSlot():
		return fmt.Sprintf("[%d]", int(l-Slot0))
	}
	return "none"
}

// An Inst is a value with the places of its arguments and result, or a move.
type Inst struct {
	V     *ir.Value // nil: a move of Src[0], or of Remat made anew, to Dst
	Remat *ir.Value
	Dst   Loc
	Src   []Loc
	Pos   source.Pos
}

// A Block is an ir.Block with everything in its place. Calls find their
// arguments in R1 to R5 and leave their result in R0; ret finds it in R0.
type Block struct {
	IR      *ir.Block
	Insts   []Inst
	TermSrc []Loc
}

// A Result is an allocated function.
type Result struct {
	F      *ir.Func
	Blocks []*Block // in the order of F.Blocks
	Spills int      // spill slots used, 8 bytes each
	lent   lent
}

const (
	numRegs     = 10 // R0 to R9
	calleeSaved = 0x3c0
	allRegs     = 0x3ff
)

type allocator struct {
	f      *ir.Func
	loc    []Loc                // register of each value
	mem    []Loc                // spill slot of each value that has one
	spill  []bool               // has a spill slot
	hot    map[int]map[int]bool // by value: the blocks that have no register for it throughout
	short  []bool               // made by the allocator, or stored at once: never spilled again
	cross  []bool               // alive across a call
	live   *liveness
	slots  int
	wanted []int32         // by value: the number of a block in which its result is read behind it, plus one
	places *slab.Room[Loc] // for loc and mem
	lent   *lent           // the result's
	alive  []uint16        // for rewriteBlock: the registers that are alive behind each value
	moves  []move          // and the moves to be made
	order  []move          // and those of them that wait
}

// A lent is the memory of a result.
type lent struct {
	insts  *slab.Room[Inst]
	blocks slab.Lent[Block]
	locs   slab.Lent[Loc]
}

var (
	places    slab.Rooms[Loc]
	insts     slab.Rooms[Inst]
	blockPool = slab.Pool[Block]{AtOnce: 32}
	locPool   = slab.Pool[Loc]{AtOnce: 512}
)

// Free gives r's memory to the function that is allocated next: nobody may look
// at r any more.
func (r *Result) Free() {
	insts.Give(r.lent.insts)
	r.lent.blocks.Back(&blockPool)
	r.lent.locs.Back(&locPool)
	*r = Result{}
}

// Run allocates f, which lower has prepared, and checks the result. It adds
// spills and reloads to f.
func Run(f *ir.Func) (*Result, error) {
	a := &allocator{f: f, hot: map[int]map[int]bool{}, places: places.Take(2 * f.NumValues())}
	defer func() { places.Give(a.places) }()
	for round := 0; ; round++ {
		if round > 1000 {
			return nil, fmt.Errorf("register allocation of %s does not settle", f.Name)
		}
		a.grow()
		a.live = computeLiveness(f, a.spill)
		a.findCrossing()
		if victims := a.overPressure(); len(victims) > 0 {
			a.insertSpills(victims)
			continue
		}
		victim := a.colour()
		if victim == nil {
			break
		}
		a.insertSpills([]*ir.Value{victim})
	}
	a.colourSlots()
	r := a.rewrite()
	if err := Check(r); err != nil {
		return nil, fmt.Errorf("register allocation of %s is wrong: %v\n%s", f.Name, err, r)
	}
	return r, nil
}

func (a *allocator) grow() {
	n := a.f.NumValues()
	if a.spill == nil {
		a.spill, a.short = a.f.Bools(n), a.f.Bools(n)
	}
	for len(a.spill) < n {
		a.spill = append(a.spill, false)
		a.short = append(a.short, false)
	}
	a.cross = a.f.Bools(n)
	all := slices.Grow(a.places.List[:0], 2*n)[:2*n]
	a.places.List, a.loc, a.mem = all, all[:n:n], all[n:]
	for i := range a.loc {
		a.loc[i], a.mem[i] = None, None
	}
}

// inMemory reports whether user may take argument v straight from v's slot:
// calls, returns and edges move their arguments anyway.
func inMemory(user *ir.Value) bool {
	return user.Op.IsCall() || user.Op == ir.OpReload || user.Op == ir.OpRet
}

// clobbers is the set of registers that v destroys.
func clobbers(v *ir.Value) uint16 {
	switch {
	case v.Op.IsCall():
		return allRegs &^ calleeSaved
	case v.Op == ir.OpAtomic && v.Sym == "cmpxchg":
		return 1
	}
	return 0
}

// keepArgs reports which arguments of v must not share a register with its
// result, because the result is written before they are read.
func keepArg(v *ir.Value, i int) bool {
	switch {
	case v.Op.Compares(): // dst = 1; if a < b goto +1; dst = 0
		return true
	case v.Op == ir.OpAtomic:
		return v.Sym == "cmpxchg" || i == 0
	case v.Op.Commutes():
		return false
	}
	return i > 0 && !v.Op.IsCall() // dst = a; dst -= b
}

// String prints the allocated function.
func (r *Result) String() string {
	s := "func " + r.F.Name + "\n"
	for _, b := range r.Blocks {
		s += fmt.Sprintf("b%d:\n", b.IR.ID)
		for _, i := range b.Insts {
			s += "\t" + i.String() + "\n"
		}
		s += fmt.Sprintf("\t%s %v", b.IR.Term.LongString(), b.TermSrc)
		for _, e := range b.IR.Succs {
			s += fmt.Sprintf(" b%d", e.To.ID)
		}
		s += "\n"
	}
	return s
}

func (i Inst) String() string {
	switch {
	case i.V != nil:
		return fmt.Sprintf("%v <- %v %v", i.Dst, i.V.LongString(), i.Src)
	case i.Remat != nil:
		return fmt.Sprintf("%v <- %v", i.Dst, i.Remat.LongString())
	}
	return fmt.Sprintf("%v <- %v", i.Dst, i.Src[0])
}
