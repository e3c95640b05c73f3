package load

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
)

// objects compiles the examples; those that need tracefs are left out where
// there is none.
func objects(t testing.TB) (all [][]byte) {
	t.Helper()
	files, err := filepath.Glob("../examples/*.lisp")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "-test.lisp") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{"", "6.3"} { // structs of operations differ
			o, err := whistler.Compile(context.Background(), []whistler.Source{{Name: filepath.Base(f), Text: string(text)}},
				whistler.Options{Kernel: kernel.Tracefs{}, Target: target})
			if err != nil {
				t.Logf("left out: %v", err)
				continue
			}
			if n := len(all); n == 0 || !bytes.Equal(all[n-1], o.Bytes()) {
				all = append(all, o.Bytes())
			}
		}
	}
	return all
}

// TestReadTruncated reads every beginning of an object: an error or, where
// only the tail of the symbols is missing, an object; never a panic.
func TestReadTruncated(t *testing.T) {
	for _, o := range objects(t)[:3] {
		for n := range o {
			if _, err := Read(o[:n]); err == nil {
				t.Errorf("%d of %d bytes are taken for an object", n, len(o))
			}
		}
	}
}

// TestReadDamaged changes bytes at random; what comes out does not matter as
// long as it is not a panic.
func TestReadDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, o := range objects(t) {
		for range 500 {
			bad := append([]byte(nil), o...)
			for range 1 + r.IntN(8) {
				bad[r.IntN(len(bad))] = byte(r.Uint32())
			}
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Errorf("panic: %v", p)
					}
				}()
				Read(bad)
			}()
		}
	}
}
