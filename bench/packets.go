//go:build linux

package main

import "encoding/binary"

// TCP flags.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func le16(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }

func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// cat joins bytes into new ones.
func cat(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// eth is a frame; tags are VLAN ids, the outermost first.
func eth(payload []byte, tags ...int) []byte {
	kind := 0x0800
	if len(payload) > 0 && payload[0]>>4 == 6 {
		kind = 0x86dd
	}
	out := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for i, id := range tags {
		tpid := 0x8100
		if i == 0 && len(tags) > 1 {
			tpid = 0x88a8
		}
		out = cat(out, be16(tpid), be16(id))
	}
	return cat(out, be16(kind), payload)
}

// checksum is the Internet checksum of bytes.
func checksum(b []byte) int {
	sum := 0
	for i := 0; i+1 < len(b); i += 2 {
		sum += int(b[i])<<8 | int(b[i+1])
	}
	if len(b)%2 == 1 {
		sum += int(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^sum & 0xffff
}

// A host is an IPv4 address.
type host = [4]byte

var (
	alice = host{10, 0, 0, 1}
	bob   = host{10, 0, 0, 2}
	carol = host{192, 168, 7, 9}
)

// ip4 is an IPv4 packet; the length of options is a multiple of 4.
func ip4(proto byte, src, dst host, options, payload []byte) []byte {
	head := cat([]byte{byte(0x45 + len(options)/4), 0}, be16(20+len(options)+len(payload)),
		be16(0x1234), be16(0x4000), []byte{64, proto, 0, 0}, src[:], dst[:], options)
	copy(head[10:], be16(checksum(head)))
	return cat(head, payload)
}

// ip6 is an IPv6 packet between two addresses that end in src and dst.
func ip6(next byte, src, dst byte, payload []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{next, 64},
		[]byte{0x20, 1, 0xd, 0xb8, 15: src}, []byte{0x20, 1, 0xd, 0xb8, 15: dst}, payload)
}

// tcp is a segment without its checksum; the length of options is a multiple of 4.
func tcp(sport, dport int, flags byte, options, payload []byte) []byte {
	return cat(be16(sport), be16(dport), be32(1000), be32(2000), []byte{byte(5+len(options)/4) << 4, flags},
		be16(29200), be16(0xbeef), be16(0), options, payload)
}

// udp is a datagram with a made-up checksum.
func udp(sport, dport int, payload []byte) []byte {
	return cat(be16(sport), be16(dport), be16(8+len(payload)), be16(0xbeef), payload)
}

// tcp4 and udp4 are frames from alice to bob.
func tcp4(sport, dport int, flags byte, payload ...byte) []byte {
	return eth(ip4(6, alice, bob, nil, tcp(sport, dport, flags, nil, payload)))
}

func udp4(sport, dport int, payload ...byte) []byte {
	return eth(ip4(17, alice, bob, nil, udp(sport, dport, payload)))
}

// text is the bytes of a string, padded with zeros to n.
func text(s string, n int) []byte {
	b := make([]byte, max(n, len(s)))
	copy(b, s)
	return b
}
