package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/load"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"whistler": main})
}

// TestScript runs testdata/script: the command as users type it. The
// condition [root] holds where programs can be loaded.
func TestScript(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	public := publicCopy(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			blob, err := os.ReadFile("../../testdata/kernel/kernel.btf")
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(e.WorkDir, "small.btf"), blob, 0o644); err != nil {
				return err
			}
			e.Setenv("EXAMPLES", examples)
			e.Setenv("NO_COLOR", "1")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if section, ok := strings.CutPrefix(cond, "loads:"); ok {
				return loads(section)
			}
			return cond == "root" && os.Getuid() == 0, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"nobody": func(ts *testscript.TestScript, neg bool, args []string) { nobody(ts, neg, public, args) },
			"cut":    cut,
		},
		RequireUniqueNames: true,
	})
}

// loads reports whether this kernel loads programs of a section: builds that
// are hardened refuse some.
func loads(section string) (bool, error) {
	text := fmt.Sprintf("(defprog p (:section %q) 0)", section)
	o, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: text}}, whistler.Options{})
	if err != nil {
		return false, err
	}
	c, err := load.Open(o.Bytes())
	if err != nil {
		return false, nil
	}
	return true, c.Close()
}

// publicCopy copies this program to where every user can run it. It does so
// before any other process is started: one that is forked meanwhile would
// hold the copy open for writing.
func publicCopy(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "whistler")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "whistler")
	if err := os.WriteFile(bin, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return bin
}

// exits CODE ARGS... runs whistler and wants the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	err := ts.Exec("whistler", args[1:]...)
	code := "0"
	if ee, ok := err.(*exec.ExitError); ok {
		code = ee.ProcessState.String()[len("exit status "):]
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// nobody ARGS... runs whistler as the user nobody, which must fail with 1, or
// with ! must work; what it says goes to the file nobody.err.
func nobody(ts *testscript.TestScript, neg bool, bin string, args []string) {
	dir := filepath.Dir(bin)
	for i, a := range args {
		if strings.HasSuffix(a, ".lisp") {
			text, err := os.ReadFile(ts.MkAbs(a))
			ts.Check(err)
			args[i] = filepath.Join(dir, filepath.Base(a))
			ts.Check(os.WriteFile(args[i], text, 0o644))
		}
		if tree, ok := strings.CutSuffix(a, "/..."); ok { // where it lies nobody may be allowed to look
			to := filepath.Join(dir, filepath.Base(tree))
			ts.Check(os.RemoveAll(to))
			ts.Check(os.CopyFS(to, os.DirFS(tree)))
			args[i] = to + "/..."
		}
	}
	c := exec.Command(bin, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "NO_COLOR=1")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := c.CombinedOutput()
	ts.Check(os.WriteFile(ts.MkAbs("nobody.err"), out, 0o644))
	want := 1
	if neg {
		want = 0
	}
	if code := c.ProcessState.ExitCode(); code != want {
		ts.Fatalf("exit code %d, want %d: %v\n%s", code, want, err, out)
	}
}

// cut FILE N OUT writes the first N percent of a file.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	data := ts.ReadFile(args[0])
	percent := 0
	for _, c := range args[1] {
		percent = percent*10 + int(c-'0')
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(data[:len(data)*percent/100]), 0o644))
}
