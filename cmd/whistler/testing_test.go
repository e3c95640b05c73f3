package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTestingGuide runs the examples of docs/testing.md: a source, and behind
// it what `whistler test` says, without times.
func TestTestingGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```lisp\n(.*?)```\n\n```text([^\n]*)\n(.*?)```")
	all := block.FindAllStringSubmatch(string(text), -1)
	if len(all) != strings.Count(string(text), "```lisp") {
		t.Errorf("%d sources are followed by output", len(all))
	}
	times := regexp.MustCompile(`  [0-9.]+m?s\n`)
	for _, m := range all {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "guide.lisp"), []byte(m[1]), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("whistler", append([]string{"test", "guide.lisp"}, strings.Fields(m[2])...)...) // testscript has put it into PATH
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		if got := times.ReplaceAllString(string(out), "\n"); got != m[3] {
			t.Errorf("got\n%s\nwant\n%s", got, m[3])
		}
	}
}
