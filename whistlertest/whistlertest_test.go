package whistlertest

import (
	"os"
	"testing"
	"testing/fstest"
)

// TestExamples runs the tests of the examples that need no kernel's types.
func TestExamples(t *testing.T) {
	fsys := fstest.MapFS{}
	for _, name := range []string{"block-port", "classify-tc", "connections"} {
		for _, ext := range []string{".lisp", "-test.lisp"} {
			text, err := os.ReadFile("../examples/" + name + ext)
			if err != nil {
				t.Fatal(err)
			}
			fsys["filters/"+name+ext] = &fstest.MapFile{Data: text}
		}
	}
	Run(t, fsys)
}
