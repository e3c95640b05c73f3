package difftest

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun runs testdata/run/*.txt: a source, then steps. A step begins with
//
//	=== PROGRAM [packet in hex]
//
// and holds lines that the outcome must have.
func TestRun(t *testing.T) {
	files, err := filepath.Glob("../../testdata/run/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, steps, err := parseCase(string(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, cpu := range []int{2, 3, 4} {
				u, err := Compile("case.lisp", src, nil, cpu)
				if err != nil {
					t.Fatal(err)
				}
				if err := Compare(u, steps, Privileged()); err != nil {
					t.Errorf("cpu v%d: %v", cpu, err)
				}
			}
			if !Privileged() {
				t.Log("not compared with the kernel: needs root")
			}
		})
	}
}

func parseCase(text string) (src string, steps []Step, err error) {
	parts := strings.Split("\n"+text, "\n=== ")
	src = parts[0]
	for _, p := range parts[1:] {
		head, want, _ := strings.Cut(p, "\n")
		words := strings.Fields(head)
		s := Step{Program: strings.ReplaceAll(words[0], "-", "_"), Packet: make([]byte, 64), Want: want}
		if len(words) > 1 {
			if s.Packet, err = hex.DecodeString(strings.Join(words[1:], "")); err != nil {
				return "", nil, err
			}
		}
		steps = append(steps, s)
	}
	return src, steps, nil
}
