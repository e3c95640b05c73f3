package ir

import "math/bits"

// An Op says what a Value computes. All that the compiler knows of an op
// stands in its row of the table below: the printer, the parser, the
// verifier, the interpreter and every pass read the row.
type Op uint8

// The ops. Those up to OpCall mean the same at every stage; the last group
// is what lower makes for the machine.
const (
	OpInvalid Op = iota
	OpParam
	OpConst
	OpCopy

	OpAdd
	OpSub
	OpMul
	OpUDiv
	OpUMod
	OpSDiv
	OpSMod
	OpAnd
	OpOr
	OpXor
	OpShl
	OpShr
	OpSar
	OpNeg

	OpZext
	OpSext
	OpBE
	OpBswap

	OpEq
	OpNe
	OpUlt
	OpUle
	OpUgt
	OpUge
	OpSlt
	OpSle
	OpSgt
	OpSge
	OpTest

	OpStackAddr
	OpMapAddr
	OpCore
	OpKsym
	OpLoad
	OpLoadS
	OpStore
	OpAtomic
	OpCall
	OpCallSub
	OpCallKfunc

	OpSpill
	OpReload

	// Terminators end a block and stand in Block.Term.
	OpRet
	OpJump
	OpBr
	numOps
)

// Flags of an op's row.
const (
	pure     = 1 << iota // may be dropped, moved or computed twice
	commutes             // arguments may be swapped
	sized                // Size matters: 1, 2, 4 or 8 bytes
	aux                  // Aux is a number that belongs to the op
	sym                  // Sym is a name that belongs to the op
	slot                 // addresses a stack slot, in Slot
	reads                // reads memory
	writes               // writes memory
	compare              // gives 0 or 1
	term                 // terminator
	noresult             // defines nothing
	foldable             // its row has eval
)

type opInfo struct {
	name  string
	args  int // -1: any number
	flags uint16
	// eval is the meaning at a width of 32 or 64 bits: arguments come and
	// results go truncated to it. Folding, the interpreter, the VM's ALU and
	// the proof of the rules all use this one function.
	eval func(a, b uint64, w uint) uint64
}

var ops = [numOps]opInfo{
	OpParam: {name: "param"},
	OpConst: {name: "const", flags: pure | aux},
	OpCopy:  {name: "copy", args: 1, flags: pure, eval: func(a, _ uint64, _ uint) uint64 { return a }},

	OpAdd:  {"add", 2, pure | commutes | sized, func(a, b uint64, _ uint) uint64 { return a + b }},
	OpSub:  {"sub", 2, pure | sized, func(a, b uint64, _ uint) uint64 { return a - b }},
	OpMul:  {"mul", 2, pure | commutes | sized, func(a, b uint64, _ uint) uint64 { return a * b }},
	OpUDiv: {"udiv", 2, pure | sized, func(a, b uint64, _ uint) uint64 { return udiv(a, b) }},
	OpUMod: {"umod", 2, pure | sized, func(a, b uint64, _ uint) uint64 { return umod(a, b) }},
	OpSDiv: {"sdiv", 2, pure | sized, sdiv},
	OpSMod: {"smod", 2, pure | sized, smod},
	OpAnd:  {"and", 2, pure | commutes | sized, func(a, b uint64, _ uint) uint64 { return a & b }},
	OpOr:   {"or", 2, pure | commutes | sized, func(a, b uint64, _ uint) uint64 { return a | b }},
	OpXor:  {"xor", 2, pure | commutes | sized, func(a, b uint64, _ uint) uint64 { return a ^ b }},
	OpShl:  {"shl", 2, pure | sized, func(a, b uint64, w uint) uint64 { return a << (b & uint64(w-1)) }},
	OpShr:  {"shr", 2, pure | sized, func(a, b uint64, w uint) uint64 { return a >> (b & uint64(w-1)) }},
	OpSar:  {"sar", 2, pure | sized, func(a, b uint64, w uint) uint64 { return uint64(signed(a, w) >> (b & uint64(w-1))) }},
	OpNeg:  {"neg", 1, pure | sized, func(a, _ uint64, _ uint) uint64 { return -a }},

	// Extensions and byte order take the low Size bytes of a 64-bit value.
	OpZext:  {"zext", 1, pure | sized, func(a, _ uint64, w uint) uint64 { return Trunc(a, w) }},
	OpSext:  {"sext", 1, pure | sized, func(a, _ uint64, w uint) uint64 { return uint64(signed(a, w)) }},
	OpBE:    {"be", 1, pure | sized, func(a, _ uint64, w uint) uint64 { return swap(a, w) }},
	OpBswap: {"bswap", 1, pure | sized, func(a, _ uint64, w uint) uint64 { return swap(a, w) }},

	OpEq:   {"eq", 2, pure | commutes | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a == b) }},
	OpNe:   {"ne", 2, pure | commutes | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a != b) }},
	OpUlt:  {"ult", 2, pure | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a < b) }},
	OpUle:  {"ule", 2, pure | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a <= b) }},
	OpUgt:  {"ugt", 2, pure | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a > b) }},
	OpUge:  {"uge", 2, pure | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a >= b) }},
	OpSlt:  {"slt", 2, pure | sized | compare, func(a, b uint64, w uint) uint64 { return b2i(signed(a, w) < signed(b, w)) }},
	OpSle:  {"sle", 2, pure | sized | compare, func(a, b uint64, w uint) uint64 { return b2i(signed(a, w) <= signed(b, w)) }},
	OpSgt:  {"sgt", 2, pure | sized | compare, func(a, b uint64, w uint) uint64 { return b2i(signed(a, w) > signed(b, w)) }},
	OpSge:  {"sge", 2, pure | sized | compare, func(a, b uint64, w uint) uint64 { return b2i(signed(a, w) >= signed(b, w)) }},
	OpTest: {"test", 2, pure | commutes | sized | compare, func(a, b uint64, _ uint) uint64 { return b2i(a&b != 0) }},

	OpStackAddr: {name: "stackaddr", flags: pure | aux | slot},
	OpMapAddr:   {name: "mapaddr", flags: pure | sym},
	// A number that the loader takes from the kernel's types.
	OpCore: {name: "core", flags: pure | aux},
	// The address of a variable of the kernel.
	OpKsym: {name: "ksym", flags: pure | sym},
	// Memory ops address Args[0]+Aux, or Slot+Aux where Slot is set.
	OpLoad:    {name: "load", args: 1, flags: sized | aux | slot | reads},
	OpLoadS:   {name: "loads", args: 1, flags: sized | aux | slot | reads},
	OpStore:   {name: "store", args: 2, flags: sized | aux | slot | writes | noresult},
	OpAtomic:  {name: "atomic", args: -1, flags: sized | aux | sym | slot | reads | writes},
	OpCall:    {name: "call", args: -1, flags: aux | reads | writes},
	OpCallSub: {name: "callsub", args: -1, flags: sym | reads | writes},
	// A function of the kernel, by its name in C.
	OpCallKfunc: {name: "callkfunc", args: -1, flags: sym | reads | writes},

	// The allocator's: a value kept in a stack slot of its own.
	OpSpill:  {name: "spill", args: 1, flags: noresult},
	OpReload: {name: "reload", args: 1},

	OpRet:  {name: "ret", args: 1, flags: term | noresult},
	OpJump: {name: "jump", flags: term | noresult},
	OpBr:   {name: "br", args: 2, flags: sized | term | noresult},
}

// flags are those of the rows, which are asked for all the time: side by side.
var flags = func() (fs [256]uint16) {
	for o, row := range ops {
		if fs[o] = row.flags; row.eval != nil {
			fs[o] |= foldable
		}
	}
	return fs
}()

func (o Op) String() string { return ops[o].name }

func (o Op) has(flag uint16) bool { return flags[o]&flag != 0 }

// Pure reports whether a value of o may be dropped, moved or computed twice.
func (o Op) Pure() bool { return o.has(pure) }

// Commutes reports whether o's two arguments may change places.
func (o Op) Commutes() bool { return o.has(commutes) }

// Compares reports whether o gives 0 or 1 and may stand in a branch.
func (o Op) Compares() bool { return o.has(compare) }

// Reads and Writes report what o does to memory.
func (o Op) Reads() bool { return o.has(reads) }

// Writes reports whether o may change memory.
func (o Op) Writes() bool { return o.has(writes) }

// IsCall reports whether o clobbers R0 to R5.
func (o Op) IsCall() bool { return o == OpCall || o == OpCallSub || o == OpCallKfunc }

// HasResult reports whether o defines a value.
func (o Op) HasResult() bool { return !o.has(noresult) }

// Sized reports whether Size is part of o's meaning.
func (o Op) Sized() bool { return o.has(sized) }

// Foldable reports whether o's result is a function of its arguments.
func (o Op) Foldable() bool { return o.has(foldable) }

// Arity is the number of o's arguments, -1 for any number.
func (o Op) Arity() int { return ops[o].args }

// Eval computes o at size bytes. For arithmetic, size 4 truncates arguments
// and result to 32 bits; extensions and byte orders take the low size bytes.
func (o Op) Eval(size uint8, a, b uint64) uint64 {
	if size == 0 {
		size = 8
	}
	return o.EvalBits(uint(size)*8, a, b)
}

// EvalBits is Eval for values of w bits.
func (o Op) EvalBits(w uint, a, b uint64) uint64 {
	f := ops[o].eval
	switch o {
	case OpSext:
		return f(a, b, w)
	case OpCopy:
		return a
	}
	return Trunc(f(Trunc(a, w), Trunc(b, w), w), w)
}

// OpNamed is the op that prints as name, or OpInvalid.
func OpNamed(name string) Op {
	for o, info := range ops {
		if info.name == name && name != "" {
			return Op(o)
		}
	}
	return OpInvalid
}

// Swapped gives the comparison that means the same with arguments swapped.
func (o Op) Swapped() Op {
	switch o {
	case OpUlt:
		return OpUgt
	case OpUgt:
		return OpUlt
	case OpUle:
		return OpUge
	case OpUge:
		return OpUle
	case OpSlt:
		return OpSgt
	case OpSgt:
		return OpSlt
	case OpSle:
		return OpSge
	case OpSge:
		return OpSle
	}
	return o
}

// Negated gives the comparison that is true when o is false; OpTest has none.
func (o Op) Negated() (Op, bool) {
	switch o {
	case OpEq:
		return OpNe, true
	case OpNe:
		return OpEq, true
	case OpUlt:
		return OpUge, true
	case OpUge:
		return OpUlt, true
	case OpUle:
		return OpUgt, true
	case OpUgt:
		return OpUle, true
	case OpSlt:
		return OpSge, true
	case OpSge:
		return OpSlt, true
	case OpSle:
		return OpSgt, true
	case OpSgt:
		return OpSle, true
	}
	return o, false
}

// Trunc keeps the low w bits of a.
func Trunc(a uint64, w uint) uint64 {
	if w >= 64 {
		return a
	}
	return a & (1<<w - 1)
}

func signed(a uint64, w uint) int64 { return int64(a<<(64-w)) >> (64 - w) }

func udiv(a, b uint64) uint64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func umod(a, b uint64) uint64 {
	if b == 0 {
		return a
	}
	return a % b
}

func sdiv(a, b uint64, w uint) uint64 {
	x, y := signed(a, w), signed(b, w)
	switch y {
	case 0:
		return 0
	case -1: // the most negative number divided by -1 is itself
		return uint64(-x)
	}
	return uint64(x / y)
}

func smod(a, b uint64, w uint) uint64 {
	x, y := signed(a, w), signed(b, w)
	switch y {
	case 0:
		return a
	case -1:
		return 0
	}
	return uint64(x % y)
}

func swap(a uint64, w uint) uint64 { return bits.ReverseBytes64(a) >> (64 - w) }

func b2i(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
