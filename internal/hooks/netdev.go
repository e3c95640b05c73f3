//go:build linux

package hooks

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// The two ends of the pair that onVeth makes: what is sent into one by a
// packet socket arrives at the other.
const (
	near, far       = "wh-near", "wh-far"
	nearMAC, farMAC = "\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02"
	nearIP, farIP   = "10.91.0.1", "10.91.0.2"
)

// onVeth makes a pair of interfaces in a namespace of its own; t says what
// to attach, by default to the near end.
func onVeth(t load.Targets) func(*Env) (load.Targets, error) {
	return func(e *Env) (load.Targets, error) {
		if t.Interface == "" {
			t.Interface = near
		}
		return t, e.veth()
	}
}

// veth makes the pair, the near end with an address.
func (e *Env) veth() error {
	if err := e.alone(); err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = near, net.HardwareAddr(nearMAC)
	err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: far, PeerHardwareAddr: net.HardwareAddr(farMAC)})
	if err != nil {
		return fmt.Errorf("a veth pair: %w", err)
	}
	for _, n := range []string{near, far} {
		os.WriteFile("/proc/sys/net/ipv6/conf/"+n+"/disable_ipv6", []byte("1"), 0) // no packets but ours
		if err := linkUp(n); err != nil {
			return err
		}
	}
	l, err := netlink.LinkByName(near)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(nearIP + "/24")
	if err != nil {
		return err
	}
	if err := netlink.AddrReplace(l, addr); err != nil {
		return err
	}
	return netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT,
		IP: net.ParseIP(farIP), HardwareAddr: net.HardwareAddr(farMAC)})
}

// inject sends a frame out of an interface.
func inject(name string, frame []byte) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	return withSocket(unix.AF_PACKET, unix.SOCK_RAW, 0, func(fd int) error {
		proto := frame[12:14] // as it stands in the frame
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: i.Index, Protocol: binary.NativeEndian.Uint16(proto)})
	})
}

// arriving sends a datagram for port 9 into the far end, to addr.
func arriving(addr string) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error { return inject(far, udpFrame(nearMAC, farIP, addr, 9, 100)) }
}

// udpFrame is a datagram in an Ethernet frame; size is that of the frame.
func udpFrame(to, src, dst string, port uint16, size int) []byte {
	b := make([]byte, size)
	copy(b, to)
	copy(b[6:], farMAC)
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IP)
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	copy(ip[12:], net.ParseIP(src).To4())
	copy(ip[16:], net.ParseIP(dst).To4())
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	udp := ip[20:]
	binary.BigEndian.PutUint16(udp[0:], 4242)
	binary.BigEndian.PutUint16(udp[2:], port)
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	return b
}

// segmentFrame is an IPv6 packet to a segment, with one more to go.
func segmentFrame(to, segment, next string) []byte {
	b := make([]byte, 14+40+8+32)
	copy(b, to)
	copy(b[6:], farMAC)
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IPV6)
	ip := b[14:]
	ip[0], ip[6], ip[7] = 0x60, unix.IPPROTO_ROUTING, 64
	binary.BigEndian.PutUint16(ip[4:], 8+32)
	copy(ip[8:], net.ParseIP("fd00::9"))
	copy(ip[24:], net.ParseIP(segment))
	srh := ip[40:]
	srh[0], srh[1], srh[2], srh[3], srh[4] = unix.IPPROTO_NONE, 4, 4, 1, 1 // next, length, type, segments left, last entry
	copy(srh[8:], net.ParseIP(next))
	copy(srh[24:], net.ParseIP(segment))
	return b
}
