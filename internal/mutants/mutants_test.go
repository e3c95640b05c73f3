package mutants

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	which  = flag.String("mutants", "", "all, or what the names of those to try begin with; else a few")
	from   = flag.String("suite", "", "try this suite in the place of each mutant's own")
	update = flag.Bool("update", false, "where a mutant's suite does not catch it, write into the table which one does")
)

// A suite is some of the tests of a package.
type suite struct {
	name, pkg string
	args      []string
}

// suites are in the order of what they cost.
var suites = []suite{
	{"machine", "internal/machine", nil},
	{"opt", "internal/opt", nil},
	{"regalloc", "internal/regalloc", []string{"-test.run=TestRandom"}},
	{"facts", "internal/ir/facts", nil},
	{"lisp", "internal/lisp", []string{"-test.run=^(TestImage|TestFree)"}},
	{"walk", "internal/difftest", []string{"-test.run=^TestShortcuts$"}},
	{"run", "internal/difftest", []string{"-test.run=^(TestRun|TestOriginal)$"}},
	{"random", "internal/difftest", []string{"-test.run=^(TestExpressions|TestPrograms)$", "-rapid.shrinktime=0s"}},
}

// limit is how long a suite may take to notice.
const limit = time.Minute

const (
	root  = "../.."
	table = "testdata/mutants.txt"
)

// A mutant is a piece of a file and what it is replaced by.
type mutant struct {
	name, what string
	file       string
	suite      string // the one that catches it
	old, new   string
}

// parse reads the table: comments at its head, then mutants, parted by empty
// lines:
//
//	NAME: what goes wrong
//	FILE SUITE
//	-the old text, which the file has once; lines or a part of one
//	+the new text
func parse(text string) (head string, ms []*mutant, err error) {
	head, rest, _ := strings.Cut(text, "\n\n")
	for _, part := range strings.Split(strings.TrimSpace(rest), "\n\n") {
		lines := strings.Split(part, "\n")
		m := &mutant{}
		var ok1, ok2 bool
		m.name, m.what, ok1 = strings.Cut(lines[0], ": ")
		if len(lines) > 3 {
			m.file, m.suite, ok2 = strings.Cut(lines[1], " ")
		}
		if !ok1 || !ok2 {
			return head, ms, fmt.Errorf("no mutant:\n%s", part)
		}
		var old, new []string
		for _, l := range lines[2:] {
			switch l[0] {
			case '-':
				old = append(old, l[1:])
			case '+':
				new = append(new, l[1:])
			default:
				return head, ms, fmt.Errorf("%s: a line that neither goes nor comes: %s", m.name, l)
			}
		}
		m.old, m.new = strings.Join(old, "\n"), strings.Join(new, "\n")
		ms = append(ms, m)
	}
	return head, ms, nil
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s: %s\n%s %s\n-%s\n+%s", m.name, m.what, m.file, m.suite,
		strings.ReplaceAll(m.old, "\n", "\n-"), strings.ReplaceAll(m.new, "\n", "\n+"))
}

// apply is m's file with the damage.
func (m *mutant) apply() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("%s: the old text stands %d times in %s:\n%v", m.name, n, m.file, m)
	}
	return bytes.Replace(text, []byte(m.old), []byte(m.new), 1), nil
}

// TestMutants demands that every mutant's suite fails within a minute. All:
// go test ./internal/mutants -mutants all -timeout 60m
func TestMutants(t *testing.T) {
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	head, all, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if _, err := m.apply(); err != nil {
			t.Error(err)
		}
		if !slices.ContainsFunc(suites, func(s suite) bool { return s.name == m.suite }) {
			t.Errorf("%s: there is no suite %s", m.name, m.suite)
		}
		if slices.ContainsFunc(all[:i], func(n *mutant) bool { return n.name == m.name }) {
			t.Errorf("two mutants %s", m.name)
		}
	}
	if t.Failed() {
		return
	}
	if testing.Short() {
		t.Skip("-short: the compiler is built anew for each mutant")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command to build the damaged compilers")
	}
	depend(t)
	tried := 0
	seen := map[string]bool{}
	for _, m := range all {
		few := !seen[m.suite] && m.suite != "random" && m.suite != "run"
		seen[m.suite] = true
		if *which == "" && !few || *which != "all" && !strings.HasPrefix(m.name, *which) {
			continue
		}
		tried++
		t.Run(m.name, func(t *testing.T) { m.try(t) })
	}
	if *which == "" {
		t.Logf("%d of %d mutants, the first of each suite that is fast; -mutants all takes them all", tried, len(all))
	}
	if *update {
		out := head
		for _, m := range all {
			out += "\n\n" + m.String()
		}
		if err := os.WriteFile(table, []byte(out+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// try runs m's suite, and with -update the others until one fails.
func (m *mutant) try(t *testing.T) {
	var try []suite
	for _, s := range suites {
		switch {
		case s.name == cmp.Or(*from, m.suite):
			try = append([]suite{s}, try...)
		case *update:
			try = append(try, s)
		}
	}
	for _, s := range try {
		start := time.Now()
		said, caught := m.run(t, s)
		if caught {
			t.Logf("caught by %s after %.1fs: %s", s.name, time.Since(start).Seconds(), said)
			if *update {
				m.suite = s.name
			}
			return
		}
	}
	t.Errorf("survives\n%v", m)
}

// run builds a suite with the damage and reports whether it fails.
func (m *mutant) run(t *testing.T, s suite) (said string, failed bool) {
	dir := t.TempDir()
	text, err := m.apply()
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	by := filepath.Join(dir, filepath.Base(m.file))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: by}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{by: text, filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	exe := filepath.Join(dir, "user.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", exe, "./"+s.pkg)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s does not build: %v\n%s", m.name, err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	run := exec.CommandContext(ctx, exe, append([]string{"-test.failfast"}, s.args...)...)
	run.Dir = filepath.Join(root, s.pkg)
	run.Env = append(os.Environ(), "WHISTLER_KERNEL=no") // what is wrong stays out of it
	out, err := run.CombinedOutput()
	if ctx.Err() != nil {
		return "", false // too late
	}
	return firstFailure(string(out)), err != nil
}

// firstFailure is the line behind the first that names a failing test.
func firstFailure(out string) string {
	lines := strings.Split(out, "\n")
	for i, l := range lines {
		if strings.Contains(l, "--- FAIL: ") && i+1 < len(lines) {
			say := strings.TrimSpace(l)
			if next := strings.TrimSpace(lines[i+1]); next != "" {
				say += ": " + next
			}
			return say[:min(len(say), 200)]
		}
	}
	return strings.TrimSpace(out[:min(len(out), 200)])
}

// depend looks at all that the suites are made of, so that the cache of go
// test forgets this test's result when something changes.
func depend(t *testing.T) {
	for _, dir := range []string{"internal", "testdata", "load"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
