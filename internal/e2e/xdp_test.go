package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// nothingLeft checks that no program of an example is left in the kernel or
// pinned by the process that ran it.
func nothingLeft(t *testing.T, before map[ebpf.ProgramID]bool, names ...string) {
	t.Helper()
	// The kernel frees programs a moment after their last reference goes.
	eventually(t, fmt.Sprintf("the programs %v leave the kernel", names), func() bool {
		for id := range programs(t, names...) {
			if !before[id] {
				return false
			}
		}
		return true
	})
}

// programs gives the programs in the kernel that have one of the names.
func programs(t *testing.T, names ...string) map[ebpf.ProgramID]bool {
	t.Helper()
	out := map[ebpf.ProgramID]bool{}
	id := ebpf.ProgramID(0)
	for {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return out // the end
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		if info, err := p.Info(); err == nil {
			for _, n := range names {
				if info.Name == n[:min(len(n), 15)] {
					out[id] = true
				}
			}
		}
		p.Close()
	}
}

// talk makes a TCP connection, reads what the other side says and closes.
func (s *netspace) talk(to *netspace, port int) error {
	return s.do(func() error {
		c, err := net.DialTimeout("tcp4", fmt.Sprintf("%s:%d", to.addr, port), patience)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = io.ReadAll(c)
		return err
	})
}

// TestCountXDP counts real pings and a real TCP connection in every way to
// attach an XDP program.
func TestCountXDP(t *testing.T) {
	need(t, "ip", "ping")
	for _, mode := range []string{"auto", "driver", "generic"} {
		t.Run(mode, func(t *testing.T) {
			here, peer := newPair(t)
			here.listen(80)
			before := programs(t, "count_packets")
			p := start(t, here, "run", example("count-xdp"), "--iface", here.iface, "--xdp-mode", mode)
			if !here.xdpAttached() {
				t.Error("no XDP program on the interface")
			}
			first := here.received()
			const pings = 37
			peer.ping(here, pings)
			if n := here.received() - first; n != pings {
				t.Fatalf("the interface saw %d packets for %d pings: other traffic is about", n, pings)
			}
			if err := peer.talk(here, 80); err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			eventually(t, "the connection's last packet", func() bool {
				last := want
				want = here.received() - first
				time.Sleep(100 * time.Millisecond)
				return want == last
			})
			out := p.interrupt()
			rows := table(out, "pkt-count")
			if len(rows) != 2 || fmt.Sprint(rows) != fmt.Sprintf("[[key value] [0 %d]]", want) {
				t.Errorf("want %d packets in\n%s", want, out)
			}
			if want < pings+4 {
				t.Errorf("the interface saw only %d packets: where is the connection?", want)
			}
			t.Logf("%d packets arrived (%d pings and a TCP connection), %v counted", want, pings, rows[1][1])
			if here.xdpAttached() {
				t.Error("the XDP program is still attached")
			}
			nothingLeft(t, before, "count_packets")
		})
	}
}

// TestCountXDPPingsOnly sends nothing but pings: the count is their number.
func TestCountXDPPingsOnly(t *testing.T) {
	need(t, "ip", "ping")
	here, peer := newPair(t)
	p := start(t, here, "run", example("count-xdp"), "--iface", here.iface, "--json")
	peer.ping(here, 250)
	if n := value(t, rows(t, p.interrupt()), "pkt_count", 0); n != 250 {
		t.Errorf("250 pings, %d counted", n)
	}
}

// TestBlockPort drops real connections to one port and no others.
func TestBlockPort(t *testing.T) {
	need(t, "ip")
	here, peer := newPair(t)
	here.listen(9999)
	here.listen(9998)
	p := start(t, here, "run", example("block-port"), "--iface", here.iface)
	if err := peer.talk(here, 9998); err != nil {
		t.Errorf("the other port: %v", err)
	}
	// A connection that never comes takes this long; a SYN is sent at least
	// once, and again after a second.
	err := peer.do(func() error {
		c, err := net.DialTimeout("tcp4", here.addr+":9999", 1500*time.Millisecond)
		if err == nil {
			c.Close()
		}
		return err
	})
	if ne, ok := err.(net.Error); !ok || !ne.Timeout() {
		t.Errorf("the blocked port: want a timeout, got %v", err)
	}
	out := p.interrupt()
	rows := table(out, "drop-count")
	if len(rows) != 2 || rows[1][1] == "0" {
		t.Errorf("no drops counted in\n%s", out)
	}
	if err := peer.talk(here, 9999); err != nil {
		t.Errorf("the port is still blocked: %v", err)
	}
}

// TestConnections sees real connections as decoded events.
func TestConnections(t *testing.T) {
	need(t, "ip")
	here, peer := newPair(t)
	for _, port := range []int{80, 443, 5432} {
		here.listen(port)
	}
	p := start(t, here, "run", example("connections"), "--iface", here.iface, "--json")
	for _, port := range []int{80, 443, 5432} {
		if err := peer.talk(here, port); err != nil {
			t.Fatal(err)
		}
	}
	var ports []string
	for _, r := range rows(t, p.interrupt()) {
		if r.Event == nil {
			continue
		}
		if r.Map != "events" {
			t.Errorf("event of map %q", r.Map)
		}
		// Bytes that are not text are in hex.
		if src, dst := r.Event["src"], r.Event["dst"]; src != "0a5b0002" || dst != "0a5b0001" {
			t.Errorf("from %v to %v", src, dst)
		}
		ports = append(ports, fmt.Sprint(r.Event["dport"]))
	}
	if got := strings.Join(ports, " "); got != "80 443 5432" {
		t.Errorf("connections to %s, want 80 443 5432", got)
	}
}

// TestConnectionsText prints the fields by name.
func TestConnectionsText(t *testing.T) {
	need(t, "ip")
	here, peer := newPair(t)
	here.listen(8080)
	p := start(t, here, "run", example("connections"), "--iface", here.iface)
	if err := peer.talk(here, 8080); err != nil {
		t.Fatal(err)
	}
	p.until("the event", func(l string) bool {
		return strings.HasPrefix(l, "events: time=") && strings.Contains(l, " src=0a5b0002 dst=0a5b0001 ") && strings.Contains(l, " dport=8080 ")
	})
	p.interrupt()
}
