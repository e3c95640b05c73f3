package warm

import "unsafe"

const tableChunk = 256 << 10 // what the runtime takes from the kernel for its tables at once

// tables has the kernel back what is left of the memory from which the runtime
// takes its tables: where there are spans of each size of block, and the like.
// A compilation touches most of it, here and there.
//
// The runtime tells nobody where it is, but makes the table of an interface's
// methods there when a type is first asked for that interface: the first word
// of the interface points to it. Before Linux 5.14 nothing happens.
func tables() (at uintptr) {
	e, _ := never.(error)
	at = *(*uintptr)(unsafe.Pointer(&e)) &^ (pageSize() - 1)
	advise(at, tableChunk, populateWrite)
	return at
}

// never is a variable, for nobody to know before it runs what is in it.
var never any = asked{}

// asked is a type that only tables asks for an interface.
type asked struct{}

func (asked) Error() string { return "" }
