package e2e

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// A netspace is a network namespace with one end of a veth pair.
type netspace struct {
	t     *testing.T
	name  string
	iface string
	addr  string // IPv4, without the prefix
}

var netspaces atomic.Int64

// newPair makes two namespaces and the veth pair between them. IPv6 is off
// and the neighbours are known, so that no packet flows by itself.
func newPair(t *testing.T) (here, peer *netspace) {
	t.Helper()
	need(t, "ip")
	n := netspaces.Add(1)
	id := fmt.Sprintf("wh%d-%d", os.Getpid(), n)
	make := func(side, addr string) *netspace {
		s := &netspace{t, id + side, "veth" + side, addr}
		command(t, "ip", "netns", "add", s.name)
		t.Cleanup(func() { command(t, "ip", "netns", "del", s.name) })
		s.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
		return s
	}
	here, peer = make("a", "10.91.0.1"), make("b", "10.91.0.2")
	here.run("ip", "link", "add", here.iface, "address", mac(here), "type", "veth",
		"peer", "name", peer.iface, "address", mac(peer), "netns", peer.name)
	for _, s := range []*netspace{here, peer} {
		other := peer
		if s == peer {
			other = here
		}
		s.run("ip", "addr", "add", s.addr+"/24", "dev", s.iface)
		s.run("ip", "link", "set", "lo", "up")
		s.run("ip", "link", "set", s.iface, "up")
		s.run("ip", "neigh", "replace", other.addr, "lladdr", mac(other), "dev", s.iface, "nud", "permanent")
	}
	for _, s := range []*netspace{here, peer} {
		eventually(t, "the veth pair comes up", func() bool {
			return strings.Contains(s.run("ip", "-o", "link", "show", s.iface), "state UP")
		})
	}
	return here, peer
}

func mac(s *netspace) string {
	return map[string]string{"vetha": "02:00:00:00:00:01", "vethb": "02:00:00:00:00:02"}[s.iface]
}

// run runs a program inside the namespace.
func (s *netspace) run(args ...string) string {
	s.t.Helper()
	return command(s.t, "ip", append([]string{"netns", "exec", s.name}, args...)...)
}

// do runs f on a thread inside the namespace: sockets that f opens stay
// there. The thread is not given back to the others.
func (s *netspace) do(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		h, err := netns.GetFromName(s.name)
		if err == nil {
			err = netns.Set(h)
			h.Close()
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// received is the interface's own count of packets that arrived.
func (s *netspace) received() int64 {
	s.t.Helper()
	text := s.run("cat", "/sys/class/net/"+s.iface+"/statistics/rx_packets")
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// ping sends exactly n echo requests and waits for their answers.
func (s *netspace) ping(to *netspace, n int) {
	s.t.Helper()
	out := s.run("ping", "-q", "-i", "0.002", "-c", strconv.Itoa(n), "-W", "5", to.addr)
	if want := fmt.Sprintf("%d packets transmitted, %d received", n, n); !strings.Contains(out, want) {
		s.t.Fatalf("ping: want %q in\n%s", want, out)
	}
}

// listen accepts TCP connections on a port and closes them, until the test
// ends.
func (s *netspace) listen(port int) {
	s.t.Helper()
	err := s.do(func() error {
		l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", s.addr, port))
		if err != nil {
			return err
		}
		s.t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Write([]byte("hello"))
				c.Close()
			}
		}()
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// xdpAttached reports whether an XDP program is on the interface.
func (s *netspace) xdpAttached() bool {
	s.t.Helper()
	attached := false
	err := s.do(func() error {
		l, err := netlink.LinkByName(s.iface)
		if err == nil {
			x := l.Attrs().Xdp
			attached = x != nil && x.Attached
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return attached
}
