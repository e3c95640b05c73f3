package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoEmbed takes examples/go-embed somewhere else, generates its bindings
// anew, which are those that it came with, and runs its tests. Nothing is
// downloaded.
func TestGoEmbed(t *testing.T) {
	need(t, "go")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples/go-embed"))); err != nil {
		t.Fatal(err)
	}
	file := func(parts ...string) string {
		text, err := os.ReadFile(filepath.Join(parts...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	committed := file(dir, "counter_bpf.go")
	for name, text := range map[string]string{
		"go.mod": strings.Replace(file(dir, "go.mod"), "=> ../..", "=> "+root, 1),
		"go.sum": file(dir, "go.sum") + file(root, "go.sum"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// go tool does not add what the command has come to need since; go list does.
	for _, args := range [][]string{{"list", "-deps", "github.com/whistler-lang/whistler/cmd/whistler"}, {"generate", "."}, {"vet", "."}, {"test", "-count=1", "."}} {
		c := exec.Command("go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GONOSUMDB=*")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	if file(dir, "counter_bpf.go") != committed {
		t.Error("examples/go-embed/counter_bpf.go is not current: run go generate there")
	}
}
