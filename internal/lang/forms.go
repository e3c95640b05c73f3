package lang

// A coreForm is a form that macros cannot be: a row of the table below.
type coreForm struct {
	name     string
	min, max int // number of arguments; max -1 means any
	params   string
	doc      string
	lower    func(l *lowerer, c *call) val
}

// forms is the table of core forms; formIndex finds a row by its name. They
// are filled in init: as literals they would be an initialization cycle.
var (
	forms     []coreForm
	formIndex map[string]*coreForm
)

func init() {
	forms = []coreForm{
		// control
		{"PROGN", 0, -1, "form...", "Evaluates the forms in order and gives the value of the last.", lowerProgn},
		{"LET", 1, -1, "((var [type] [init])...) [declarations] body...", "Binds variables in parallel around the body.", lowerLet},
		{"LET*", 1, -1, "((var [type] [init])...) [declarations] body...", "Binds variables one after the other around the body.", lowerLetStar},
		{"SETF", 0, -1, "{place value}...", "Stores values into places, in order, and gives the last one.", lowerSetf},
		{"SETQ", 0, -1, "{variable value}...", "The same as setf.", lowerSetf},
		{"IF", 2, 3, "test then [else]", "Evaluates then where test is not 0, otherwise else, or gives 0.", lowerIf},
		{"%COND", 1, -1, "(test form)... else", "The form of the first test that is not 0, otherwise else.", lowerCond},
		{"AND", 0, -1, "form...", "0 as soon as a form is 0, else the value of the last; 1 without forms.", lowerAnd},
		{"OR", 0, -1, "form...", "The first value that is not 0, else 0.", lowerOr},
		{"NOT", 1, 1, "x", "1 if x is 0, else 0.", lowerNot},
		{"RETURN", 0, 1, "[value]", "Leaves the program with value, 0 by default, from any depth.", lowerReturn},
		{"BLOCK", 1, -1, "name body...", "Names the body, for return-from.", lowerBlock},
		{"RETURN-FROM", 1, 2, "name [value]", "Leaves the block of that name with value.", lowerReturnFrom},
		{"DOTIMES", 1, -1, "(var count [result] [:max n]) body...", "Runs the body with var from 0 to count-1. A count that is no constant needs :max.", lowerDotimes},
		{"%WHILE", 1, -1, "(test step max) body...", "Runs the body while test is not 0, and step after each turn.", lowerWhile},
		{"BREAK", 0, 0, "", "Leaves the innermost loop.", lowerBreak},
		{"CONTINUE", 0, 0, "", "Goes on with the next turn of the innermost loop.", lowerContinue},
		{"BPF-LOOP", 1, -1, "(var count) body...", "Runs the body with var from 0 to count-1 as a callback of the kernel, which the verifier walks once whatever count is. Gives the number of turns, or a negative error number.", lowerBpfLoop},
		{"FOR-EACH-MAP-ELEM", 1, -1, "(key value map) body...", "Runs the body for each entry of a hash or array map, with key and value as getmap gives them. Gives the number of entries walked.", lowerForEachMapElem},
		{"TIMER-SET-CALLBACK", 2, -1, "timer (key value map) body...", "Says what the kernel does when a timer in a value of map runs out: the body, with key and value as getmap gives them. It runs when the program is over, and sees maps and globals but no variables around it; (return) ends it. 0, or a negative error number.", lowerTimerSetCallback},
		{"FLET", 1, -1, "((name (param...) body...)...) body...", "Defines functions for the body. Each call is the function's body in place, with the parameters bound to the arguments.", lowerFlet},
		{"LABELS", 1, -1, "((name (param...) body...)...) body...", "The same as flet, and the functions may call each other, but none itself.", lowerLabels},
		{"MACROLET", 1, -1, "((name lambda-list body...)...) body...", "Defines macros for the body.", lowerMacrolet},
		{"SYMBOL-MACROLET", 1, -1, "((name expansion)...) body...", "Defines names that stand for forms in the body.", lowerSymbolMacrolet},
		{"THE", 2, 2, "type form", "The value of form as that type: a number is converted as cast does, a pointer stays as it is.", lowerThe},
		{"DECLARE", 0, -1, "declaration...", "Belongs at the beginning of let.", lowerDeclare},
		{"%UNWIND", 1, -1, "cleanup body...", "Evaluates body; a return out of it evaluates cleanup first.", lowerUnwind},
		{"%CASE-KEYS", 1, 1, "clauses", "Looks for keys that stand twice.", lowerCaseKeys},
		{"%ONCE", 2, -1, "((var form)...) body...", "Binds variables to values that need no new places.", lowerOnce},

		// arithmetic
		{"+", 0, -1, "integer...", "The sum, modulo 2^64.", lowerSum},
		{"-", 1, -1, "integer...", "The difference, or the negation of one argument, modulo 2^64.", lowerDifference},
		{"*", 0, -1, "integer...", "The product, modulo 2^64.", lowerArith},
		{"/", 2, -1, "integer integer...", "The quotient, toward zero; x/0 is 0. Signed if an operand is signed and none unsigned.", lowerArith},
		{"MOD", 2, 2, "x y", "The remainder; x mod 0 is x. Signed as for /.", lowerArith},
		{"S/", 2, 2, "x y", "The signed quotient, toward zero.", lowerArith},
		{"SMOD", 2, 2, "x y", "The remainder of the signed quotient; it has the sign of x.", lowerArith},
		{"LOGAND", 0, -1, "integer...", "Bitwise and.", lowerArith},
		{"LOGIOR", 0, -1, "integer...", "Bitwise or.", lowerArith},
		{"LOGXOR", 0, -1, "integer...", "Bitwise exclusive or.", lowerArith},
		{"LOGNOT", 1, 1, "x", "Bitwise not.", lowerLognot},
		{"<<", 2, 2, "x n", "Shifts left by n bits, 0 to 63.", lowerShift},
		{">>", 2, 2, "x n", "Shifts right by n bits, 0 to 63, filling with zeros.", lowerShift},
		{">>>", 2, 2, "x n", "Shifts right by n bits, 0 to 63, filling with the sign.", lowerShift},
		{"ASH", 2, 2, "x n", "Shifts left by n, or right by -n: arithmetically where x is signed.", lowerAsh},
		{"=", 1, -1, "x y...", "1 if all are equal, else 0.", lowerCompare},
		{"/=", 1, -1, "x y...", "1 if no two are equal, else 0.", lowerCompare},
		{"<", 1, -1, "x y...", "1 if each is less than the next. Unsigned unless an operand is signed and none unsigned.", lowerCompare},
		{"<=", 1, -1, "x y...", "1 if none is greater than the next.", lowerCompare},
		{">", 1, -1, "x y...", "1 if each is greater than the next.", lowerCompare},
		{">=", 1, -1, "x y...", "1 if none is less than the next.", lowerCompare},
		{"S<", 1, -1, "x y...", "The same as <, always signed.", lowerCompare},
		{"S<=", 1, -1, "x y...", "The same as <=, always signed.", lowerCompare},
		{"S>", 1, -1, "x y...", "The same as >, always signed.", lowerCompare},
		{"S>=", 1, -1, "x y...", "The same as >=, always signed.", lowerCompare},
		{"CAST", 2, 2, "type x", "x as a number of that type: truncated, then zero- or sign-extended.", lowerCast},
		{"NTOHS", 1, 1, "x", "The low 16 bits of x from network to host order.", lowerByteOrder},
		{"HTONS", 1, 1, "x", "The low 16 bits of x from host to network order.", lowerByteOrder},
		{"NTOHL", 1, 1, "x", "The low 32 bits of x from network to host order.", lowerByteOrder},
		{"HTONL", 1, 1, "x", "The low 32 bits of x from host to network order.", lowerByteOrder},
		{"NTOHLL", 1, 1, "x", "x from network to host order.", lowerByteOrder},
		{"HTONLL", 1, 1, "x", "x from host to network order.", lowerByteOrder},

		// memory
		{"LOAD", 2, 3, "type pointer [offset]", "Reads a number of that type, offset bytes behind pointer.", lowerLoad},
		{"STORE", 4, 4, "type pointer offset value", "Writes value as that type, offset bytes behind pointer.", lowerStore},
		{"STACK-ADDR", 1, 1, "variable", "The address of a variable, which then lives on the stack.", lowerStackAddr},
		{"GLOBAL-ADDR", 1, 1, "variable", "The address of a variable that defglobal declares.", lowerGlobalAddr},
		{"STRUCT-ALLOC", 1, 1, "size", "A pointer to size zeroed bytes on the stack.", lowerStructAlloc},
		{"MEMSET", 4, 4, "pointer offset byte n", "Fills n bytes with byte; n is a constant.", lowerMemset},
		{"MEMCPY", 5, 5, "dest dest-offset src src-offset n", "Copies n bytes; n is a constant. Regions of one object may overlap.", lowerMemcpy},
		{"ATOMIC-ADD", 3, 4, "pointer offset value [type]", "Adds atomically; type is u64 or u32.", lowerAtomic},
		{"ATOMIC-OR", 3, 4, "pointer offset value [type]", "Ors atomically.", lowerAtomic},
		{"ATOMIC-AND", 3, 4, "pointer offset value [type]", "Ands atomically.", lowerAtomic},
		{"ATOMIC-XOR", 3, 4, "pointer offset value [type]", "Xors atomically.", lowerAtomic},
		{"ATOMIC-FETCH-ADD", 3, 4, "pointer offset value [type]", "Adds atomically and gives the old value.", lowerAtomic},
		{"ATOMIC-FETCH-OR", 3, 4, "pointer offset value [type]", "Ors atomically and gives the old value.", lowerAtomic},
		{"ATOMIC-FETCH-AND", 3, 4, "pointer offset value [type]", "Ands atomically and gives the old value.", lowerAtomic},
		{"ATOMIC-FETCH-XOR", 3, 4, "pointer offset value [type]", "Xors atomically and gives the old value.", lowerAtomic},
		{"ATOMIC-XCHG", 3, 4, "pointer offset value [type]", "Stores atomically and gives the old value.", lowerAtomic},
		{"ATOMIC-CMPXCHG", 4, 5, "pointer offset expected value [type]", "Stores value if the old one is expected; gives the old one.", lowerAtomic},
		{"MEMCMP", 3, 3, "pointer pointer n", "Compares n bytes, n being a constant: 0 if they are equal, else -1 or 1 as the first byte that differs is less or greater. Cheaper where only 0 is asked for: (zerop (memcmp a b n)), or as a condition.", lowerMemcmp},
		{"AREF", 2, -1, "array index...", "An element of an array: of a variable of type (array type n), an array in a struct, or memory that a (ptr type) points to. Elements that are structs or arrays are given by their address. A place for setf.", lowerAref},
		{"STREQ", 2, 2, "bytes text", "1 if bytes hold text and then a NUL, else 0. Reads exactly those bytes; a text that fills an array of known length needs no NUL.", lowerStreq},
		{"STARTS-WITH", 2, 2, "bytes text", "1 if bytes begin with text, else 0. Reads as many bytes as text has.", lowerStreq},
		{"STRNCMP", 3, 3, "bytes text n", "Compares at most n bytes up to the end of text, as C does: 0, -1 or 1. n is a constant.", lowerMemcmp},
		{"ASM", 5, 5, "opcode dst src offset immediate", "One machine instruction; opcode, offset and immediate are constants. dst and src are forms, which the compiler puts into registers: the value of dst is in the destination register before, and the form gives what is there afterwards. A load ignores dst and reads from src+offset; a store writes src, or immediate, to dst+offset and gives what it wrote; an atomic operation that fetches gives the old value. A call, (asm #x85 0 0 0 n), calls helper number n, which takes no arguments, and gives its result. Other calls, jumps and exits have forms of their own.", lowerAsm},

		// registers of probes
		{"PT-REGS-PARM1", 0, 0, "", "The first argument of the function that a kprobe or uprobe stands at.", lowerPtRegs},
		{"PT-REGS-PARM2", 0, 0, "", "The second argument of the probed function.", lowerPtRegs},
		{"PT-REGS-PARM3", 0, 0, "", "The third argument of the probed function.", lowerPtRegs},
		{"PT-REGS-PARM4", 0, 0, "", "The fourth argument of the probed function.", lowerPtRegs},
		{"PT-REGS-PARM5", 0, 0, "", "The fifth argument of the probed function.", lowerPtRegs},
		{"PT-REGS-PARM6", 0, 0, "", "The sixth argument of the probed function.", lowerPtRegs},
		{"PT-REGS-RET", 0, 0, "", "What the function returned, in a kretprobe or uretprobe.", lowerPtRegs},

		// structs of the kernel
		{"ARG", 1, 1, "name", "An argument of the kernel function, tracepoint, hook or iterator that the program stands at, by its name in the kernel's BTF and with its type. (:args (name...)) in the program's options binds variables to them.", lowerArg},
		{"RETVAL", 0, 0, "", "What the function returned, in a fexit, fmod-ret, lsm or kretprobe program, with its type.", lowerRetval},
		{"KSYM-EXISTS", 1, 1, "name", "1 if the kernel has a variable that is declared :weak t, else 0.", lowerKsymExists},
		{"CORE-LOAD", 5, 5, "type pointer offset struct field", "Reads a number from a field of a struct of the kernel, wherever the running kernel has it. Better: the accessors of import-kernel-struct.", lowerCoreLoad},
		{"CORE-STORE", 6, 6, "type pointer offset value struct field", "Writes a number into a field of a struct of the kernel, where the verifier lets it.", lowerCoreStore},
		{"CORE-CTX-LOAD", 4, 4, "type offset struct field", "The older way to a field of the context: (ctx field).", lowerCoreCtxLoad},
		{"FIELD-EXISTS", 2, 2, "struct field", "1 if the running kernel's struct has the field, else 0. The verifier does not look at the way not taken. A field that the compiler's kernel lacks is declared by (field type) in import-kernel-struct.", lowerCoreField},
		{"FIELD-SIZE", 2, 2, "struct field", "The size of a field in bytes, in the running kernel.", lowerCoreField},
		{"FIELD-OFFSET", 2, 2, "struct field", "The offset of a field in bytes, in the running kernel.", lowerCoreField},
		{"FIELD-SIGNED", 2, 2, "struct field", "1 if the field is a signed number in the running kernel, else 0.", lowerCoreField},
		{"FIELD-LSHIFT", 2, 2, "struct field", "By how many bits a bit-field's word is shifted left to begin with its highest bit.", lowerCoreField},
		{"FIELD-RSHIFT", 2, 2, "struct field", "By how many bits it is then shifted right to leave the bit-field alone.", lowerCoreField},
		{"TYPE-EXISTS", 1, 1, "name", "1 if the running kernel has a type of that name, else 0.", lowerCoreType},
		{"TYPE-SIZE", 1, 1, "name", "The size of a type in bytes, in the running kernel.", lowerCoreType},
		{"TYPE-MATCHES", 1, 1, "name", "1 if the running kernel's type has the members, of the same types, that this program uses.", lowerCoreType},
		{"TYPE-ID-LOCAL", 1, 1, "name", "The number of a type in the object's own BTF.", lowerCoreType},
		{"TYPE-ID-KERNEL", 1, 1, "name", "The number of a type in the running kernel's BTF.", lowerCoreType},
		{"ENUM-VALUE", 2, 2, "enum constant", "The value of a constant of an enum in the running kernel.", lowerEnumValue},
		{"ENUM-VALUE-EXISTS", 2, 2, "enum constant", "1 if the running kernel's enum has the constant, else 0.", lowerEnumValue},
		{"WITH-READ-FAULTS", 1, -1, "(variable) body...", "Binds variable to 0 and makes it a negative error number as soon as a read of kernel memory in the body fails.", lowerWithFaults},
		{"%READ-RESULT", 1, 1, "result", "Notes the result of a helper that reads memory.", lowerReadResult},

		// context
		{"CTX", 1, 2, "field [index] | type offset", "A field of the program's context, or the number of that type at offset.", lowerCtx},
		{"CTX-PTR", 0, 0, "", "The pointer to the context, for helpers.", lowerCtxPtr},

		// maps
		{"MAP-LOOKUP", 2, 2, "map key", "A pointer to the value of key, or 0.", lowerMapLookup},
		{"MAP-LOOKUP-PTR", 2, 2, "map key-pointer", "A pointer to the value of the key that key-pointer points to, or 0.", lowerMapPtr},
		{"MAP-UPDATE-PTR", 4, 4, "map key-pointer value-pointer flags", "Stores what value-pointer points to; 0, or a negative error number.", lowerMapPtr},
		{"MAP-DELETE-PTR", 2, 2, "map key-pointer", "Deletes an entry; 0, or a negative error number.", lowerMapPtr},
		{"%FIND", 2, 2, "map key", "Looks key up, passing it as the map's key type wants.", lowerMapLookup},
		{"%WITH-KEY", 2, -1, "(var map key) body...", "Binds var to a pointer to key, made as the map wants it.", lowerWithKey},
		{"%WITH-VALUE", 2, -1, "(var map value) body...", "Binds var to a pointer to value, made as the map wants it.", lowerWithKey},
		{"%WITH-ROOM", 2, -1, "(var map) body...", "Binds var to a pointer to room for a value of the map on the stack.", lowerWithRoom},
		{"USER-RINGBUF-DRAIN", 1, -1, "(record map [flags]) body...", "Runs the body for each record that user space put into a user ring buffer. Record is a dynptr, for dynptr-read and dynptr-data. Gives the number of records, or a negative error number.", lowerUserRingbufDrain},
		{"%WITH-DYNPTR-ROOM", 1, -1, "(var) body...", "Binds var to the address of room for a dynptr.", lowerWithDynptrRoom},
		{"%LOCK-IN", 1, 1, "pointer", "The address of the spin lock in the struct that pointer points to.", lowerLockIn},
		{"%VALUE", 2, 2, "map pointer", "The scalar that pointer points to, or pointer itself for struct values.", lowerMapValue},
		{"TAIL-CALL", 2, 2, "map index", "Goes on in the program at index of a prog-array; falls through if there is none.", lowerTailCall},
		{"PRINTK", 1, 13, "format [argument...]", "Writes to the kernel's trace pipe. %d %u %x take 32 bits, with l or ll 64; %s and %p a pointer. More than three arguments, up to twelve, need Linux 5.16.", lowerPrintk},
		{"EMIT", 2, 2, "map struct-pointer", "Sends a whole struct to a ring or perf buffer; 0, or a negative error number.", lowerEmit},
	}
	formIndex = make(map[string]*coreForm, len(forms))
	for i := range forms {
		formIndex[forms[i].name] = &forms[i]
	}
}

func formNamed(name string) *coreForm { return formIndex[name] }
