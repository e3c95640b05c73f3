package difftest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A Step is one run of a program, and what is wanted of it: an empty Want is
// only compared between the executions.
type Step struct {
	Program string
	Packet  []byte
	Context *Context // in the place of a packet
	Set     *Entry   // in the place of a run
	Want    string   // lines that must stand in the outcome's text
	Hide    []string // maps that hold what differs between the executions, as times do
}

// Privileged reports whether this process may load programs. The compilers
// of package mutants must not, whoever runs them.
func Privileged() bool { return os.Geteuid() == 0 && os.Getenv("WHISTLER_KERNEL") != "no" }

// NeedKernel skips a test, with its reason, where the privilege is missing;
// in CI as root nothing may be missing.
func NeedKernel(t testing.TB) {
	t.Helper()
	if !Privileged() {
		t.Skip("needs root for the kernel's bpf()")
	}
}

// Compare runs the steps in every execution and reports where they differ.
func Compare(u *Unit, steps []Step, kernel bool) error {
	ways, err := u.Simulated()
	if err != nil {
		return err
	}
	if kernel {
		k, done, err := u.Kernel()
		if err != nil {
			return fmt.Errorf("the kernel refuses what the compiler accepts: %w", err)
		}
		defer done()
		ways = append(ways, k)
	}
	for i, s := range steps {
		var first *Outcome
		if s.Context != nil && ways[len(ways)-1].Name == "kernel" {
			ways = ways[:len(ways)-1] // its maps are another state from here on
		}
		for _, w := range ways {
			if w.Name == "kernel" && s.Set == nil && len(s.Packet) < 14 {
				continue // BPF_PROG_TEST_RUN wants an Ethernet header
			}
			o, err := w.Step(s)
			if err != nil {
				return fmt.Errorf("step %d in %s: %w", i, w.Name, err)
			}
			if o == nil {
				continue
			}
			for _, name := range s.Hide {
				delete(o.Maps, name)
				delete(o.Events, name)
			}
			if first == nil {
				first = o
				for _, line := range strings.Split(s.Want, "\n") {
					if line = strings.TrimSpace(line); line != "" && !hasLine(o.String(), line) {
						return fmt.Errorf("step %d in %s: want %q, have\n%v", i, w.Name, line, o)
					}
				}
				continue
			}
			if o.String() != first.String() {
				return fmt.Errorf("step %d: %s differs from %s:\n%v\n%v", i, w.Name, ways[0].Name, o, first)
			}
		}
	}
	return nil
}

// hasLine reports whether line stands in text, or with "..." at its end
// begins a line of it.
func hasLine(text, line string) bool {
	start, prefix := strings.CutSuffix(line, "...")
	for _, l := range strings.Split(text, "\n") {
		if strings.TrimSpace(l) == line || prefix && strings.HasPrefix(l, start) {
			return true
		}
	}
	return false
}
