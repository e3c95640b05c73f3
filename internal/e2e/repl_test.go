package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestReplRedefines redefines an attached XDP program a thousand times under
// steady traffic: each packet is counted by one of them, in the map that all
// share.
func TestReplRedefines(t *testing.T) {
	need(t)
	const times = 1000
	c := exec.Command(whistlerBin, "repl")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var mu sync.Mutex
	c.Stdout, c.Stderr = &locked{&mu, &out}, &locked{&mu, &out}
	said := func() string { mu.Lock(); defer mu.Unlock(); return out.String() }
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	waitFor := func(text string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !strings.Contains(said(), text); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %q in\n%s", text, said())
			}
		}
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	port := conn.LocalAddr().(*net.UDPAddr).Port
	define := func(n int) string {
		return fmt.Sprintf("(defprog counter (:type :xdp) (with-udp (data data-end udp) (when (= (udp-dst-port udp) %d) (incf (getmap seen 0)) (setf (getmap last 0) %d))) XDP_PASS)\n", port, n)
	}
	io.WriteString(in, "(defmap seen :type :array :key u32 :value u64 :max-entries 1)\n(defmap last :type :array :key u32 :value u64 :max-entries 1)\n"+
		define(0)+"(attach counter \"lo\" :xdp-mode \"generic\")\n")
	waitFor("on lo (xdp, generic mode)")

	var sent atomic.Int64
	stop := make(chan bool)
	done := make(chan error)
	go func() {
		from, err := net.ListenUDP("udp4", nil)
		if err != nil {
			done <- err
			return
		}
		defer from.Close()
		go io.Copy(io.Discard, conn) // so that its queue does not fill
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			for range 20 { // less than the backlog of lo takes
				if _, err := from.WriteToUDP([]byte("x"), conn.LocalAddr().(*net.UDPAddr)); err != nil {
					done <- err
					return
				}
				sent.Add(1)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for n := 1; n <= times; n++ {
		io.WriteString(in, define(n))
	}
	io.WriteString(in, "\"all are defined\"\n")
	waitFor("all are defined")
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	io.WriteString(in, "(list :seen (getmap seen 0) :last (getmap last 0))\n(quit)\n")
	c.Wait()
	text := said()
	if n := strings.Count(text, ", replaced"); n != times {
		t.Errorf("%d programs were replaced", n)
	}
	if want := fmt.Sprintf("(:seen %d :last ", sent.Load()); !strings.Contains(text, want) {
		t.Errorf("%d packets were sent; the end is\n%s", sent.Load(), text[max(0, len(text)-300):])
	}
	t.Logf("%d packets, %d programs", sent.Load(), times)
	if n := loadedPrograms(t, "counter"); n != 0 {
		t.Errorf("%d programs are left", n)
	}
}

// A locked writer may be written to by several.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// A terminal is `whistler repl` at a pseudo-terminal.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	mu   sync.Mutex
	seen bytes.Buffer
	from int // where expect looks from
	done chan error
}

func openTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	c := exec.Command(whistlerBin, append([]string{"repl"}, args...)...)
	c.Env = append(os.Environ(), "TERM=xterm-256color", "XDG_STATE_HOME="+t.TempDir(), "NO_COLOR=1")
	tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 60, Cols: 160})
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, cmd: c, tty: tty, done: make(chan error, 1)}
	go func() {
		io.Copy(&locked{&x.mu, &x.seen}, &answering{x})
		x.done <- c.Wait()
	}()
	t.Cleanup(func() { c.Process.Kill(); tty.Close() })
	return x
}

// answering reads what the program writes, and answers its question where
// the cursor is, as a terminal does.
type answering struct{ x *terminal }

func (a *answering) Read(b []byte) (int, error) {
	n, err := a.x.tty.Read(b)
	for range bytes.Count(b[:n], []byte("\x1b[6n")) {
		io.WriteString(a.x.tty, "\x1b[1;1R")
	}
	return n, err
}

// send types a text, not sooner than people do: while the line editor asks
// where the cursor is, what is typed is taken for the answer.
func (x *terminal) send(text string) {
	time.Sleep(300 * time.Millisecond)
	io.WriteString(x.tty, text)
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[=>]`)

// text is what was written since the last expect, without escape sequences.
func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return escapes.ReplaceAllString(x.seen.String()[x.from:], "")
}

// expect waits until the program has written a text.
func (x *terminal) expect(want string) {
	x.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if strings.Contains(x.text(), want) {
			x.mu.Lock()
			x.from = x.seen.Len()
			x.mu.Unlock()
			return
		}
		if time.Now().After(end) {
			x.t.Fatalf("no %q in\n%q", want, x.text())
		}
	}
}

// TestReplTerminal drives the prompt as a user at a terminal does.
func TestReplTerminal(t *testing.T) {
	x := openTerminal(t, "--vm")
	x.expect("whistler> ")
	x.send("(+ 40 2)\r")
	x.expect("42")

	// A form over several lines; an error, and on it goes.
	x.send("(defmap hits :type :hash :key u32\r")
	x.expect("> ")
	x.send(":value u64 :max-entries 8)\r")
	x.expect("map hits: hash")
	x.send("(defprog p (:type :xdp) (incf (getmap hist 1)) XDP_PASS)\r")
	x.expect("did you mean `hits`?")
	x.send("(defprog p (:type :xdp) (incf (getmap hits 1)) XDP_PASS)\r")
	x.expect("program p: xdp")

	// Completion: of a helper, of a map.
	x.send("(run p :packet (tcp-pack\t")
	x.expect("tcp-packet")
	x.send("))\r")
	x.expect("2")
	x.send("(show hit\t")
	x.expect("hits")
	x.send(")\r")
	x.expect("1    1")

	// Ctrl-C gives the line up, and stops what runs.
	x.send("(this is not what I")
	x.expect("what I")
	x.send("\x03")
	x.expect("^C")
	x.send("(loop)\r")
	x.expect("(loop)")
	time.Sleep(300 * time.Millisecond)
	x.send("\x03")
	x.expect("interrupted")
	x.send("(* 6 7)\r")
	x.expect("42")

	// What was entered comes back.
	x.send("\x1b[A\r")
	x.expect("42")

	// 300 lines at once.
	var paste strings.Builder
	paste.WriteString("(defun many (n)\n  (case n\n")
	for i := range 300 {
		fmt.Fprintf(&paste, "    (%d %d)\n", i, i*i)
	}
	paste.WriteString("    (t 0)))")
	x.send("\x1b[200~" + paste.String() + "\x1b[201~\r")
	x.expect("defun many")
	x.send("(many 299)\r")
	x.expect("89401")

	x.send("\x04")
	select {
	case err := <-x.done:
		if err != nil {
			t.Errorf("Ctrl-D: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Ctrl-D does not end it")
	}
}

// TestReplHistory keeps lines for the next time.
func TestReplHistory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	c := exec.Command(whistlerBin, "repl", "--vm")
	c.Stdin = strings.NewReader("(+ 1 1)\n(quit)\n")
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "2\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "whistler", "history")); err == nil {
		t.Error("what is no terminal has a history")
	}
}
