package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/kernel"
)

// source writes a source file.
func source(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "source.lisp")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A shell waits for lines and answers each.
type shell struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out io.Reader
}

func newShell(t *testing.T) *shell {
	t.Helper()
	need(t, "sh")
	s := &shell{t: t, cmd: exec.Command("sh", "-c", "while read x; do export A=$x; echo done; done")}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if s.out, err = s.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.in.(io.Closer).Close()
		s.cmd.Wait()
	})
	return s
}

func (s *shell) line() {
	s.t.Helper()
	if _, err := io.WriteString(s.in, "whistler\n"); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.ReadFull(s.out, make([]byte, len("done\n"))); err != nil {
		s.t.Fatal(err)
	}
}

// TestLibraryProbe counts calls of a function of the C library, found where
// the dynamic linker finds it: of all processes, and of one.
func TestLibraryProbe(t *testing.T) {
	one, other := newShell(t), newShell(t)
	file := source(t, `(defmap calls :type :hash :key u64 :value u64 :max-entries 4096)
(defprog enter (:section "uprobe/libc.so.6:write")
  (incf (getmap calls (>> (get-current-pid-tgid) 32)))
  0)
(defprog many (:section "uprobe.multi/libc.so.6:writ*")
  (incf (getmap calls (>> (get-current-pid-tgid) 32)))
  0)
(defmap back :type :hash :key u64 :value u64 :max-entries 4096)
(defprog leave (:section "uretprobe/libc.so.6:write")
  (incf (getmap back (pt-regs-ret)))
  0)`)
	for _, c := range []struct {
		name  string
		args  []string
		other int64
	}{{"all", nil, 2}, {"pid", []string{"--pid", strconv.Itoa(one.cmd.Process.Pid)}, -1}} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, nil, append([]string{"run", file, "--json"}, c.args...)...)
			one.line()
			one.line()
			other.line()
			all := rows(t, p.interrupt())
			if n := value(t, all, "calls", int64(one.cmd.Process.Pid)); n != 4 {
				t.Errorf("%d calls of one process, want 2 seen by 2 programs", n)
			}
			if n := value(t, all, "calls", int64(other.cmd.Process.Pid)); n != c.other {
				t.Errorf("%d calls of the other, want %d", n, c.other)
			}
			if n := value(t, all, "back", 5); n < 2 {
				t.Errorf("write gave 5 %d times", n)
			}
		})
	}
}

// TestProcessClock samples one process that does nothing else but run.
func TestProcessClock(t *testing.T) {
	need(t, "sh")
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		busy.Process.Kill()
		busy.Wait()
	}()
	file := source(t, `(defmap samples :type :hash :key u64 :value u64 :max-entries 4096)
(defprog tick (:type :perf-event)
  (incf (getmap samples (>> (get-current-pid-tgid) 32)))
  0)`)
	p := start(t, nil, "run", file, "--json", "--freq", "1000", "--interval", "10ms", "--pid", strconv.Itoa(busy.Process.Pid))
	p.until("samples", func(l string) bool { return strings.Contains(l, fmt.Sprintf(`"key":%d,`, busy.Process.Pid)) })
	all := rows(t, p.interrupt())
	for _, r := range all {
		if r.Final && fmt.Sprint(r.Key) != strconv.Itoa(busy.Process.Pid) {
			t.Errorf("a sample of another process: %v", r)
		}
	}
}

// TestLinks lists programs of many kinds with what they are attached to, and
// takes them off.
func TestLinks(t *testing.T) {
	need(t)
	root := kernel.Cgroup2()
	if root == "" {
		lack(t, "cgroup2")
	}
	dir := filepath.Join(root, fmt.Sprintf("wh-links-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	file := source(t, `(defprog wl-connect (:section "cgroup/connect4") 1)
(defprog wl-ops (:section "sockops") 1)
(defprog wl-egress (:section "tcx/egress") TC_ACT_OK)
(defprog wl-xdp (:section "xdp") XDP_PASS)
(defprog wl-lookup (:section "sk_lookup") SK_PASS)
(defprog wl-filter (:section "netfilter") NF_ACCEPT)
(defprog wl-probe (:section "uprobe/libc.so.6:malloc") 0)
(defprog wl-many (:section "uprobe.multi/libc.so.6:mallo*") 0)
(defprog wl-clock (:section "perf_event") 0)
(defprog wl-switch (:section "tp/sched/sched_switch") 0)
(defprog wl-tasks (:section "iter/task") 0)
(defprog wl-socket (:section "socket") 0)`)
	p := start(t, nil, "run", file, "--iface", "lo", "--cgroup", dir, "--nf-hook", "ipv4/forward/7")
	list := func() map[string]map[string]any {
		found := map[string]map[string]any{}
		for _, l := range strings.FieldsFunc(command(t, whistlerBin, "ps", "--json"), func(r rune) bool { return r == '\n' }) {
			var row map[string]any
			if err := json.Unmarshal([]byte(l), &row); err != nil {
				t.Fatal(err)
			}
			found[row["name"].(string)] = row
		}
		return found
	}
	found := list()
	for name, want := range map[string]string{
		"wl_connect": "cgroup ", "wl_ops": "cgroup ", "wl_egress": "tcx lo", "wl_xdp": "xdp lo", "wl_lookup": "netns ",
		"wl_filter": "netfilter ipv4/forward/7", "wl_probe": "libc.so.6", "wl_many": "uprobe.multi ", "wl_clock": "perf_event sampled",
		"wl_switch": "perf_event sched_switch", "wl_tasks": "iter",
	} {
		if got, _ := found[name]["attached"].(string); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if row := found["wl_socket"]; row == nil || row["link"] != nil {
		t.Errorf("the socket filter: %v", row)
	}
	for name, may := range map[string]bool{"wl_connect": true, "wl_egress": true, "wl_xdp": true, "wl_lookup": true, "wl_filter": true, "wl_probe": false, "wl_tasks": false} {
		number, _ := found[name]["link"].(float64)
		out, err := exec.Command(whistlerBin, "detach", fmt.Sprint(number)).CombinedOutput()
		if may != (err == nil) || !may && !strings.Contains(string(out), "end with the process") {
			t.Errorf("detaching %s: %v\n%s", name, err, out)
		}
	}
	p.interrupt()
	eventually(t, "the kernel forgets the programs", func() bool {
		for name := range list() {
			if strings.HasPrefix(name, "wl_") {
				return false
			}
		}
		return true
	})
}
