package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/whistler-lang/whistler/internal/kernel"
)

// oddlyNamed copies the program true under a name that nothing else has.
func oddlyNamed(t *testing.T) (path, name string) {
	t.Helper()
	need(t, "true")
	src, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(src)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "wh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // for another user
		t.Fatal(err)
	}
	name = fmt.Sprintf("wh%d", os.Getpid())
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path, name
}

// TestExecLog sees a real execution, as text and as JSON.
func TestExecLog(t *testing.T) {
	needTracefs(t)
	path, name := oddlyNamed(t)
	runAsNobody := func() int {
		c := exec.Command(path)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		return c.Process.Pid
	}
	// Programs see process numbers of the first PID namespace.
	ns, _ := os.Readlink("/proc/self/ns/pid")
	firstNS := ns == "pid:[4026531836]"
	t.Run("text", func(t *testing.T) {
		before := programs(t, "on_exec")
		p := start(t, nil, "run", example("exec-log"))
		pid := runAsNobody()
		line := p.until("the event", func(l string) bool { return strings.HasSuffix(l, " comm="+name) })
		if !strings.HasPrefix(line, "execs: pid=") || !strings.Contains(line, " uid=65534 ") {
			t.Errorf("%q", line)
		}
		if firstNS && !strings.Contains(line, fmt.Sprintf(" pid=%d ", pid)) {
			t.Errorf("%q: want pid %d", line, pid)
		}
		p.interrupt()
		nothingLeft(t, before, "on_exec")
	})
	t.Run("json", func(t *testing.T) {
		p := start(t, nil, "run", "--json", example("exec-log"))
		pid := runAsNobody()
		found := 0
		for _, r := range rows(t, p.interrupt()) {
			if r.Event == nil || r.Event["comm"] != name {
				continue
			}
			found++
			if uid := r.Event["uid"].(json.Number); uid != "65534" {
				t.Errorf("uid %s", uid)
			}
			if n := r.Event["pid"].(json.Number); firstNS && n.String() != strconv.Itoa(pid) {
				t.Errorf("pid %s, want %d", n, pid)
			}
		}
		if found != 1 {
			t.Errorf("%d events of one execution", found)
		}
	})
}

// TestRunqlat measures whatever the machine does; a process that sleeps and
// wakes up in between is some of it.
func TestRunqlat(t *testing.T) {
	need(t)
	needTracefs(t)
	before := programs(t, "on_wakeup", "on_switch")
	p := start(t, nil, "run", example("runqlat"), "--json")
	for range 20 {
		command(t, "true")
	}
	sum := int64(0)
	for _, r := range rows(t, p.interrupt()) {
		if r.Map == "latency_us" {
			n, err := r.Value.(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	if sum < 20 {
		t.Errorf("%d wake-ups in the histogram", sum)
	}
	nothingLeft(t, before, "on_wakeup", "on_switch")
}

// TestDuration ends by itself, and prints the final table then.
func TestDuration(t *testing.T) {
	need(t, "ip")
	here, _ := newPair(t)
	out := here.run(whistlerBin, "run", example("count-xdp"), "--iface", here.iface, "--duration", "200ms")
	if rows := table(out, "pkt-count"); fmt.Sprint(rows) != "[[key value] [0 0]]" {
		t.Errorf("%v in\n%s", rows, out)
	}
	if here.xdpAttached() {
		t.Error("the XDP program is still attached")
	}
}

// TestTwoInterrupts sends the signal twice, as timeout(1) does: the final
// table is printed all the same.
func TestTwoInterrupts(t *testing.T) {
	need(t, "ip")
	here, _ := newPair(t)
	for range 5 {
		p := start(t, here, "run", example("count-xdp"), "--iface", here.iface)
		p.cmd.Process.Signal(syscall.SIGINT)
		out := p.interrupt()
		if rows := table(out, "pkt-count"); len(rows) != 2 {
			t.Errorf("no table in %q", out)
		}
	}
}

// TestCgroupEgress compares the bytes that a process of a cgroup sends.
func TestCgroupEgress(t *testing.T) {
	need(t)
	root := kernel.Cgroup2()
	if root == "" {
		lack(t, "a mounted cgroup2")
	}
	dir := filepath.Join(root, fmt.Sprintf("whistler-e2e-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		lack(t, "a writable cgroup2: "+err.Error())
	}
	defer os.Remove(dir)
	before := programs(t, "count_egress")
	p := start(t, nil, "run", example("cgroup-egress"), "--cgroup", dir, "--json")

	const count, size = 31, 200
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	send := func(inside bool) {
		c := helperCommand("udp", "127.0.0.1:9", strconv.Itoa(count), strconv.Itoa(size))
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: inside, CgroupFD: fd}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	send(true)
	send(false) // not counted
	all := rows(t, p.interrupt())
	// The packet starts at the IP header: 20 + 8 + payload.
	if n := value(t, all, "sent_bytes", 17); n != count*(28+size) {
		t.Errorf("%d bytes of UDP, want %d", n, count*(28+size))
	}
	if n := value(t, all, "sent_bytes", 6); n != -1 {
		t.Errorf("%d bytes of TCP", n)
	}
	t.Logf("%d bytes sent and counted", count*(28+size))
	nothingLeft(t, before, "count_egress")
}
