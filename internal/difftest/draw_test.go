package difftest

import (
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/machine"
	"github.com/whistler-lang/whistler/internal/opt"
)

// debug is what compilers call -d. The check takes a third of the time of a
// long run.
var debug = flag.String("d", "check", "check: compare also behind every pass, in the interpreter; none")

// A drawn is how a random source is compiled: each pass must do without the
// others.
type drawn struct {
	off   []string // passes that are left out
	count bool     // as if there were too many paths
	short bool     // short blocks are ordered too
	cpu   int
}

func draw(r *rand.Rand) (d drawn) {
	if r.Intn(3) == 0 {
		for _, p := range slices.Concat(opt.Names(), machine.Names(), []string{"inline"}) {
			if r.Intn(2) == 0 {
				d.off = append(d.off, p)
			}
		}
	}
	d.cpu, d.count, d.short = 2+r.Intn(3), r.Intn(4) == 0, r.Intn(2) == 0
	return d
}

func (d drawn) String() string {
	how := ""
	if d.count {
		how = ", as if there were too many paths"
	}
	if d.short {
		how += ", short blocks ordered"
	}
	return fmt.Sprintf("cpu v%d%s, passes left out: %s", d.cpu, how, strings.Join(d.off, " "))
}

func (d drawn) compile(src string) (*Unit, error) {
	off := map[string]bool{}
	for _, p := range d.off {
		off[p] = true
	}
	return compileStages("random.lisp", src, off, options(d.cpu), stages{each: *debug == "check", count: d.count, short: d.short})
}

// compareEach is Compare that first names the pass that went wrong, if one did.
func compareEach(u *Unit, steps []Step, kernel bool) error {
	if *debug == "check" {
		if err := u.CheckPasses(steps); err != nil {
			return err
		}
	}
	return Compare(u, steps, kernel)
}
