//go:build linux

package main

import (
	"encoding/binary"
	"hash/crc32"
	"os"
)

// plain is traffic that most programs find something in.
func plain() []input {
	opts := []byte{1, 1, 1, 0}
	return packets(
		tcp4(40000, 80, syn),
		tcp4(40000, 443, syn|ack),
		tcp4(40001, 22, ack|psh, filler(40)...),
		tcp4(40001, 8080, fin|ack),
		tcp4(40001, 25, rst),
		udp4(5353, 53, filler(30)...),
		udp4(53, 33000, filler(64)...),
		udp4(1000, 2000),
		eth(ip4(1, alice, bob, nil, cat([]byte{8, 0, 0x12, 0x34}, filler(60)))),
		eth(ip4(6, carol, bob, opts, tcp(1, 80, syn, nil, nil))),
		eth(ip4(17, carol, bob, cat(opts, opts), udp(1, 53, filler(9)))),
		eth(ip4(2, carol, bob, nil, filler(30))),
		eth(ip6(6, 1, 2, tcp(1, 80, syn, nil, nil))),
		eth(ip6(17, 1, 2, udp(9, 53, filler(20)))),
		eth(ip6(58, 1, 2, cat([]byte{128, 0, 0, 0}, filler(60)))),
		eth(ip4(6, alice, carol, nil, tcp(1, 443, ack, nil, nil)), 100),
		eth(ip4(17, alice, carol, nil, udp(1, 443, nil)), 100, 200),
		eth(ip6(17, 1, 3, udp(1, 443, nil)), 100, 200),
		eth(ip4(17, alice, carol, nil, udp(1, 443, filler(800)))),
		cat(eth(nil)[:12], be16(0x0806), filler(40)),
	)
}

// dnsQuery asks for a name, given with its length bytes.
func dnsQuery(flags, kind int, name string) []byte {
	return udp4(40000, 53, cat(be16(7), be16(flags), be16(1), be16(0), be16(0), be16(0), []byte(name), []byte{0}, be16(kind), be16(1))...)
}

// fnv is the hash that dns-block looks up.
func fnv(name string) []byte {
	h := uint64(0xcbf29ce484222325)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return le64(h)
}

func http(dport int, request string) []byte {
	return tcp4(40000, dport, ack|psh, text(request, 40)...)
}

// withCRC is a payload with its CRC-32 behind it.
func withCRC(b []byte) []byte { return cat(b, le32(crc32.ChecksumIEEE(b))) }

func vxlan(flags, vni uint32, inner []byte) []byte {
	return udp4(50000, 4789, cat(be32(flags), be32(vni<<8), inner)...)
}

func rule(src host, srcBits int, dst host, dstBits int, lo, hi int, proto, action byte) []byte {
	net := func(a host, bits int) []byte {
		m := ^uint32(0) << (32 - bits)
		return cat(be32(binary.BigEndian.Uint32(a[:])&m), be32(m))
	}
	return cat(net(src, srcBits), net(dst, dstBits), le16(lo), le16(hi), []byte{proto, 1, action, 0}, le64(0))
}

// rules of acl-rules: many that do not match, then some that do.
func rules() (entries [][]byte) {
	add := func(r []byte) { entries = append(entries, le32(uint32(len(entries)/2)), r) }
	for i := range 20 {
		add(rule(host{172, 16, byte(i), 0}, 24, host{}, 0, 0, 65535, 0, 1))
	}
	add(rule(alice, 32, host{}, 0, 22, 22, 6, 1))
	add(rule(host{10, 0, 0, 0}, 8, bob, 32, 0, 1023, 6, 2))
	add(rule(host{}, 0, host{}, 0, 53, 53, 17, 2))
	add(rule(carol, 24, host{}, 0, 0, 65535, 0, 1))
	add(rule(host{}, 0, host{}, 0, 0, 0, 1, 2))
	return entries
}

// args are the arguments of a raw tracepoint.
func args(numbers ...uint64) input {
	var in input
	for _, n := range numbers {
		in.args = append(in.args, le64(n)...)
	}
	return in
}

func repeat(in []input, times int) (out []input) {
	for range times {
		out = append(out, in...)
	}
	return out
}

func pairs() []*pair {
	ping := eth(ip4(1, alice, bob, nil, cat([]byte{8, 0, 0x12, 0x34, 0, 1, 0, 2}, filler(56))))
	mss := func(options ...byte) []byte {
		return eth(ip4(6, alice, bob, nil, tcp(40000, 80, syn, options, nil)))
	}
	from := func(src, dst host, sport, dport int, flags byte) []byte {
		return eth(ip4(6, src, dst, nil, tcp(sport, dport, flags, nil, nil)))
	}
	ext := func(next byte, units int) []byte { return cat([]byte{next, byte(units)}, make([]byte, 6+8*units)) }
	list := []*pair{
		{name: "proto-stats", program: "proto_stats", inputs: plain()},
		{name: "port-hits", program: "port_hits", inputs: plain()},
		{name: "flow-stats", program: "flow_stats", inputs: plain()},
		{name: "lpm-filter", program: "lpm_filter", inputs: plain(),
			setup: all(
				entriesOf("nets4", cat(le32(8), []byte{10, 0, 0, 0}), le32(1), cat(le32(32), bob[:]), le32(0), cat(le32(16), []byte{192, 168, 0, 0}), le32(1)),
				entriesOf("nets6", cat(le32(32), []byte{0x20, 1, 0xd, 0xb8}, make([]byte, 12)), le32(1))),
		},
		{name: "rate-limit", program: "rate_limit", inputs: repeat(plain(), 2), masks: []mask{{"windows", 0, 8}}},
		{name: "token-bucket", program: "token_bucket", inputs: repeat(packets(udp4(1, 53), udp4(1, 80), tcp4(1, 2, syn)), 14), masks: []mask{{"buckets", 8, 8}}},
		{name: "l4-balance", program: "l4_balance", timed: &input{packet: tcp4(40000, 9000, ack)}, // its backend is the service itself
			inputs: append(packets(tcp4(40000, 80, syn), tcp4(40001, 80, ack), tcp4(40002, 80, ack), udp4(1000, 53, filler(20)...), udp4(1001, 53), udp4(1002, 5353), tcp4(1, 443, syn)), plain()...),
			setup: all(
				entriesOf("services", cat(bob[:], be16(80), []byte{6, 0}), cat(le32(0), le32(3)), cat(bob[:], be16(53), []byte{17, 0}), cat(le32(3), le32(2)), cat(bob[:], be16(443), []byte{6, 0}), cat(le32(0), le32(0)), cat(bob[:], be16(5353), []byte{17, 0}), cat(le32(5000), le32(1)), cat(bob[:], be16(9000), []byte{6, 0}), cat(le32(5), le32(1))),
				func(o *object) error {
					if err := o.fill("backends", le32(5), cat(bob[:], be16(9000), []byte{2, 9, 9, 9, 9, 5}, le32(0), le64(0))); err != nil {
						return err
					}
					for i := range uint32(5) {
						if err := o.fill("backends", le32(i), cat([]byte{10, 1, 0, byte(i)}, be16(8000+int(i)), []byte{2, 9, 9, 9, 9, byte(i)}, le32(0), le64(0))); err != nil {
							return err
						}
					}
					return nil
				}),
		},
		{name: "icmp-echo", program: "icmp_echo", repeats: 1, inputs: append(packets(ping), plain()...)},
		{name: "conn-events", program: "conn_events", repeats: 50, inputs: plain(), masks: []mask{{"events", 0, 8}}},
		{name: "size-hist", program: "size_hist", inputs: plain()},
		{name: "runqlat"},
		{name: "syscall-count", program: "syscall_count", inputs: []input{args(0, 1), args(0, 1), args(0, 257), args(5, 0xffffffffffffffff), args(1, 1<<32)}},
		{name: "tail-dispatch", program: "dispatch", inputs: plain()},
		{name: "ecmp-jhash", program: "ecmp_jhash", repeats: 50,
			inputs: append(packets(eth(ip6(6, 1, 2, tcp(1, 80, syn, nil, nil)))), plain()...),
			setup: func(o *object) error {
				for i := range uint32(16) {
					if err := o.fill("hops", le32(i), cat([]byte{2, 1, 1, 1, 1, byte(i)}, []byte{2, 2, 2, 2, 2, byte(i)}, le32(0))); err != nil {
						return err
					}
				}
				return nil
			},
		},
		{name: "syn-cookie", program: "syn_cookie", repeats: 1, inputs: append(packets(tcp4(40000, 80, syn), mss(2, 4, 5, 0xb4, 1, 3, 3, 7)), plain()...)},
		{name: "payload-crc", program: "payload_crc",
			inputs: packets(udp4(1, 7000, withCRC(filler(32))...), udp4(1, 7000, withCRC(nil)...), udp4(1, 7000, withCRC(filler(64))...), udp4(1, 7000, withCRC(filler(65))...), udp4(1, 7000, filler(30)...), udp4(1, 7000, 1, 2), udp4(1, 7001, filler(20)...))},
		{name: "connect-redirect", events: connects,
			setup: entriesOf("targets",
				cat([]byte{192, 0, 2, 1}, le16(80), []byte{17, 0}), cat([]byte{127, 0, 0, 1}, le16(8080), le16(0)),
				cat([]byte{192, 0, 2, 2}, le16(80), []byte{17, 0}), cat([]byte{127, 0, 0, 2}, le16(0), le16(0)),
				cat([]byte{192, 0, 2, 3}, le16(80), []byte{17, 0}), cat([]byte{127, 0, 0, 3}, le16(0), le16(1)))},
		{name: "cgroup-policy", program: "cgroup_policy", inputs: plain(),
			setup: entriesOf("policy",
				cat(bob[:], le16(80), []byte{6, 0}), cat(le32(1), le32(0), le64(0)),
				cat(bob[:], le16(0), []byte{17, 0}), cat(le32(7), le32(0), le64(0)),
				cat(bob[:], le16(22), []byte{6, 0}), cat(le32(0), le32(0), le64(0)),
				cat(bob[:], le16(0), []byte{1, 0}), cat(le32(1), le32(0), le64(0)))},
		{name: "http-filter", program: "http_filter",
			inputs: append(packets(http(80, "GET /admin/x HTTP/1.1"), http(80, "GET / HTTP/1.1"), http(8080, "POST /metrics HTTP/1.1"), http(80, "PUT /admin"), http(80, "DELETE /adminx"), http(80, "DELETE /metric "), http(80, "HEAD /admin"), http(81, "GET /admin"), tcp4(1, 80, ack, []byte("GET /admin")...)), plain()...)},
		{name: "dns-block", program: "dns_block",
			inputs: append(packets(dnsQuery(0x100, 1, "\x07example\x03com"), dnsQuery(0x100, 1, "\x03AdS\x07exAMPLE\x03com"), dnsQuery(0x100, 28, "\x04only\x01a"), dnsQuery(0x100, 1, "\x04only\x01a"), dnsQuery(0x8100, 1, "\x07example\x03com"), dnsQuery(0, 1, "\x3f"+string(filler(63)))), plain()...),
			setup:  entriesOf("blocked", fnv("\x07example\x03com"), make([]byte, 16), fnv("\x03ads\x07example\x03com"), make([]byte, 16), fnv("\x04only\x01a"), cat(le64(0), le16(1), make([]byte, 6)))},
		{name: "port-class", program: "port_class", inputs: append(manyPorts(), plain()...)},
		{name: "dscp-mark", program: "dscp_mark", repeats: 1, inputs: plain(),
			setup: entriesOf("markings", le16(80), cat([]byte{46, 0, 0, 0}, le32(5)), le16(53), cat([]byte{255, 0, 0, 0}, le32(6)), le16(443), cat([]byte{0, 0, 0, 0}, le32(7)))},
		{name: "dedupe", program: "dedupe", inputs: repeat(plain(), 2)},
		{name: "conntrack", program: "conntrack", masks: []mask{{"conns", 16, 8}}, inputs: append(repeat(packets(
			from(alice, bob, 1000, 80, syn), from(bob, alice, 80, 1000, syn|ack), from(alice, bob, 1000, 80, ack),
			from(alice, bob, 1000, 80, ack|psh), from(bob, alice, 80, 1000, ack), from(alice, bob, 1000, 80, syn), from(bob, alice, 80, 1000, fin|ack),
			from(alice, bob, 1000, 80, ack), from(alice, bob, 1000, 80, fin|ack), from(alice, bob, 1000, 80, ack),
			from(carol, alice, 5, 6, ack), from(carol, alice, 5, 6, syn), from(carol, alice, 5, 6, ack), from(alice, carol, 6, 5, rst), from(carol, carol, 9, 8, syn), from(carol, carol, 8, 9, ack)), 2), plain()...),
			timed: &input{packet: from(bob, alice, 80, 1000, ack)}},
		{name: "vxlan-decap", program: "vxlan_decap", repeats: 1,
			inputs: append(packets(vxlan(0x08000000, 7, ping), vxlan(0x08000000, 8, ping), vxlan(0x08000000, 9, ping), vxlan(0, 7, ping), vxlan(0x08000000, 10, ping)), plain()...),
			setup:  entriesOf("tunnels", le32(7), make([]byte, 24), le32(8), cat(alice[:], make([]byte, 20)), le32(9), cat(bob[:], make([]byte, 20)))},
		{name: "ipip-encap", program: "ipip_encap", repeats: 1, inputs: plain(),
			setup: entriesOf("vips", bob[:], cat([]byte{10, 9, 9, 9}, []byte{10, 8, 8, 8}, []byte{2, 7, 7, 7, 7, 7}, le16(0), le64(0)))},
		{name: "port-knock", program: "port_knock", masks: []mask{{"sources", 8, 8}},
			inputs: append(packets(tcp4(1, 22, syn), tcp4(1, 7001, syn), tcp4(1, 8002, syn), tcp4(1, 9003, syn), tcp4(1, 22, syn), tcp4(1, 8002, syn), tcp4(1, 22, syn), from(carol, bob, 1, 9003, syn), from(carol, bob, 1, 7001, syn), from(carol, bob, 1, 7001, syn)), plain()...)},
		{name: "sampler", program: "sampler", inputs: repeat(plain(), 3), masks: []mask{{"samples", 0, 8}}},
		{name: "acl-rules", program: "acl_rules", inputs: plain(), setup: entriesOf("rules", rules()...)},
		{name: "chacha", program: "chacha", inputs: packets(udp4(1, 7777, filler(64)...), udp4(1, 7777, filler(100)...), udp4(1, 7777, filler(63)...), udp4(1, 7778, filler(64)...)),
			setup: entriesOf("secrets", le32(0), cat(filler(44), le32(1)))},
		{name: "mss-clamp", program: "mss_clamp", repeats: 1,
			inputs: append(packets(mss(2, 4, 5, 0xb4), mss(1, 1, 2, 4, 5, 0xb4, 0, 0), mss(2, 4, 1, 0), mss(3, 3, 7, 1, 8, 10, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5, 0xb4, 1, 1), mss(8, 1, 0, 0), mss(1, 1, 1, 0)), plain()...)},
		{name: "open-watch", events: opens, constants: map[string]any{"target_pid": uint32(os.Getpid())}},
		{name: "ipv6-ext", program: "ipv6_ext",
			inputs: append(packets(eth(ip6(0, 1, 2, cat(ext(60, 0), ext(6, 1), tcp(1, 2, syn, nil, nil)))), eth(ip6(43, 1, 2, ext(6, 0))), eth(ip6(44, 1, 2, cat([]byte{17, 0, 0, 1, 0, 0, 0, 1}, udp(1, 2, nil)))), eth(ip6(44, 1, 2, cat([]byte{17, 0, 1, 1, 0, 0, 0, 1}, udp(1, 2, nil)))), eth(ip6(0, 1, 2, cat(ext(0, 0), ext(0, 0), ext(0, 0), ext(0, 0), ext(0, 0), ext(0, 0), ext(0, 0), ext(0, 0), ext(6, 0)))), eth(ip6(0, 1, 2, cat(ext(43, 0), ext(6, 0))))), plain()...)},
		{name: "sock-filter", program: "sock_filter", inputs: plain()},
	}
	return list
}

// manyPorts has each class of port-class.
func manyPorts() (in []input) {
	for _, port := range []int{80, 8443, 22, 513, 53, 853, 25, 995, 3306, 27017, 20, 2049, 179, 1, 65535, 5353, 443, 3478, 5061, 67, 520, 8000, 9042, 6379} {
		in = append(in, packets(tcp4(1, port, ack), udp4(1, port))...)
	}
	return in
}
