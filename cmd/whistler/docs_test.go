package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
)

var update = flag.Bool("update", false, "write docs/reference.md")

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmePrograms compiles every program that README.md shows, and runs
// the tests in it, which are of examples/block-port.lisp.
func TestReadmePrograms(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```lisp\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d programs", len(blocks))
	}
	tested, err := os.ReadFile("../../examples/block-port.lisp")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if strings.HasPrefix(b[1], "(deftest") {
			file := filepath.Join(t.TempDir(), "block-port.lisp")
			if err := os.WriteFile(file, append(tested, b[1]...), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("whistler", "test", file).CombinedOutput(); err != nil { // testscript has put it into PATH
				t.Errorf("%v\n%s", err, out)
			}
			continue
		}
		_, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "README.md", Text: b[1]}},
			whistler.Options{Kernel: kernel.Machine{Dir: "../../examples/testdata/tracefs"}})
		if err != nil {
			t.Errorf("%v\nin\n%s", err, b[1])
		}
	}
}

// TestReadmeFiles looks for what README.md links to, and for examples that
// it forgets.
func TestReadmeFiles(t *testing.T) {
	text := readme(t)
	for _, m := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("README.md links to %s: %v", m[1], err)
		}
	}
	k, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../examples/*.lisp")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, f := range append(files, "acl/firewall.lisp") {
		if strings.HasSuffix(f, "-test.lisp") {
			continue
		}
		if !strings.Contains(text, "(examples/"+strings.TrimPrefix(f, "../../examples/")+")") {
			t.Errorf("README.md does not name %s", filepath.Base(f))
		}
	}
	for _, c := range commandNames(k) {
		if !regexp.MustCompile("`" + c + "[ `,]").MatchString(text) {
			t.Errorf("README.md does not name the command %s", c)
		}
	}
}

// TestReadmeOutput runs the commands whose output README.md shows and that
// need nothing, and wants what it shows.
func TestReadmeOutput(t *testing.T) {
	text := readme(t)
	for _, show := range []struct{ command, file string }{
		{"disasm", "../../examples/count-xdp.lisp"},
		{"needs", "../../examples/exec-log.lisp"},
		{"help", "incf"},
	} {
		var out bytes.Buffer
		a := &app{out: &out, err: os.Stderr}
		var err error
		switch show.command {
		case "disasm":
			err = (&disasmCmd{input{File: show.file, CPU: "v3"}}).Run(a)
		case "needs":
			err = (&needsCmd{input: input{File: show.file, CPU: "v3"}}).Run(a)
		case "help":
			err = (&helpCmd{Name: show.file}).Run(a)
		}
		if err != nil {
			t.Fatal(err)
		}
		head := "$ whistler " + show.command + " " + strings.TrimPrefix(show.file, "../../") + "\n"
		if !strings.Contains(text, head+out.String()) {
			t.Errorf("README.md does not show what this prints:\n%s%s", head, out.String())
		}
	}
}

// TestReference wants docs/reference.md to say what `whistler help` says;
// -update writes it.
func TestReference(t *testing.T) {
	const file = "../../docs/reference.md"
	want := reference()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/reference.md is not current: go test ./cmd/whistler -run TestReference -update")
	}
}
