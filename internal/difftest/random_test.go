package difftest

import (
	"flag"
	"math/rand"
	"testing"
)

var (
	exprs  = flag.Int("exprs", 4000, "random expressions that TestExpressions compares")
	seed   = flag.Int64("seed", 1, "where TestExpressions begins")
	blames = flag.Int("blames", 500, "random programs that TestBlame compares")
)

const perProgram = 10

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	r.Read(b)
	return b
}

// packets for the inputs of an expression: random ones, zeros and ones.
func packets(r *rand.Rand) (ps [][]byte) {
	for i := 0; i < 3; i++ {
		ps = append(ps, randomBytes(r, 64))
	}
	ps = append(ps, make([]byte, 64))
	ones := make([]byte, 64)
	for i := range ones {
		ones[i] = 0xff
	}
	return append(ps, ones)
}

func compareExpressions(t *testing.T, data []byte, r *rand.Rand, kernel bool) {
	src := Expressions(data, perProgram)
	o := draw(r)
	u, kernel, ok := o.compileOr(t, src, kernel)
	if !ok {
		return
	}
	var steps []Step
	for _, p := range packets(r) {
		steps = append(steps, Step{Program: "p", Packet: p})
	}
	if err := compareEach(u, steps, kernel); err != nil {
		t.Fatalf("%v\n%v\n%s", err, o, src)
	}
}

// TestExpressions compares random expressions in the four executions. The
// long run: go test ./internal/difftest -run TestExpressions -exprs 100000
func TestExpressions(t *testing.T) {
	r := rand.New(rand.NewSource(*seed))
	for i := 0; i < *exprs; i += perProgram {
		compareExpressions(t, randomBytes(r, 600), r, Privileged())
	}
	t.Logf("%d expressions, compared with the kernel: %v", *exprs, Privileged())
}

// FuzzExpressions lets the fuzzer steer the generator.
func FuzzExpressions(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("every byte is a choice of the generator"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4000 {
			return
		}
		compareExpressions(t, data, rand.New(rand.NewSource(1)), Privileged())
	})
}
