package load_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/whistler-lang/whistler/load"
)

// alone moves the calling goroutine into a network namespace of its own,
// where nothing but the test sends packets.
func alone(t *testing.T) {
	t.Helper()
	root(t)
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("this test needs network namespaces: %v", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReplace swaps the rules of a firewall 200 times under traffic: every
// packet is counted, once, by the program before or the one after.
func TestReplace(t *testing.T) {
	alone(t)
	f := &firewall{iface: "lo"}
	if err := f.set(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	defer f.close()
	var socks []net.PacketConn // with rules, and without
	for range 2 {
		s, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		socks = append(socks, s)
	}
	port := uint16(socks[0].LocalAddr().(*net.UDPAddr).Port)
	var sent [2]atomic.Uint64
	stop, done := make(chan bool), make(chan error, 2)
	for i, s := range socks {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if _, err := s.WriteTo([]byte("steady"), s.LocalAddr()); err != nil {
					done <- err
					return
				}
				sent[i].Add(1)
			}
		}()
	}
	const swaps = 200
	begin := time.Now()
	for i := range swaps {
		// Every other policy drops, and each has more rules than the one before.
		rules := []rule{{Port: port, Drop: i%2 == 0}}
		for n := range i % 50 {
			rules = append(rules, rule{Port: uint16(1 + n), Drop: true})
		}
		if err := f.set(context.Background(), rules); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begin)
	close(stop)
	for range socks {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	passed, dropped, err := f.verdicts()
	if err != nil {
		t.Fatal(err)
	}
	all := sent[0].Load() + sent[1].Load()
	if passed+dropped != all {
		t.Errorf("%d packets sent, %d passed and %d dropped", all, passed, dropped)
	}
	if dropped == 0 || dropped >= sent[0].Load() || passed < sent[1].Load() {
		t.Errorf("%d packets for the port with a rule, %d dropped; %d for the other, %d passed", sent[0].Load(), dropped, sent[1].Load(), passed)
	}
	t.Logf("%d packets over %d swaps in %v: %d passed, %d dropped", all, swaps, took.Round(time.Millisecond), passed, dropped)
	if got := f.running.Attached(); len(got) != 1 || !strings.Contains(got[0], "lo") {
		t.Errorf("attached: %v", got)
	}
}

// TestFirewall asks the service of the example.
func TestFirewall(t *testing.T) {
	alone(t)
	f := &firewall{iface: "lo"}
	if err := f.set(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for _, x := range []struct {
		body, want string
		status     int
	}{
		{`[{"port": 1, "drop": true}, {"port": 2}]`, "0 passed, 0 dropped\n", 200},
		{`[{"port": 1}, {"port": 1}]`, "", 200}, // a warning
		{`{`, "unexpected EOF\n", 400},
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/", strings.NewReader(x.body)))
		if w.Code != x.status || x.want != "" && w.Body.String() != x.want {
			t.Errorf("%s: %d %q", x.body, w.Code, w.Body.String())
		}
	}
	if len(f.rules) != 2 {
		t.Errorf("%v", f.rules)
	}
}

// TestReplaceNot is about what cannot be replaced.
func TestReplaceNot(t *testing.T) {
	alone(t)
	const filters = `(defprog pass (:type :xdp) XDP_PASS) (defprog all (:section "socket") 100)`
	c, next := opened(t, filters), opened(t, filters)
	s, err := c.AttachProgram("all", "", load.Targets{Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(next.Program("all")); load.Replaceable(err) {
		t.Errorf("a socket filter: %v", err)
	}
	x, err := c.AttachProgram("pass", "", load.Targets{Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Replace(next.Program("all")); err == nil || !load.Replaceable(err) {
		t.Errorf("a program of another type: %v", err)
	}
	if err := x.Replace(next.Program("pass")); err != nil {
		t.Error(err)
	}
	x.Take(next)
	if len(c.Attached()) != 1 || len(next.Attached()) != 1 {
		t.Errorf("%v and %v", c.Attached(), next.Attached())
	}
	c.Close()
	lo, err := netlink.LinkByName("lo")
	if err != nil || lo.Attrs().Xdp == nil || !lo.Attrs().Xdp.Attached {
		t.Errorf("closing the old collection has detached the program of the new one: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if err := x.Replace(next.Program("pass")); err == nil {
		t.Error("a closed attachment")
	}
}
