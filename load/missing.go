package load

import "fmt"

// A Missing is the name of something that the running kernel does not have:
// a function, a tracepoint.
type Missing struct {
	Program string
	What    string   // "function", "tracepoint"
	Name    string   // as the section has it
	Known   []string // what the kernel has of the kind
	Err     error    // what attaching or loading said
}

func (m *Missing) Error() string {
	return fmt.Sprintf("`%s`: the kernel has no %s `%s`", m.Program, m.What, m.Name)
}

func (m *Missing) Unwrap() error { return m.Err }
