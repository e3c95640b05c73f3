package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestClassify sorts exactly known datagrams and pings into classes, by TCX
// and by a clsact filter.
func TestClassify(t *testing.T) {
	need(t, "ip", "ping", "tc")
	for _, way := range []string{"tcx", "clsact"} {
		t.Run(way, func(t *testing.T) {
			here, peer := newPair(t)
			before := programs(t, "classify")
			args := []string{"run", example("classify-tc"), "--iface", here.iface}
			if way == "clsact" {
				args = append(args, "--clsact")
			}
			p := start(t, here, args...)
			if !strings.Contains(p.errors(), "("+way+" ingress)") {
				t.Errorf("want %s: %s", way, p.errors())
			}
			if filter := here.run("tc", "filter", "show", "dev", here.iface, "ingress"); strings.Contains(filter, "classify") != (way == "clsact") {
				t.Errorf("filters:\n%s", filter)
			}
			// A frame's length is what the program counts: 14 + 20 + 8 + payload.
			const dns, other, pings = 23, 11, 17
			peer.datagrams(t, here, 53, dns, 100)
			peer.datagrams(t, here, 5353, other, 60)
			peer.ping(here, pings)
			rows := table(p.interrupt(), "class-bytes")
			want := map[string]int{
				"0": other*(42+60) + pings*(42+56),
				"1": 0, "2": 0,
				"3": dns * (42 + 100),
			}
			for _, r := range rows[1:] {
				if fmt.Sprint(want[r[0]]) != r[1] {
					t.Errorf("class %s: %s bytes, want %d", r[0], r[1], want[r[0]])
				}
				delete(want, r[0])
			}
			if len(want) > 0 {
				t.Errorf("classes missing: %v", want)
			}
			nothingLeft(t, before, "classify")
			if filter := here.run("tc", "filter", "show", "dev", here.iface, "ingress"); strings.Contains(filter, "bpf") {
				t.Errorf("a filter is left:\n%s", filter)
			}
			if q := here.run("tc", "qdisc", "show", "dev", here.iface); strings.Contains(q, "clsact") {
				t.Errorf("the qdisc is left:\n%s", q)
			}
		})
	}
}

// datagrams sends n UDP datagrams of size bytes to a port where nobody
// listens, and waits until they have arrived.
func (s *netspace) datagrams(t *testing.T, to *netspace, port, n, size int) {
	t.Helper()
	before := to.received()
	err := s.do(func() error {
		return sendUDP(&net.UDPAddr{IP: net.ParseIP(to.addr), Port: port}, n, size)
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the datagrams arrive", func() bool { return to.received() >= before+int64(n) })
}

// TestClassifyWeb counts a real TCP connection to a web port: as many bytes
// as the interface received.
func TestClassifyWeb(t *testing.T) {
	need(t, "ip")
	here, peer := newPair(t)
	here.listen(8080)
	p := start(t, here, "run", example("classify-tc"), "--iface", here.iface, "--json")
	if err := peer.talk(here, 8080); err != nil {
		t.Fatal(err)
	}
	all := rows(t, p.interrupt())
	if n := value(t, all, "class_bytes", 1); n < 4*54 {
		t.Errorf("%d bytes of web traffic", n)
	}
	for _, class := range []int64{0, 2, 3} {
		if n := value(t, all, "class_bytes", class); n != 0 {
			t.Errorf("%d bytes of class %d", n, class)
		}
	}
}

// TestTraffic runs the other XDP examples on real traffic.
func TestTraffic(t *testing.T) {
	need(t, "ip", "ping")
	field := func(r row, part any, name string) string {
		m, _ := part.(map[string]any)
		if n, ok := m[name].(json.Number); ok {
			return n.String()
		}
		t.Errorf("no field %s in %v", name, r)
		return ""
	}
	t.Run("flow-stats", func(t *testing.T) {
		here, peer := newPair(t)
		p := start(t, here, "run", example("flow-stats"), "--iface", here.iface, "--json")
		peer.datagrams(t, here, 53, 12, 100)
		peer.ping(here, 3) // neither TCP nor UDP
		found := false
		for _, r := range rows(t, p.interrupt()) {
			if r.Map != "flows" {
				continue
			}
			if found {
				t.Error("more than one flow")
			}
			found = true
			if port, proto := field(r, r.Key, "dport"), field(r, r.Key, "proto"); port != "53" || proto != "17" {
				t.Errorf("key %v", r.Key)
			}
			if packets, bytes := field(r, r.Value, "packets"), field(r, r.Value, "bytes"); packets != "12" || bytes != fmt.Sprint(12*142) {
				t.Errorf("%s packets, %s bytes", packets, bytes)
			}
		}
		if !found {
			t.Error("no flow")
		}
	})
	t.Run("dispatch", func(t *testing.T) {
		here, peer := newPair(t)
		p := start(t, here, "run", example("dispatch"), "--iface", here.iface, "--json")
		peer.datagrams(t, here, 53, 9, 100)
		peer.ping(here, 5)
		all := rows(t, p.interrupt())
		for key, want := range []int64{5, 0, 9} {
			if n := value(t, all, "seen", int64(key)); n != want {
				t.Errorf("slot %d: %d, want %d", key, n, want)
			}
		}
	})
	t.Run("allow-nets", func(t *testing.T) {
		here, peer := newPair(t)
		p := start(t, here, "run", example("allow-nets"), "--iface", here.iface, "--json")
		peer.datagrams(t, here, 53, 21, 100)
		all := rows(t, p.interrupt())
		if n := value(t, all, "verdicts", 0); n != 21 {
			t.Errorf("%d dropped with an empty list, want 21", n)
		}
	})
	t.Run("rate-limit", func(t *testing.T) {
		here, peer := newPair(t)
		p := start(t, here, "run", example("rate-limit"), "--iface", here.iface, "--json")
		peer.datagrams(t, here, 53, 40, 100) // far below the limit: all pass
		for _, r := range rows(t, p.interrupt()) {
			if r.Map == "windows" {
				if n, d := field(r, r.Value, "packets"), field(r, r.Value, "dropped"); d != "0" || n == "0" {
					t.Errorf("%s packets, %s dropped", n, d)
				}
			}
		}
	})
	t.Run("syn-limit", func(t *testing.T) {
		here, peer := newPair(t)
		here.listen(80)
		p := start(t, here, "run", example("syn-limit"), "--iface", here.iface, "--json")
		for range 3 {
			if err := peer.talk(here, 80); err != nil {
				t.Fatal(err)
			}
		}
		src := int64(10 | 91<<8 | 0<<16 | 2<<24) // as in the packet
		if n := value(t, rows(t, p.interrupt()), "syn_count", src); n != 3 {
			t.Errorf("%d SYNs counted, want 3", n)
		}
	})
}
