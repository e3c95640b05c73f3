package abi

import (
	"sort"
	"strings"
)

// Helper is one of the kernel's helper functions. Prototype, parameter names
// and text are libbpf's; who may call it, under which licence and with what
// effect on packet pointers is the verifier's own answer.
type Helper struct {
	Name     string   // Lisp name: "map-lookup-elem"
	C        string   // "bpf_map_lookup_elem"
	ID       int32    // what the call instruction carries
	Proto    string   // C prototype, for help
	Params   []string // C parameter names; len is the arity without variadic ones
	Variadic bool     // up to MaxArgs in all (trace-printk)
	Doc      string   // plain text
	Returns  string   // plain text: what the result means
	Args     []ArgKind
	Result   ResultKind
	// ResultType is the C struct that the result points to: "bpf_sock",
	// "task_struct"; "" otherwise.
	ResultType    string
	GPL           bool    // needs a GPL-compatible licence
	ChangesPacket bool    // packet pointers read before the call are stale after it
	Sleeps        bool    // only sleepable programs may call it
	Progs         ProgSet // program types that may call it, with some attach type
	Acquires      bool    // the result (or the dynptr filled) is a reference that must be released
	Releases      bool    // gives such a reference back; the pointer argument is gone after the call
}

// MaxArgs is how many arguments a helper call can carry: r1 to r5.
const MaxArgs = 5

// ArgKind is what a helper wants as one argument.
type ArgKind uint8

const (
	ArgScalar      ArgKind = iota // any number
	ArgMap                        // a map
	ArgMapKey                     // pointer to a key of the map argument
	ArgMapValue                   // pointer to a value of the map argument
	ArgMapValueOut                // pointer to room for a value, written by the helper
	ArgMem                        // pointer to bytes that are read; size in the next argument
	ArgMemOrNull                  // the same, or 0 with size 0
	ArgMemOut                     // pointer to room that the helper writes; size in the next argument
	ArgMemInOut                   // pointer to bytes that are read and written; size in the next argument
	ArgSize                       // size of the pointer argument before, 1 or more
	ArgSizeOrZero                 // the same, 0 allowed
	ArgConstSize                  // a size that must be a compile-time constant (ringbuf-reserve)
	ArgCtx                        // the program's context
	ArgAddress                    // an address that the helper reads safely: a plain number to the verifier
	ArgFixedIn                    // pointer to an object of fixed size that is read
	ArgFixedOut                   // pointer to an object of fixed size that is written
	ArgFixedInOut                 // pointer to an object of fixed size that is read and written
	ArgString                     // pointer to a constant NUL-terminated string (read-only map)
	ArgFunc                       // a BPF function, the callback
	ArgCallbackCtx                // pointer to the caller's stack handed to the callback, or 0
	ArgRingRecord                 // record of ringbuf-reserve
	ArgSock                       // socket pointer: bpf_sock, or a kernel struct derived from sock_common
	ArgKernelPtr                  // typed pointer to a kernel object (BTF): task_struct, inode, file...
	ArgSpinLock                   // bpf_spin_lock in a map value
	ArgTimer                      // bpf_timer in a map value
	ArgDynptr                     // an initialized bpf_dynptr on the stack
	ArgDynptrOut                  // room for a bpf_dynptr on the stack
	ArgKptr                       // a kptr or null
	ArgKptrField                  // place of a kptr in a map value
	ArgPercpuPtr                  // pointer to a per-CPU kernel variable
	ArgVariadic                   // a number, one of the arguments of a format
)

// Pointer tells whether the argument is some pointer (maps and functions count).
func (k ArgKind) Pointer() bool {
	switch k {
	case ArgScalar, ArgSize, ArgSizeOrZero, ArgConstSize, ArgAddress, ArgVariadic:
		return false
	}
	return true
}

// Reads tells whether the helper reads the memory the argument points to.
func (k ArgKind) Reads() bool {
	switch k {
	case ArgMapKey, ArgMapValue, ArgMem, ArgMemOrNull, ArgMemInOut, ArgFixedIn, ArgFixedInOut,
		ArgString, ArgCallbackCtx, ArgDynptr, ArgRingRecord:
		return true
	}
	return false
}

// Writes tells whether the helper writes the memory the argument points to.
func (k ArgKind) Writes() bool {
	switch k {
	case ArgMapValueOut, ArgMemOut, ArgMemInOut, ArgFixedOut, ArgFixedInOut, ArgCallbackCtx,
		ArgDynptrOut, ArgDynptr, ArgSpinLock, ArgTimer, ArgKptrField:
		return true
	}
	return false
}

// Sized tells whether the next argument is this one's size in bytes.
func (k ArgKind) Sized() bool {
	return k == ArgMem || k == ArgMemOrNull || k == ArgMemOut || k == ArgMemInOut
}

func (k ArgKind) String() string { return argKindNames[k] }

// ResultKind is what a helper gives back in r0.
type ResultKind uint8

const (
	ResultInt            ResultKind = iota // signed number: 0 or a count, negative errno on failure
	ResultU32                              // 32-bit unsigned number
	ResultU64                              // 64-bit unsigned number
	ResultVoid                             // nothing
	ResultMapValueOrNull                   // pointer into a map value, or null
	ResultRingOrNull                       // ring-buffer record of the given size, or null
	ResultMemOrNull                        // memory of the given size, or null
	ResultSockOrNull                       // bpf_sock or a relative, or null
	ResultPtrOrNull                        // pointer to a kernel struct (BTF), or null
	ResultPtr                              // pointer to a kernel struct (BTF), never null
	ResultMapValue                         // pointer into a map value, never null (get-local-storage)
	ResultNever                            // does not come back on success (tail-call)
)

// Nullable tells whether the result must be checked before use as a pointer.
func (k ResultKind) Nullable() bool {
	switch k {
	case ResultMapValueOrNull, ResultRingOrNull, ResultMemOrNull, ResultSockOrNull, ResultPtrOrNull:
		return true
	}
	return false
}

func (k ResultKind) String() string { return resultKindNames[k] }

// Helpers is the table, sorted by name.
func Helpers() []Helper { return helpers[:] }

// HelperByName finds a helper by its Lisp name in either case, nil if there is
// none. The C name, with or without bpf_, is found as well.
func HelperByName(name string) *Helper {
	i, ok := search(len(helpers), func(i int) string { return helpers[i].Name }, name)
	if !ok {
		name = strings.ReplaceAll(strings.TrimPrefix(fold(name), "bpf_"), "_", "-")
		if i, ok = search(len(helpers), func(i int) string { return helpers[i].Name }, name); !ok {
			return nil
		}
	}
	return &helpers[i]
}

// HelperByID finds a helper by the number in the call instruction, nil if there is none.
func HelperByID(id int32) *Helper {
	i := sort.Search(len(helpersByID), func(i int) bool { return helpers[helpersByID[i]].ID >= id })
	if i == len(helpersByID) || helpers[helpersByID[i]].ID != id {
		return nil
	}
	return &helpers[helpersByID[i]]
}

var argKindNames = [...]string{
	"number", "map", "key", "value", "room for a value", "memory", "memory or 0", "room to write",
	"memory to change", "size", "size or 0", "constant size", "context", "address", "object", "room for an object",
	"object to change", "constant string", "function", "callback context", "ring record", "socket", "kernel pointer",
	"spin lock", "timer", "dynptr", "room for a dynptr", "kptr", "kptr field", "per-CPU pointer", "number",
}

var resultKindNames = [...]string{
	"signed number", "u32", "u64", "nothing", "map value or null", "ring record or null", "memory or null",
	"socket or null", "kernel pointer or null", "kernel pointer", "map value", "no return",
}
