package matrix

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/hooks"
	"github.com/whistler-lang/whistler/internal/kernel"
)

var (
	which  = flag.String("kernels", "6.1,6.12", "series of kernels to boot, or all")
	update = flag.Bool("update", false, "write docs/kernels.md; with -kernels all")
)

// lacking names what a series cannot run although it is newer than the
// case's Since, and why.
var lacking = map[string]map[string]string{
	"ksym-percpu": {"5.10": "no variables in its BTF"},
}

// TestKernels boots each kernel and compares how far every program came with
// what its row says.
func TestKernels(t *testing.T) {
	missing := ""
	for _, p := range []string{"qemu-system-x86_64", "apt-get", "dpkg-deb", "xz"} {
		if _, err := exec.LookPath(p); err != nil {
			missing = "the program " + p
		}
	}
	if runtime.GOARCH != "amd64" {
		missing = "amd64"
	}
	if missing == "" {
		if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
			missing = "the kernel's BTF"
		}
	}
	switch {
	case missing != "" && os.Getenv("CI") == "true" && os.Getuid() == 0:
		t.Fatalf("this test needs %s", missing)
	case missing != "":
		t.Skipf("this test needs %s", missing)
	}
	objects, err := Objects()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	guest, err := Guest(dir)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = dir
	}
	cache = filepath.Join(cache, "whistler", "kernels")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	var table []column
	for i := range Kernels {
		k := &Kernels[i]
		required := strings.Contains(","+*which+",", ","+k.Series+",")
		if *which != "all" && !required {
			continue
		}
		t.Run(k.Series, func(t *testing.T) {
			im, err := k.Fetch(cache)
			if errors.Is(err, ErrAbsent) && !required {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			rs, err := Boot(k, im, guest, dir, objects)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d programs in %.1f s", im.Release, len(rs), time.Since(start).Seconds())
			judge(t, k.Series, rs)
			table = append(table, column{im.Release, k.Series, rs})
		})
	}
	if len(table) == 0 {
		t.Fatalf("-kernels %s names none of the matrix", *which)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile("../../docs/kernels.md", page(t, table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// judge compares results with the rows.
func judge(t *testing.T, series string, rs []Result) {
	got := map[string]Result{}
	for _, r := range rs {
		got[r.Case] = r
	}
	for i := range hooks.Cases {
		c := &hooks.Cases[i]
		r, ran := got[c.Name]
		why := ""
		if v := since(t, c); newer(v, series) {
			why = "not before " + v
		}
		if w := lacking[c.Name][series]; w != "" {
			why = w
		}
		switch {
		case crashes[c.Name][series] != "":
		case !ran:
			t.Errorf("%s did not run", c.Name)
		case why == "" && r.Stage != hooks.Works:
			t.Errorf("%s: %s: %s", c.Name, r.Stage, r.Error)
		case why != "" && r.Stage == hooks.Works:
			t.Errorf("%s works, against %q", c.Name, why)
		}
	}
}

// since is the first kernel that runs a case: the newest of what its programs
// need, unless the row says that it takes more. A kernel that runs the case
// all the same disproves the table of versions.
func since(t *testing.T, c *hooks.Case) string {
	o, err := whistler.Compile(context.Background(), []whistler.Source{{Name: c.Name + ".lisp", Text: c.Source()}}, whistler.Options{Kernel: kernel.Machine{}})
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	needed := ""
	for _, p := range o.Programs() {
		for _, n := range o.Needs(p.Name) {
			if newer(n.Version, needed) {
				needed = n.Version
			}
		}
	}
	switch {
	case c.Since == "":
		return needed
	case !newer(c.Since, needed):
		t.Errorf("%s: Since says what the table of versions knows: %s", c.Name, needed)
	}
	return c.Since
}

type column struct {
	release, series string
	results         []Result
}

// page is docs/kernels.md.
func page(t *testing.T, table []column) []byte {
	var b bytes.Buffer
	b.WriteString("# Hooks and kernels\n\nEach row is a small program (`internal/hooks/testdata`), compiled once; each column a kernel on which it was loaded,\n" +
		"attached, and saw a real event of its kind. This page is written by\n\n    go test ./internal/matrix -kernels all -update -timeout 60m\n\n| hook |")
	for _, k := range table {
		fmt.Fprintf(&b, " %s |", k.series)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(table)) + "\n")
	var rows []string
	for i := range hooks.Cases {
		c := &hooks.Cases[i]
		row := "| " + c.Hook + " |"
		for _, k := range table {
			cell := crashes[c.Name][k.series]
			for _, r := range k.results {
				if r.Case != c.Name {
					continue
				}
				cell = "yes"
				if r.Stage != hooks.Works {
					cell = lacking[c.Name][k.series]
					if cell == "" {
						cell = "from " + since(t, c)
					}
				}
			}
			row += " " + cell + " |"
		}
		rows = append(rows, row)
	}
	sort.Strings(rows)
	b.WriteString(strings.Join(rows, "\n") + "\n\nThe kernels:")
	for _, k := range table {
		fmt.Fprintf(&b, " %s;", k.release)
	}
	return append(bytes.TrimSuffix(b.Bytes(), []byte(";")), ".\n"...)
}

func TestCpio(t *testing.T) {
	if _, err := exec.LookPath("cpio"); err != nil {
		t.Skip("this test needs the program cpio")
	}
	c := exec.Command("cpio", "-it", "--quiet")
	c.Stdin = bytes.NewReader(cpio([]file{{"dev", modeDir, nil}, {"a", modeFile, []byte("12345")}, {"b", modeExec, []byte("x")}}))
	out, err := c.Output()
	if err != nil || string(out) != "dev\na\nb\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestParse(t *testing.T) {
	rs, err := parse([]byte("boot\n" + Mark + `{"Case":"a","Stage":"works"}` + "\r\nnoise\n[1.0] " + Mark + `{"Case":"b","Stage":"load","Error":"no"}` + "\n" + Mark + Done + "\r\n"))
	if err != nil || len(rs) != 2 || rs[0].Stage != hooks.Works || rs[1].Error != "no" {
		t.Errorf("%v, %v", rs, err)
	}
	if _, err := parse([]byte(Mark + `{"Case":"a"}` + "\n")); err == nil {
		t.Error("a console without an end is taken")
	}
}

func TestNewer(t *testing.T) {
	order := []string{"5.10", "5.10.0-9", "5.10.0-10", "6.1", "6.12.1", "6.12.12", "7.0"}
	for i := range order {
		for j := range order {
			if newer(order[i], order[j]) != (i > j) {
				t.Errorf("newer(%s, %s) = %v", order[i], order[j], newer(order[i], order[j]))
			}
		}
	}
}
