package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// started runs `whistler run` in the background and waits for a line that has
// a text in it. It gives the lines behind that, and what ends the process by
// a signal and gives the exit code.
func started(t *testing.T, until string, args ...string) (lines <-chan string, end func(s os.Signal) int) {
	t.Helper()
	c := exec.Command(whistlerBin, append([]string{"run"}, args...)...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	all := make(chan string, 1<<16)
	ready := make(chan bool)
	go func() {
		defer close(all)
		said := false
		for s := bufio.NewScanner(out); s.Scan(); {
			if !said && strings.Contains(s.Text(), until) {
				said = true
				close(ready)
				continue
			}
			all <- s.Text()
		}
	}()
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		c.Process.Kill()
		for l := range all {
			t.Log(l)
		}
		t.Fatalf("no line with %q", until)
	}
	return all, func(s os.Signal) int {
		c.Process.Signal(s)
		c.Wait()
		return c.ProcessState.ExitCode()
	}
}

// links counts the programs of this name that are loaded.
func loadedPrograms(t *testing.T, name string) int {
	t.Helper()
	return strings.Count(command(t, whistlerBin, "ps"), " "+name+" ")
}

// TestSessionForks traces a fork, parent and child, and ends by either signal
// with nothing left.
func TestSessionForks(t *testing.T) {
	need(t)
	needTracefs(t)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		lines, end := started(t, "COMMAND", example("forks"), "sh")
		if n := loadedPrograms(t, "on_fork"); n != 1 {
			t.Errorf("%d programs on_fork are loaded", n)
		}
		sh := exec.Command("sh", "-c", "(true); exit 0")
		if err := sh.Run(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("sh %16d ", sh.Process.Pid)
		deadline := time.After(20 * time.Second)
		for found := false; !found; {
			select {
			case l := <-lines:
				found = strings.HasPrefix(strings.Join(strings.Fields(l), " "), strings.Join(strings.Fields(want), " "))
			case <-deadline:
				t.Fatalf("no fork by %s", want)
			}
		}
		if code := end(sig); code != 0 {
			t.Errorf("%v: exit code %d", sig, code)
		}
		last := ""
		for l := range lines {
			last = l
		}
		if !strings.Contains(last, "fork") { // the cleanup form ran
			t.Errorf("%v: the last line is %q", sig, last)
		}
		if n := loadedPrograms(t, "on_fork"); n != 0 {
			t.Errorf("%v: %d programs on_fork are left", sig, n)
		}
	}
}

// TestSessionMallocs counts calls of malloc by a uprobe.
func TestSessionMallocs(t *testing.T) {
	need(t, "sh")
	libc, _ := filepath.Glob("/lib/*-linux-gnu/libc.so.6")
	if len(libc) == 0 {
		lack(t, "a libc at /lib/*-linux-gnu")
	}
	lines, end := started(t, "counting", example("mallocs"), libc[0])
	sh := exec.Command("sh", "-c", "ls / >/dev/null; exit 0")
	if err := sh.Run(); err != nil {
		t.Fatal(err)
	}
	if code := end(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d", code)
	}
	var all []string
	for l := range lines {
		all = append(all, l)
	}
	text := strings.Join(all, "\n")
	if !strings.Contains(text, "PID") || !strings.Contains(text, "|**") || !strings.Contains(text, "bytes") {
		t.Errorf("no table and histogram:\n%s", text)
	}
	if n := loadedPrograms(t, "on_malloc"); n != 0 {
		t.Errorf("%d programs on_malloc are left", n)
	}
}

// TestSessionErrors: what goes wrong in a session is said at its form, exit
// codes are kept, and nothing stays loaded.
func TestSessionErrors(t *testing.T) {
	need(t)
	dir := t.TempDir()
	const decls = `(bpf:map m :type :hash :key u32 :value u32 :max-entries 1)
  (bpf:prog sessprog (:type :xdp) (incf (getmap m 0)) XDP_PASS)
  `
	for body, want := range map[string]string{
		`(bpf:attach sessprog "nosuch0")`:                "s.lisp:3:3: error: attaching `sessprog` to interface nosuch0: there is no interface \"nosuch0\"",
		`(setf (bpf:map-ref m 1) 1 (bpf:map-ref m 2) 1)`: "error: `(setf bpf:map-ref)`: the key 2 of m cannot be set",
		`(exit 7)`: "exit 7",
		`(unwind-protect (exit 3) (format t "cleaned~%"))`: "cleaned\nexit 3",
		`(map-update m 1 9) (do-map ((k v) m) (print (list k v))) (format t "~a ~a" (map-get-next-key m) (map-get-next-key m 1)) (exit 4)`: "\n(1 9) 1 NIL",
		`0) (defun main (n) (with-bpf-session () (format t "n=~d ~a~%" n (getmap m 0)) (exit n))) (main 6`:                                 "n=6 NIL\nexit 6",
		`(bpf:attach sessprog :iface)`:                          ":iface has no value",
		`(print-histogram '((3 5) (4 10)) :unit "us") (exit 1)`: ": 5      |********************                    |",
		`(loop)`: "",
	} {
		file := filepath.Join(dir, "s.lisp")
		if err := os.WriteFile(file, []byte("(with-bpf-session ()\n  "+strings.ReplaceAll(decls, "\n  ", " ")+"\n  "+body+")"), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"run", file}
		if want == "" {
			args = append(args, "-d", "300ms")
		}
		out, err := exec.Command(whistlerBin, args...).CombinedOutput()
		if code, ok := strings.CutPrefix(want, "exit "); ok {
			want = ""
			if err == nil || !strings.Contains(err.Error(), "exit status "+code) {
				t.Errorf("%s: %v", body, err)
			}
		}
		if i := strings.Index(want, "\nexit "); i >= 0 {
			if err == nil || !strings.Contains(err.Error(), "exit status "+want[i+6:]) {
				t.Errorf("%s: %v", body, err)
			}
			want = want[:i]
		}
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: %q is not in\n%s", body, want, out)
		}
	}
	if n := loadedPrograms(t, "sessprog"); n != 0 {
		t.Errorf("%d programs are left", n)
	}
}

// TestLosses floods a ring buffer of one page: what was delivered and what is
// said to be lost is what was produced, exactly; and so for a map that is
// full.
func TestLosses(t *testing.T) {
	need(t)
	needTracefs(t)
	file := filepath.Join(t.TempDir(), "flood.lisp")
	if err := os.WriteFile(file, []byte(`(defstruct ev (n u64))
(defmap rb :type :ringbuf :max-entries 4096 :event ev)
(defmap made :type :percpu-array :key u32 :value u64 :max-entries 1)
(defmap full :type :hash :key u64 :value u64 :max-entries 4)
(defprog p (:type :tracepoint :section "tracepoint/raw_syscalls/sys_enter" :license "GPL")
  (incf (getmap made 0))
  (setf (getmap full (ktime-get-ns)) 1)
  (with-ringbuf (e rb (sizeof ev)) (setf (ev-n e) (ktime-get-ns)))
  0)`), 0o644); err != nil {
		t.Fatal(err)
	}
	out := command(t, whistlerBin, "run", "--json", "-d", "1s", file)
	var events, made, lostEvents, lostEntries, entries uint64
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var l struct {
			Map   string
			Event any
			Value uint64
			Lost  uint64
			Final bool
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case l.Event != nil:
			events++
		case l.Map == "rb":
			lostEvents = l.Lost
		case l.Map == "full" && l.Lost > 0:
			lostEntries = l.Lost
		case l.Map == "full":
			entries++
		case l.Map == "made":
			made = l.Value
		}
	}
	if made == 0 || events+lostEvents != made || entries+lostEntries != made {
		t.Errorf("made %d: %d events and %d lost; %d entries and %d lost", made, events, lostEvents, entries, lostEntries)
	}
	if lostEvents == 0 {
		t.Logf("nothing was lost of %d events", made)
	}
}

// TestSessionSignals handles a signal while it works by the clock, and ends
// with the terminal.
func TestSessionSignals(t *testing.T) {
	need(t)
	file := filepath.Join(t.TempDir(), "s.lisp")
	if err := os.WriteFile(file, []byte(`(with-bpf-session ()
  (bpf:map m :type :hash :key u32 :value u32 :max-entries 1)
  (bpf:prog signalled (:type :xdp) (incf (getmap m 0)) XDP_PASS)
  (let ((n 0))
    (every 0.01 (lambda () (incf n)) 3)
    (format t "ready ~d~%" n)
    (on-signal :usr1 (lambda () (format t "signal~%") (incf n)))
    (every 0.05 (lambda () (when (= n 5) (exit 5))))))`), 0o644); err != nil {
		t.Fatal(err)
	}
	lines, end := started(t, "ready 3", file)
	pid := strings.TrimSpace(command(t, "pgrep", "-f", "run "+file))
	for range 2 {
		command(t, "kill", "-USR1", pid)
		if l := <-lines; l != "signal" {
			t.Errorf("%q", l)
		}
	}
	if code := end(syscall.Signal(0)); code != 5 {
		t.Errorf("exit code %d", code)
	}
	_, end = started(t, "ready 3", file)
	if code := end(syscall.SIGHUP); code != 0 {
		t.Errorf("SIGHUP: exit code %d", code)
	}
}

// TestMapOption gives an object a map that is pinned.
func TestMapOption(t *testing.T) {
	need(t, "bpftool")
	needBPFFS(t)
	path := fmt.Sprintf("/sys/fs/bpf/whistler-e2e-map-%d", os.Getpid())
	command(t, "bpftool", "map", "create", path, "type", "hash", "key", "4", "value", "8", "entries", "8", "name", "m")
	defer os.Remove(path)
	command(t, "bpftool", "map", "update", "pinned", path, "key", "7", "0", "0", "0", "value", "9", "0", "0", "0", "0", "0", "0", "0")
	file := filepath.Join(t.TempDir(), "m.lisp")
	if err := os.WriteFile(file, []byte("(defmap m :type :hash :key u32 :value u64 :max-entries 8)\n(defprog p (:type :xdp) (incf (getmap m 1)) XDP_PASS)"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := command(t, whistlerBin, "run", "-d", "50ms", "--iface", "lo", "--map", "m="+path, file)
	if !strings.Contains(out, "7    9") {
		t.Errorf("the pinned entry is not shown:\n%s", out)
	}
	for value, want := range map[string]string{"m=" + path + "-none": "no such file", "x=" + path: "none of that name", "m=": "want NAME=PATH"} {
		if out, err := exec.Command(whistlerBin, "run", "-d", "50ms", "--iface", "lo", "--map", value, file).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("--map %s: %v\n%s", value, err, out)
		}
	}
}
