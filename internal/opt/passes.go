// Package opt improves functions and lowers them to what the machine has.
// A pass is a function in a file of its name; passes.go is their order.
package opt

import (
	"fmt"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// Config is what passes may know of the target.
type Config struct {
	CPU       int                           // BPF cpu version: 2, 3 or 4
	Unaligned bool                          // loads and stores of packets and map values need no alignment
	Count     bool                          // there are too many paths for the verifier: see count
	Short     bool                          // order short blocks too: see late and interleave; for tests
	Off       map[string]bool               // passes to leave out, for tests
	decided   *int                          // how many more times branch may ask what a way has decided
	Trace     func(pass string, f *ir.Func) // called after each pass that changed f
}

// A pass changes f and reports whether it did.
type pass struct {
	name string
	run  func(f *ir.Func, c *Config) bool
	why  string
}

// improve runs again and again until nothing changes: each pass feeds the
// others.
var improve = []pass{
	{"copyelim", copyelim, "first, so that the others see values and not their copies"},
	{"fold", fold, "constants, then identities on what is left"},
	{"rewrite", rewrite, "rules.lisp"},
	{"narrow", narrow, "masks and byte swaps that known bits make superfluous"},
	{"narrow32", narrow32, "arithmetic in 32 bits where no more is asked for; after the masks that narrow drops"},
	{"branch", branch, "constant and correlated branches, blocks that only jump"},
	{"correlate", correlate, "branches that earlier ones decide; after copies and constants are plain"},
	{"combine", combine, "tests of neighbouring bytes; when the branches between them are plain"},
	{"cse", cse, "equal values, loads included"},
	{"hoist", hoist, "what both ways of a branch compute; when equal values have one name"},
	{"forward", forward, "loads of what was just stored in the same stack slot"},
	{"dce", dce, "what nobody uses"},
	{"widen", widen, "copies and constants side by side; when addresses are plain"},
	{"deadstore", deadstore, "stack stores that nobody reads"},
}

// loops runs when nothing of improve changes any more, which then has new
// work.
var loops = []pass{
	{"count", count, "branches that only count, where there are too many paths; when nothing else is left on their ways"},
	{"unroll", unroll, "what the verifier must not walk as a loop; when all that is superfluous in it is gone"},
	{"carry", carry, "words of the stack that a loop reads and writes; when it is known which loops stay"},
}

// improving is both, and what Improve runs.
var improving = slices.Concat(improve, loops)

// finish runs once, in order: what it makes is for the machine.
var finish = []pass{
	{"expand", expand, "signed division for machines that have none"},
	{"fold", fold, "the constants of what was expanded"},
	{"rewrite", rewrite, "and what they make superfluous in it"},
	{"copyelim", copyelim, "lower sees through no copies that it does not make"},
	{"lower", lower, "generic ops into BPF-shaped ones"},
	{"dce", dce, "address arithmetic that lower folded into loads and stores"},
	{"late", late, "long computations behind calls; when nothing is computed that lower could fold"},
	{"interleave", interleave, "long computations side by side; after late, which moves them as a whole"},
	{"returns", returns, "equal ends of the program become one"},
	{"critical", critical, "edges get a block for their moves"},
	{"depth", depth, "loop depths, for the allocator's costs"},
}

// spare are those of finish that nothing needs.
var spare = []string{"late", "interleave", "returns"}

// Names lists the passes that Config.Off may leave out: all but those that
// the later stages need.
func Names() (names []string) {
	for _, p := range improving {
		names = append(names, p.name)
	}
	return append(names, spare...)
}

// Improve optimises f without changing its form; Lower makes it ready for
// the allocator. The verifier runs behind each, and where there is a
// trace, as in tests, after every pass that changed something.
func Improve(f *ir.Func, c *Config) error {
	ps := improving
	version := 1                 // counts the changes
	idle := make([]int, len(ps)) // at which version a pass has found nothing
	some := func(from, to int) error {
		for i, p := range ps[from:to] {
			i += from
			if c.Off[p.name] || idle[i] == version {
				continue
			}
			changed, err := run(p, f, c)
			if err != nil {
				return err
			}
			if changed {
				version++
			} else {
				idle[i] = version
			}
		}
		return nil
	}
	for start := 0; start != version; {
		for round := 0; round < 20; round++ {
			before := version
			if err := some(0, len(improve)); err != nil {
				return err
			}
			if version == before {
				break
			}
			f.Compact()
		}
		start = version
		if err := some(len(improve), len(ps)); err != nil {
			return err
		}
	}
	return verify("the optimiser", f)
}

// Lower turns f into the form that regalloc and emit take.
func Lower(f *ir.Func, c *Config) error {
	for _, p := range finish {
		if c.Off[p.name] && slices.Contains(spare, p.name) {
			continue
		}
		if _, err := run(p, f, c); err != nil {
			return err
		}
	}
	f.Renumber() // most numbers are of what is gone
	return verify("the lowering", f)
}

func run(p pass, f *ir.Func, c *Config) (bool, error) {
	defer f.Done()
	changed := p.run(f, c)
	if !changed {
		return false, nil
	}
	// In a loop that nothing enters a value can be its own operand; no pass
	// has to reckon with that.
	f.Prune()
	if c.Trace == nil {
		return true, nil
	}
	if err := verify("pass "+p.name, f); err != nil {
		return true, err
	}
	c.Trace(p.name, f)
	return true, nil
}

func verify(who string, f *ir.Func) error {
	defer f.Done()
	if err := ir.Verify(f); err != nil {
		return fmt.Errorf("%s broke %v\n%v", who, err, f)
	}
	return nil
}
