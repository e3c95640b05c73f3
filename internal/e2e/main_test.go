package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for something that must happen. It is a
// guard against hanging for ever, not a measure of speed.
const patience = 60 * time.Second

// whistlerBin is the command under test.
var whistlerBin string

// helperEnv makes this test binary a small helper process; see helper.
const helperEnv = "WHISTLER_E2E_HELPER"

func TestMain(m *testing.M) {
	if args := os.Getenv(helperEnv); args != "" {
		if err := helper(strings.Fields(args)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "whistler-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		whistlerBin = filepath.Join(dir, "whistler")
		if out, err := exec.Command("go", "build", "-o", whistlerBin, "../../cmd/whistler").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building whistler: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// helper is what this binary does as a process of its own:
//
//	udp ADDR COUNT SIZE   send COUNT datagrams of SIZE bytes to ADDR
func helper(args []string) error {
	var count, size int
	if len(args) != 4 || args[0] != "udp" {
		return fmt.Errorf("helper: unknown words %q", args)
	}
	if _, err := fmt.Sscan(args[2]+" "+args[3], &count, &size); err != nil {
		return err
	}
	to, err := net.ResolveUDPAddr("udp4", args[1])
	if err != nil {
		return err
	}
	return sendUDP(to, count, size)
}

// sendUDP sends datagrams from one socket, which is not connected: that
// nobody listens does not stop it.
func sendUDP(to *net.UDPAddr, count, size int) error {
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for range count {
		if _, err := c.WriteToUDP(make([]byte, size), to); err != nil {
			return err
		}
	}
	return nil
}

// helperCommand makes the command that runs helper with args.
func helperCommand(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), helperEnv+"="+strings.Join(args, " "))
	return c
}

// need checks that the user is root and has the programs.
func need(t *testing.T, programs ...string) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil && missing == "" {
			missing = "the program " + p
		}
	}
	lack(t, missing)
}

// lack skips the test if something is missing; under CI as root it fails it.
func lack(t *testing.T, missing string) {
	t.Helper()
	switch {
	case missing == "":
	case os.Getenv("CI") == "true" && os.Getuid() == 0:
		t.Fatalf("this test needs %s", missing)
	default:
		t.Skipf("this test needs %s", missing)
	}
}

// needTracefs mounts tracefs where it is missing.
func needTracefs(t *testing.T) {
	t.Helper()
	kernel.MountTracefs()
	if kernel.Find().Dir == "" {
		lack(t, "tracefs")
	}
}

// needBPFFS mounts the BPF file system where it is missing.
func needBPFFS(t *testing.T) {
	t.Helper()
	const dir = "/sys/fs/bpf"
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err == nil && st.Type == unix.BPF_FS_MAGIC {
		return
	}
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		lack(t, "a BPF file system at "+dir+": "+err.Error())
	}
}

// command runs a program and gives what it prints; a failure ends the test.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// example is the path of an example.
func example(name string) string { return filepath.Join("..", "..", "examples", name+".lisp") }

// examples lists the names of all examples.
func examples(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../examples/*.lisp")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "-test.lisp") {
			continue
		}
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".lisp"))
	}
	return names
}

// compileText compiles a source with what this machine's kernel says.
func compileText(t *testing.T, name, text string) *whistler.Object {
	t.Helper()
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: name, Text: text}},
		whistler.Options{Kernel: kernel.Machine{}})
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

func compileExample(t *testing.T, name string) *whistler.Object {
	t.Helper()
	text, err := os.ReadFile(example(name))
	if err != nil {
		t.Fatal(err)
	}
	return compileText(t, name+".lisp", string(text))
}

// open loads an object into the kernel for the time of the test.
func open(t *testing.T, obj *whistler.Object) *load.Collection {
	t.Helper()
	coll, err := load.Open(obj.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { coll.Close() })
	return coll
}

// A process is a running whistler.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	ready  chan struct{} // closed when everything is attached
	lines  chan string   // standard output
	wait   sync.WaitGroup
	stderr bytes.Buffer
	mu     sync.Mutex
	ended  bool
}

// start runs whistler in a network namespace, nil for this one, and waits
// until its programs are attached.
func start(t *testing.T, ns *netspace, args ...string) *process {
	t.Helper()
	p := &process{t: t, ready: make(chan struct{}), lines: make(chan string, 1<<16)}
	argv := append([]string{whistlerBin}, args...)
	if ns != nil {
		argv = append([]string{"ip", "netns", "exec", ns.name}, argv...) // ip becomes whistler
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.ended {
			p.cmd.Process.Kill()
			p.wait.Wait()
			p.cmd.Wait()
		}
	})
	gone := make(chan struct{})
	attached := sync.OnceFunc(func() { close(p.ready) })
	p.wait.Add(2)
	go func() {
		defer p.wait.Done()
		defer close(p.lines)
		s := bufio.NewScanner(stdout)
		for s.Scan() {
			if strings.HasPrefix(s.Text(), `{"attached":`) {
				attached()
			}
			p.lines <- s.Text()
		}
	}()
	go func() {
		defer p.wait.Done()
		defer close(gone)
		s := bufio.NewScanner(stderr)
		for s.Scan() {
			p.mu.Lock()
			p.stderr.WriteString(s.Text() + "\n")
			p.mu.Unlock()
			if strings.HasPrefix(s.Text(), "running;") {
				attached()
			}
		}
		io.Copy(io.Discard, stderr)
	}()
	select {
	case <-p.ready:
	case <-gone:
		t.Fatalf("whistler ended early:\n%s", p.errors())
	case <-time.After(patience):
		t.Fatalf("whistler does not attach:\n%s", p.errors())
	}
	return p
}

func (p *process) errors() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// until reads standard output up to a line that f likes.
func (p *process) until(what string, f func(line string) bool) string {
	p.t.Helper()
	timeout := time.After(patience)
	var seen []string
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("whistler ended without %s:\n%s\n%s", what, strings.Join(seen, "\n"), p.errors())
			}
			if f(l) {
				return l
			}
			seen = append(seen, l)
		case <-timeout:
			p.t.Fatalf("whistler does not print %s:\n%s\n%s", what, strings.Join(seen, "\n"), p.errors())
		}
	}
}

// interrupt presses Ctrl-C and gives what is printed then; whistler must end
// well.
func (p *process) interrupt() string {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	return p.rest()
}

// rest gives what whistler still prints until it ends.
func (p *process) rest() string {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	var out strings.Builder
	for l := range p.lines {
		out.WriteString(l + "\n")
	}
	p.wait.Wait()
	err := p.cmd.Wait()
	p.ended = true
	if err != nil {
		p.t.Fatalf("whistler: %v\n%s%s", err, out.String(), p.errors())
	}
	return out.String()
}

// A row is an entry of a final table as --json writes it.
type row struct {
	Map   string
	Key   any
	Value any
	Final bool
	Event map[string]any
}

// rows reads the lines of --json; numbers stay exact.
func rows(t *testing.T, out string) (all []row) {
	t.Helper()
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		d := json.NewDecoder(strings.NewReader(l))
		d.UseNumber()
		var r row
		if err := d.Decode(&r); err != nil {
			t.Fatalf("not a line of JSON: %q: %v", l, err)
		}
		all = append(all, r)
	}
	return all
}

// value gives the final value under key of a map, -1 if there is none.
func value(t *testing.T, all []row, mapName string, key int64) int64 {
	t.Helper()
	for _, r := range all {
		if r.Final && r.Map == mapName && fmt.Sprint(r.Key) == fmt.Sprint(key) {
			n, err := r.Value.(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return -1
}

// table reads a printed table of one map: the rows under its head line.
func table(out, name string) (rows [][]string) {
	in := false
	for _, l := range strings.Split(out, "\n") {
		switch {
		case strings.HasPrefix(l, name+" ("):
			in = true
		case in && strings.HasPrefix(l, "  "):
			rows = append(rows, strings.Fields(l))
		default:
			in = false
		}
	}
	return rows
}

// eventually waits until f says yes.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
