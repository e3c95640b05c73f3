package load

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
)

// syscallContext is how many zero bytes a syscall program gets: more than any
// of ours can reach.
const syscallContext = 8192

// Syscalls lists the programs that run when user space asks for it.
func (c *Collection) Syscalls() (names []string) {
	for _, n := range c.Programs() {
		if c.Spec.Programs[n].Type == ebpf.Syscall {
			names = append(names, n)
		}
	}
	return names
}

// Waits reports whether a program runs at events, and not only when asked.
func (c *Collection) Waits() bool {
	for _, a := range c.links {
		if _, asked := a.link.(walker); !asked {
			return true
		}
	}
	return false
}

// Call runs a syscall program with a context, which it may change; a short
// one is filled up with zeros. It gives what the program returns.
func (c *Collection) Call(name string, context []byte) (uint32, error) {
	p := c.Program(name)
	if p == nil {
		return 0, fmt.Errorf("there is no program %s", name)
	}
	if len(context) < syscallContext {
		context = append(context, make([]byte, syscallContext-len(context))...)
	}
	return p.Run(&ebpf.RunOptions{Context: context})
}

// A walker is an attached iterator.
type walker interface {
	walk() (program string, r io.ReadCloser, err error)
}

// Iterate runs every attached iterator once, and gives f what it writes.
func (c *Collection) Iterate(f func(program string, r io.Reader) error) error {
	for _, a := range c.links {
		it, ok := a.link.(walker)
		if !ok {
			continue
		}
		name, r, err := it.walk()
		if err == nil {
			err = f(name, r)
			r.Close()
		}
		if err != nil {
			return fmt.Errorf("reading the iterator `%s`: %w", name, err)
		}
	}
	return nil
}
