package difftest

import (
	"flag"
	"math/rand"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/whistler-lang/whistler/internal/source"
	"pgregory.net/rapid"
)

// programs is how many random programs TestPrograms compares. The long run:
// go test ./internal/difftest -run TestPrograms -programs 1000000 -timeout 0
var programs = flag.Int("programs", 2000, "random programs that TestPrograms compares")

const perSource = 10

// TestPrograms compares random programs in the four executions. A difference
// is shrunk to a small program.
func TestPrograms(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f != nil {
		f.Value.Set(strconv.Itoa(max(1, *programs/perSource)))
	}
	if f := flag.Lookup("rapid.seed"); f != nil && f.Value.String() == "0" {
		f.Value.Set("1") // the same programs each time; -rapid.seed N gives others
	}
	if f := flag.Lookup("rapid.nofailfile"); f != nil {
		f.Value.Set("true") // the seed says it all
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		compareProgram(t, choices(t, r), r, Privileged())
	})
	t.Logf("%d programs, compared with the kernel: %v", *programs, Privileged())
}

// choices gives the generator's bytes: random ones, in pieces that rapid
// takes away where a smaller program fails as well. Its own bytes would be
// small numbers mostly, and the programs all alike.
func choices(t *rapid.T, r *rand.Rand) (data []byte) {
	for _, keep := range rapid.SliceOfN(rapid.IntRange(0, 15), 20, 80).Draw(t, "pieces") {
		piece := make([]byte, 64)
		if r.Read(piece); keep == 0 {
			clear(piece)
		}
		data = append(data, piece...)
	}
	return data
}

// A failer is what a test and rapid's have in common.
type failer interface {
	Fatalf(format string, args ...any)
}

// onlyCode is the code that all errors have, "" if they have several.
func onlyCode(err error) (code string) {
	for _, e := range source.AsList(err).Errors() {
		if code != "" && e.Code != code {
			return ""
		}
		code = e.Code
	}
	return code
}

// compileOr compiles src, or ends the test; ok is false where it is right, but
// more than the stack takes with passes left out. kernel says whether the
// result may be compared with the kernel too.
func (o *drawn) compileOr(t failer, src string, kernel bool) (u *Unit, _, ok bool) {
	u, err := o.compile(src)
	switch onlyCode(err) {
	case "stack-size":
		return nil, false, false
	case "too-complex":
		o.off, kernel = append(o.off, "facts"), false // right, but for the verifier
		u, err = o.compile(src)
	}
	if err != nil {
		t.Fatalf("%v\n%v\n%s", err, o, src)
	}
	return u, kernel, true
}

func compareProgram(t failer, data []byte, r *rand.Rand, kernel bool) {
	src := Programs(data, perSource)
	// Linux 6.18 has a verifier that can crash where too many paths wait
	// (maybe_fork_scalars); its thread never comes back then.
	watchdog := time.AfterFunc(4*time.Minute, func() {
		panic("no answer for minutes; if the compiler is not at fault, dmesg says what the kernel did. The source:\n" + src)
	})
	defer watchdog.Stop()
	o := draw(r)
	u, kernel, ok := o.compileOr(t, src, kernel)
	if !ok {
		return
	}
	var steps []Step
	for i := 0; i < perSource; i++ {
		for _, p := range packets(r)[:2] {
			steps = append(steps, Step{Program: "p" + strconv.Itoa(i), Packet: p})
		}
	}
	if err := compareEach(u, steps, kernel); err != nil {
		if strings.Contains(err.Error(), "more paths through it wait for the verifier") {
			return // right, but more than the verifier keeps
		}
		t.Fatalf("%v\n%v\n%s", err, o, src)
	}
}
