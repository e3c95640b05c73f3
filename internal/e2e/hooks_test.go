package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/whistler-lang/whistler/internal/kernel"
	"golang.org/x/sys/unix"
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

// hookSource is the program of a row of internal/hooks.
func hookSource(name string) string { return filepath.Join("..", "hooks", "testdata", name+".lisp") }

// TestWays attaches to what the command's options name, and counts exactly
// known packets.
func TestWays(t *testing.T) {
	need(t, "ip")
	const n = 7
	arrive := func(t *testing.T, here, peer *netspace) { peer.datagrams(t, here, 9, n, 60) }
	// A veth sends what is redirected only where the other end has a program, too.
	back := func(t *testing.T, here, peer *netspace) {
		start(t, peer, "run", example("count-xdp"), "--json", "--iface", peer.iface, "--xdp-mode", "driver")
		arrive(t, here, peer)
	}
	tunnel := func(t *testing.T, here, peer *netspace) {
		err := here.do(func() error { return sendUDP(&net.UDPAddr{IP: net.ParseIP("10.9.0.1"), Port: 9}, n, 60) })
		if err != nil {
			t.Fatal(err)
		}
	}
	lookup := func(t *testing.T, here, peer *netspace) { here.listen(7000); connect(t, here, peer, n) }
	for _, c := range []struct {
		name, source, attached string
		inside                 bool // the command runs in the namespace, not only its programs
		args                   []string
		event                  func(t *testing.T, here, peer *netspace)
	}{
		{"netfilter", hookSource("netfilter"), "netfilter ipv4/input/5", true, []string{"--nf-hook", "ipv4/input/5"}, arrive},
		{"socket-filter", source(t, `(defmap seen :type :array :key u32 :value u64 :max-entries 1)
(defprog see (:type :socket-filter) (when (= (ctx pkt-type) PACKET_HOST) (incf (getmap seen 0))) 0)`), "a packet socket at vetha", true, []string{"--iface", "vetha"}, arrive},
		{"devmap", hookSource("xdp-devmap"), "the devmap out (to vetha)", true, []string{"--iface", "vetha", "--xdp-mode", "driver", "--redirect", "vetha", "--map", "out"}, back},
		{"cpumap", hookSource("xdp-cpumap"), "the cpumap cpus", true, []string{"--iface", "vetha", "--xdp-mode", "driver"}, arrive},
		{"lwt", hookSource("lwt-out"), "route 10.9.0.0/16 dev vetha (lwt_out)", true, []string{"--iface", "vetha", "--route", "10.9.0.0/16"}, tunnel},
		{"sk-lookup", source(t, `(defmap seen :type :array :key u32 :value u64 :max-entries 1)
(defprog see (:type :sk-lookup) (incf (getmap seen 0)) SK_PASS)`), "network namespace ", false, []string{"--netns"}, lookup},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, peer := newPair(t)
			where, args := here, append([]string{"run", c.source, "--json"}, c.args...)
			if !c.inside {
				where, args = nil, append(args, here.name)
			}
			p := start(t, where, args...)
			line := p.until("what it is attached to", func(l string) bool { return strings.Contains(l, c.attached) })
			if c.name == "lwt" && !strings.Contains(here.run("ip", "route"), "encap bpf") {
				t.Errorf("%s: no such route:\n%s", line, here.run("ip", "route"))
			}
			c.event(t, here, peer)
			if got := value(t, rows(t, p.interrupt()), "seen", 0); got != n {
				t.Errorf("%d seen, want %d", got, n)
			}
			if out := here.run("ip", "route"); strings.Contains(out, "bpf") {
				t.Errorf("a route is left:\n%s", out)
			}
		})
	}
}

// connect opens n connections.
func connect(t *testing.T, to, from *netspace, n int) {
	t.Helper()
	for range n {
		if err := from.talk(to, 7000); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeignSocket puts programs onto sockets of another process: this one.
func TestForeignSocket(t *testing.T) {
	need(t)
	var lc net.ListenConfig
	lc.Control = func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(cerr, err)
	}
	l, err := lc.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	if err := raw.Control(func(fd uintptr) { number = int(fd) }); err != nil {
		t.Fatal(err)
	}
	socket := fmt.Sprintf("%d:%d", os.Getpid(), number)
	for _, c := range []struct{ name, source string }{
		{"reuseport", `(defmap seen :type :array :key u32 :value u64 :max-entries 1)
(defprog see (:type :sk-reuseport) (incf (getmap seen 0)) SK_PASS)`},
		{"filter", `(defmap seen :type :array :key u32 :value u64 :max-entries 1)
(defprog see (:type :socket-filter) (incf (getmap seen 0)) 10000)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, nil, "run", source(t, c.source), "--json", "--socket", socket)
			const n = 5
			if err := sendUDP(l.LocalAddr().(*net.UDPAddr), n, 60); err != nil {
				t.Fatal(err)
			}
			for range n {
				if _, _, err := l.ReadFrom(make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
			}
			if got := value(t, rows(t, p.interrupt()), "seen", 0); got != n {
				t.Errorf("%d seen, want %d", got, n)
			}
			// Nothing stays on the socket.
			if err := sendUDP(l.LocalAddr().(*net.UDPAddr), 1, 60); err != nil {
				t.Fatal(err)
			}
			if _, _, err := l.ReadFrom(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestIteratorText prints what an iterator of another compiler's writes.
func TestIteratorText(t *testing.T) {
	need(t, "clang-19")
	dir := t.TempDir()
	text := `struct bpf_iter_meta { void *seq; } __attribute__((preserve_access_index));
struct bpf_iter__bpf_map { struct bpf_iter_meta *meta; void *map; } __attribute__((preserve_access_index));
static long (*seq_write)(void *m, const void *data, unsigned len) = (void *)127;
__attribute__((section("iter/bpf_map"), used)) int list(struct bpf_iter__bpf_map *ctx) {
	if (!ctx->map) seq_write(ctx->meta->seq, "the end\nof all", 14);
	return 0;
}
char terms[] __attribute__((section("license"), used)) = "GPL";
`
	file, object := filepath.Join(dir, "list.c"), filepath.Join(dir, "list.o")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, "clang-19", "-target", "bpf", "-g", "-O2", "-c", file, "-o", object)
	if out := command(t, whistlerBin, "run", object); out != "the end\nof all" {
		t.Errorf("it prints %q", out)
	}
	if out := command(t, whistlerBin, "run", object, "--json"); !strings.Contains(out, `{"iterator":"list","text":"the end"}`) || !strings.Contains(out, `"text":"of all"`) {
		t.Errorf("it prints %q", out)
	}
}
