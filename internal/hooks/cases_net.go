//go:build linux

package hooks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

var (
	veth   = []string{"veth"}
	tcMods = []string{"veth", "sch_ingress", "cls_bpf"}
)

var netCases = []Case{
	{Name: "xdp", Hook: "xdp, generic mode", Targets: loopback("generic"), Event: datagram},
	{Name: "xdp-global", Hook: "xdp, with a global function", Targets: loopback("generic"), Event: datagram},
	{Name: "freplace", Hook: "freplace, of a function with arguments", On: "xdp-global", Event: datagram, Check: replacedFunction},
	{Name: "freplace-main", Hook: "freplace, of a whole program", On: "xdp", Event: datagram},
	{Name: "xdp-native", Hook: "xdp, driver mode", Modules: veth, Targets: onVeth(load.Targets{XDPMode: "driver"}), Event: arriving(nearIP), Check: lengthSeen(100)},
	{Name: "xdp-frags", Hook: "xdp.frags", Modules: veth, Targets: jumbo, Event: jumboFrame, Check: firstSlot(9000)},
	{Name: "xdp-devmap", Hook: "xdp/devmap", Modules: veth, Targets: onward, Event: arriving(nearIP), Check: wentOn},
	{Name: "xdp-frags-devmap", Hook: "xdp.frags/devmap", Modules: veth, Targets: onward, Event: arriving(nearIP), Check: wentOn},
	{Name: "xdp-cpumap", Hook: "xdp/cpumap", Modules: veth, Targets: onVeth(load.Targets{XDPMode: "driver"}), Event: arriving(nearIP)},
	{Name: "xdp-frags-cpumap", Hook: "xdp.frags/cpumap", Modules: veth, Targets: onVeth(load.Targets{XDPMode: "driver"}), Event: arriving(nearIP)},

	{Name: "tc", Hook: "tc", Modules: tcMods, Targets: onVeth(load.Targets{}), Event: arriving(nearIP)},
	{Name: "classifier", Of: "tc", Section: "classifier", Hook: "classifier", Modules: tcMods, Targets: onVeth(load.Targets{}), Event: arriving(nearIP)},
	{Name: "tc-ingress", Of: "tc", Section: "tc/ingress", Hook: "tc/ingress", Modules: tcMods, Targets: onVeth(load.Targets{}), Event: arriving(nearIP)},
	{Name: "tc-egress", Hook: "tc/egress", Modules: tcMods, Targets: onVeth(load.Targets{}), Event: rewritten},
	{Name: "tcx-ingress", Of: "tc", Section: "tcx/ingress", Hook: "tcx/ingress, by clsact before 6.6", Modules: tcMods, Targets: onVeth(load.Targets{}), Event: arriving(nearIP)},
	{Name: "tcx-egress", Of: "tc-egress", Section: "tcx/egress", Hook: "tcx/egress, by clsact before 6.6", Modules: tcMods, Targets: onVeth(load.Targets{}), Event: rewritten},
	{Name: "tc-clsact", Of: "tc", Hook: "tc, by a clsact filter", Modules: tcMods, Targets: onVeth(load.Targets{Clsact: true}), Event: arriving(nearIP)},
	{Name: "tc-clsact-egress", Of: "tc-egress", Hook: "tc/egress, by a clsact filter", Modules: tcMods, Targets: onVeth(load.Targets{Clsact: true}), Event: rewritten},
	{Name: "action", Hook: "action, of a filter on ingress", Modules: []string{"veth", "sch_ingress", "cls_matchall", "act_bpf"},
		Targets: onVeth(load.Targets{}), Event: arriving(nearIP)},
	{Name: "netkit-primary", Hook: "netkit/primary", Modules: []string{"netkit"}, Targets: netkit, Event: leaving(near, nearMAC)},
	{Name: "netkit-peer", Of: "netkit-primary", Section: "netkit/peer", Hook: "netkit/peer", Modules: []string{"netkit"}, Targets: netkit, Event: leaving(far, farMAC)},

	{Name: "socket-filter", Hook: "socket, at an interface", Targets: loopback(""), Event: datagram},
	{Name: "socket-filter-given", Hook: "socket, on a given one", Targets: receiver, Event: shortened},
	{Name: "sk-reuseport", Hook: "sk_reuseport", Targets: group("udp"), Event: chosen},
	{Name: "sk-reuseport-migrate", Hook: "sk_reuseport/migrate", Targets: group("tcp"), Event: migrated},
	{Name: "sk-skb", Hook: "sk_skb/stream_parser and stream_verdict", Event: messages},
	{Name: "sk-skb-verdict", Hook: "sk_skb/verdict", Event: forwarded},
	{Name: "sk-msg", Hook: "sk_msg, with sockops", Targets: inCgroup, Event: shortcut},
	{Name: "sk-lookup", Hook: "sk_lookup", Targets: loopbackAlone(load.Targets{}), Event: otherListener},
	{Name: "flow-dissector", Hook: "flow_dissector", Targets: loopbackAlone(load.Targets{}), Event: dissected, Check: nhoff},
	{Name: "netfilter", Hook: "netfilter, ipv4/output", Targets: loopbackAlone(load.Targets{NFHook: "ipv4/output"}), Event: nothingLeaves},

	{Name: "lwt-in", Hook: "lwt_in", Modules: veth, Targets: onVeth(load.Targets{Route: "10.9.0.0/16"}), Event: arrivingFor("10.9.0.1")},
	{Name: "lwt-out", Hook: "lwt_out", Modules: veth, Targets: onVeth(load.Targets{Route: "10.9.0.0/16"}), Event: datagramTo("10.9.0.1:9")},
	{Name: "lwt-xmit", Hook: "lwt_xmit", Modules: veth, Targets: onVeth(load.Targets{Route: "10.9.0.0/16"}), Event: datagramTo("10.9.0.1:9")},
	{Name: "lwt-all", Hook: "lwt_in, lwt_out and lwt_xmit of one route", Modules: veth, Targets: onVeth(load.Targets{Route: "10.9.0.0/16"}), Event: allWays, Check: counted(3)},
	{Name: "lwt-seg6local", Hook: "lwt_seg6local", Modules: veth, Targets: segment, Event: segments},
}

// loopback attaches to the interface that every kernel has.
func loopback(mode string) func(*Env) (load.Targets, error) {
	return func(*Env) (load.Targets, error) { return load.Targets{Interface: "lo", XDPMode: mode}, nil }
}

// loopbackAlone is a namespace with nothing but a loopback interface.
func loopbackAlone(t load.Targets) func(*Env) (load.Targets, error) {
	return func(e *Env) (load.Targets, error) { return t, e.alone() }
}

func datagramTo(addr string) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error {
		c, err := net.Dial("udp4", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("whistler"))
		return err
	}
}

// datagram sends one packet to 127.0.0.1.
var datagram = datagramTo("127.0.0.1:9")

// replacedFunction looks at what the replacement was given.
func replacedFunction(e *Env, c *load.Collection) error {
	if err := Seen(e, c); err != nil {
		return err
	}
	return slotIs(1, 9)(e, c) // the port of datagram
}

// counted checks that the first n slots have counted.
func counted(n uint32) func(*Env, *load.Collection) error {
	return func(_ *Env, c *load.Collection) error {
		return eventually(func() error {
			for i := range n {
				switch x, err := Slot(c, "seen", i); {
				case err != nil:
					return err
				case x == 0:
					return fmt.Errorf("slot %d has counted nothing", i)
				}
			}
			return nil
		})
	}
}

// firstSlot checks the number in slot 0.
func firstSlot(want uint64) func(*Env, *load.Collection) error { return slotIs(0, want) }

func slotIs(i uint32, want uint64) func(*Env, *load.Collection) error {
	return func(_ *Env, c *load.Collection) error {
		return eventually(func() error {
			n, err := Slot(c, "seen", i)
			if err != nil {
				return err
			}
			return equal(fmt.Sprintf("slot %d", i), n, want)
		})
	}
}

func lengthSeen(n uint64) func(*Env, *load.Collection) error { return slotIs(1, n) }

// jumbo is a pair whose frames do not fit into a page.
func jumbo(e *Env) (load.Targets, error) {
	t, err := onVeth(load.Targets{XDPMode: "driver"})(e)
	if err != nil {
		return t, err
	}
	for _, n := range []string{near, far} {
		l, err := netlink.LinkByName(n)
		if err != nil {
			return t, err
		}
		if err := netlink.LinkSetMTU(l, 16384); err != nil {
			return t, err
		}
	}
	return t, nil
}

func jumboFrame(*Env, *load.Collection) error {
	return inject(far, udpFrame(nearMAC, farIP, nearIP, 9, 9000))
}

// onward leads what arrives back to where it came from, where the program
// of the devmap ends its way.
func onward(e *Env) (load.Targets, error) {
	return onVeth(load.Targets{XDPMode: "driver", Redirect: []string{far}})(e)
}

func wentOn(_ *Env, c *load.Collection) error {
	var want [2]uint64
	for i, n := range []string{near, far} {
		x, err := net.InterfaceByName(n)
		if err != nil {
			return err
		}
		want[i] = uint64(x.Index)
	}
	if err := slotIs(1, want[0])(nil, c); err != nil {
		return err
	}
	return slotIs(2, want[1])(nil, c)
}

// rewritten sends a datagram for port 9 that leaves for another port.
func rewritten(e *Env, c *load.Collection) error {
	const port = 4711
	if err := configure(c, port); err != nil {
		return err
	}
	i, err := net.InterfaceByName(far)
	if err != nil {
		return err
	}
	return withSocket(unix.AF_PACKET, unix.SOCK_RAW, 0, func(fd int) error {
		ip := uint16(unix.ETH_P_IP)
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index, Protocol: ip<<8 | ip>>8}); err != nil {
			return err
		}
		wait := unix.NsecToTimeval(int64(patience))
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
			return err
		}
		if err := datagramTo(farIP+":9")(e, c); err != nil {
			return err
		}
		b := make([]byte, 2000)
		n, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil || n < 42 {
			return fmt.Errorf("%d bytes arrived: %v", n, err)
		}
		return equal("the port", int(b[36])<<8|int(b[37]), port)
	})
}

// netkit makes a pair of netkit devices.
func netkit(e *Env) (load.Targets, error) {
	t := load.Targets{Interface: near}
	if err := e.alone(); err != nil {
		return t, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = near
	k := &netlink.Netkit{LinkAttrs: attrs, Mode: netlink.NETKIT_MODE_L2, Policy: netlink.NETKIT_POLICY_FORWARD, PeerPolicy: netlink.NETKIT_POLICY_FORWARD}
	peer := netlink.NewLinkAttrs()
	peer.Name = far
	k.SetPeerAttrs(&peer)
	if err := netlink.LinkAdd(k); err != nil {
		return t, fmt.Errorf("a netkit pair: %w", err)
	}
	return t, errors.Join(linkUp(near), linkUp(far))
}

func leaving(name, mac string) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error { return inject(name, udpFrame(mac, farIP, nearIP, 9, 100)) }
}

// receiver is a datagram socket to put a filter on.
func receiver(e *Env) (t load.Targets, err error) {
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return t, err
	}
	e.Cleanup(func() { l.Close() })
	e.sockets = []any{l}
	return load.Targets{Socket: l.(syscall.Conn)}, nil
}

func shortened(e *Env, c *load.Collection) error {
	l := e.sockets[0].(net.PacketConn)
	if err := datagramTo(l.LocalAddr().String())(e, c); err != nil {
		return err
	}
	b := make([]byte, 16)
	n, _, err := l.ReadFrom(b)
	if err != nil {
		return err
	}
	return equal("the datagram", string(b[:n]), "whis")
}

// group is two sockets of one port.
func group(network string) func(*Env) (load.Targets, error) {
	return func(e *Env) (t load.Targets, err error) {
		if err := e.alone(); err != nil {
			return t, err
		}
		// The connection that moves has its handshake behind it, or not.
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_migrate_req", []byte("0"), 0); network == "tcp" && err != nil {
			return t, err
		}
		share := func(_, _ string, raw syscall.RawConn) (err error) {
			cerr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
			return errors.Join(cerr, err)
		}
		var lc net.ListenConfig
		lc.Control = share
		lc.SetMultipathTCP(false)
		addr := "127.0.0.1:7070"
		for range 2 {
			var x any
			if network == "tcp" {
				x, err = lc.Listen(background, network, addr)
			} else {
				x, err = lc.ListenPacket(background, network, addr)
			}
			if err != nil {
				return t, err
			}
			e.sockets = append(e.sockets, x)
			e.Cleanup(func() { x.(io.Closer).Close() })
		}
		return load.Targets{Socket: e.sockets[0].(syscall.Conn)}, nil
	}
}

// put stores sockets in a map, in order.
func put(m *ebpf.Map, sockets ...any) error {
	for i, s := range sockets {
		err := fdOf(s.(syscall.Conn), func(fd int) error { return m.Put(uint32(i), uint64(fd)) })
		if err != nil {
			return fmt.Errorf("socket %d into %v: %w", i, m, err)
		}
	}
	return nil
}

func chosen(e *Env, c *load.Collection) error {
	if err := put(c.Map("group"), e.sockets...); err != nil {
		return err
	}
	for range 8 {
		if err := datagramTo("127.0.0.1:7070")(e, c); err != nil {
			return err
		}
	}
	for range 8 {
		if _, _, err := e.sockets[1].(net.PacketConn).ReadFrom(make([]byte, 16)); err != nil {
			return err
		}
	}
	return nil
}

func migrated(e *Env, c *load.Collection) error {
	if err := put(c.Map("group"), e.sockets...); err != nil {
		return err
	}
	client, err := dial("tcp", "127.0.0.1:7070")
	if err != nil {
		return err
	}
	defer client.Close()
	e.sockets[0].(net.Listener).Close()
	server, err := e.sockets[1].(net.Listener).Accept()
	if err != nil {
		return err
	}
	defer server.Close()
	return equal("who arrived", server.RemoteAddr().String(), client.LocalAddr().String())
}

// messages sends two messages, of which the second arrives.
func messages(_ *Env, c *load.Collection) error {
	client, server, err := pair("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer client.Close()
	defer server.Close()
	if err := put(c.Map("sockets"), server); err != nil {
		return err
	}
	if _, err := client.Write([]byte("\x04nope")); err != nil {
		return err
	}
	if err := slotIs(1, 1)(nil, c); err != nil { // programs see the beginning of what has arrived: one message at a time
		return err
	}
	if _, err := client.Write([]byte("\x05hello")); err != nil {
		return err
	}
	b := make([]byte, 6)
	if _, err := io.ReadFull(server, b); err != nil {
		return err
	}
	return equal("the message", string(b), "\x05hello")
}

// forwarded sends into one connection and receives from another.
func forwarded(_ *Env, c *load.Collection) error {
	client1, server1, err := pair("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer client1.Close()
	defer server1.Close()
	client2, server2, err := pair("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer client2.Close()
	defer server2.Close()
	if err := put(c.Map("sockets"), server1, server2); err != nil {
		return err
	}
	return carries(client1, client2)
}

// carries sends a text into one connection that arrives at another.
func carries(from, to net.Conn) error {
	text := []byte("whistler")
	if _, err := from.Write(text); err != nil {
		return err
	}
	to.SetDeadline(deadline())
	b := make([]byte, len(text))
	if _, err := io.ReadFull(to, b); err != nil {
		return err
	}
	if !bytes.Equal(b, text) {
		return fmt.Errorf("%q arrived", b)
	}
	return nil
}

func shortcut(_ *Env, c *load.Collection) error {
	client, server, err := pair("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer client.Close()
	defer server.Close()
	if n, err := Slot(c, "seen", 1); err != nil || n != 2 {
		return fmt.Errorf("%d ends are noted, want 2: %v", n, err)
	}
	if err := carries(client, server); err != nil {
		return err
	}
	_, err = client.Write([]byte("!"))
	return refused("what begins with !", err, unix.EACCES)
}

func otherListener(_ *Env, c *load.Collection) error {
	l, err := listen("127.0.0.1:0", nil)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := put(c.Map("listeners"), l); err != nil {
		return err
	}
	client, err := dial("tcp", "127.0.0.1:7777")
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		return err
	}
	return server.Close()
}

// dissected sends a frame from a packet socket, for which the kernel looks
// for the transport header.
func dissected(*Env, *load.Collection) error {
	return inject("lo", udpFrame("\x00\x00\x00\x00\x00\x00", "127.0.0.1", "127.0.0.1", 9, 100))
}

func nhoff(e *Env, c *load.Collection) error {
	if err := Seen(e, c); err != nil {
		return err
	}
	return lengthSeen(14)(e, c)
}

func nothingLeaves(e *Env, c *load.Collection) error {
	return refused("the datagram", datagram(e, c), unix.EPERM)
}

// arrivingFor lets in a datagram for another host.
func arrivingFor(addr string) func(*Env, *load.Collection) error {
	return func(e *Env, c *load.Collection) error {
		for file, value := range map[string]string{"ip_forward": "1", "conf/all/rp_filter": "0", "conf/" + near + "/rp_filter": "0"} {
			if err := os.WriteFile("/proc/sys/net/ipv4/"+file, []byte(value), 0); err != nil {
				return err
			}
		}
		return arriving(addr)(e, c)
	}
}

func allWays(e *Env, c *load.Collection) error {
	return errors.Join(datagramTo("10.9.0.1:9")(e, c), arrivingFor("10.9.0.1")(e, c))
}

// segment is a route for a segment of IPv6.
func segment(e *Env) (load.Targets, error) {
	t, err := onVeth(load.Targets{Route: "fd00::1/128"})(e)
	if err != nil {
		return t, err
	}
	for _, file := range []string{"conf/all/disable_ipv6 0", "conf/" + near + "/disable_ipv6 0", "conf/all/forwarding 1", "conf/all/seg6_enabled 1", "conf/" + near + "/seg6_enabled 1"} {
		var name, value string
		fmt.Sscan(file, &name, &value)
		if err := os.WriteFile("/proc/sys/net/ipv6/"+name, []byte(value), 0); err != nil {
			return t, err
		}
	}
	return t, nil
}

func segments(*Env, *load.Collection) error {
	return inject(far, segmentFrame(nearMAC, "fd00::1", "fd00::2"))
}
