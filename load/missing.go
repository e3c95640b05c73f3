package load

import "fmt"

// A Missing is the name of something that is not there: a function or a
// tracepoint of the running kernel, a function of a loaded program.
type Missing struct {
	Program string
	Where   string   // "the kernel", "the program"
	What    string   // "function", "tracepoint"
	Name    string   // as the section has it
	Known   []string // what is there of the kind
	Err     error    // what attaching or loading said
}

func (m *Missing) Error() string {
	return fmt.Sprintf("`%s`: %s has no %s `%s`", m.Program, m.Where, m.What, m.Name)
}

func (m *Missing) Unwrap() error { return m.Err }
