package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestLive runs at a terminal: tables are drawn again in their place, with
// rates, and the last stay.
func TestLive(t *testing.T) {
	need(t)
	needTracefs(t)
	file := filepath.Join(t.TempDir(), "live.lisp")
	if err := os.WriteFile(file, []byte(`(defmap calls :type :hash :key u32 :value u64 :max-entries 4)
(defmap sizes :type :array :key u32 :value u64 :max-entries 64 :show :log2)
(defmap when-last :type :array :key u32 :value u64 :max-entries 1 :show :hex)
(defprog p (:type :tracepoint :section "tracepoint/raw_syscalls/sys_enter" :license "GPL")
  (incf (getmap calls (logand 1 (ktime-get-ns))))
  (incf (getmap sizes 5))
  (setf (getmap when-last 0) 255)
  0)`), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(whistlerBin, "run", "--interval", "200ms", file)
	tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 40, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var mu sync.Mutex
	var out bytes.Buffer
	done := make(chan bool)
	go func() { io.Copy(&locked{&mu, &out}, tty); close(done) }()
	text := func() string { mu.Lock(); defer mu.Unlock(); return out.String() }
	for end := time.Now().Add(20 * time.Second); strings.Count(text(), "\x1b[J") < 3 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	c.Process.Signal(syscall.SIGINT)
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	<-done
	s := text()
	for _, want := range []string{"\x1b[", "A\r\x1b[J", "rate", "/s", "32", "|****", "0xff", "calls (hash, 2 shown)"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%q", want, s)
		}
	}
	if last := s[strings.LastIndex(s, "\x1b[J"):]; !strings.Contains(last, "calls (hash, 2 shown)") || strings.Contains(last, "rate") {
		t.Errorf("the last tables are\n%q", last)
	}
}
