package difftest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A stack is a valid packet and, for every form that matches it, how many of
// its bytes the form needs.
type stack struct {
	name, packet string
	needs        map[string]int
}

const (
	macs    = "00112233445566778899aabb"
	tags    = "88a800c8 81000064"
	tcpWire = "1f900050 00000001 00000002 5012ffff abcd0003"
	udpWire = "14e90035 000c1234 68692121"
	ping    = "0800f7fd 00010002"
	ping6   = "8000abcd 00010002"
)

// ipv4Wire is a header of ihl words; its options are no-operations.
func ipv4Wire(ihl int, protocol string) string {
	return fmt.Sprintf("4%x00 0054 1234 4000 40%s 0000 0a000001 0a000002", ihl, protocol) + strings.Repeat("01010101", ihl-5)
}

func ipv6Wire(next string) string {
	return "60000000 0014" + next + "40 20010db8000000000000000000000001 20010db8000000000000000000000002"
}

var stacks = []stack{
	{"eth/arp", macs + "0806 0001 0800 06 04 0001 66778899aabb 0a000001 000000000000 0a000002", map[string]int{"arp": 42, "arp :vlan t": 42}},
	{"eth/vlan/vlan/arp", macs + tags + "0806 0001 0800 06 04 0001 66778899aabb 0a000001 000000000000 0a000002", map[string]int{"vlan": 18, "arp :vlan t": 50}},
	{"eth/ipv4/tcp", macs + "0800" + ipv4Wire(5, "06") + tcpWire,
		map[string]int{"ipv4": 34, "ipv4 :options t": 34, "ipv4 :options t :vlan t": 34, "tcp": 54, "tcp :options t": 54, "tcp :vlan t": 54, "tcp :options t :vlan t": 54}},
	{"eth/ipv4 with 8 bytes of options/tcp", macs + "0800" + ipv4Wire(7, "06") + tcpWire,
		map[string]int{"ipv4": 34, "ipv4 :options t": 42, "ipv4 :options t :vlan t": 42, "tcp :options t": 62, "tcp :options t :vlan t": 62}},
	{"eth/vlan/ipv4 with 40 bytes of options/tcp", macs + "8100 0064 0800" + ipv4Wire(15, "06") + tcpWire,
		map[string]int{"vlan": 18, "ipv4 :options t :vlan t": 78, "tcp :options t :vlan t": 98}},
	{"eth/vlan/vlan/ipv4/tcp", macs + tags + "0800" + ipv4Wire(5, "06") + tcpWire,
		map[string]int{"vlan": 18, "ipv4 :options t :vlan t": 42, "tcp :vlan t": 62, "tcp :options t :vlan t": 62}},
	{"eth/ipv4/udp", macs + "0800" + ipv4Wire(5, "11") + udpWire,
		map[string]int{"ipv4": 34, "ipv4 :options t": 34, "ipv4 :options t :vlan t": 34, "udp": 42, "udp :options t :vlan t": 42}},
	{"eth/ipv4/icmp", macs + "0800" + ipv4Wire(5, "01") + ping,
		map[string]int{"ipv4": 34, "ipv4 :options t": 34, "ipv4 :options t :vlan t": 34, "icmp": 42, "icmp :options t :vlan t": 42}},
	{"eth/vlan/vlan/ipv4 with options/icmp", macs + tags + "0800" + ipv4Wire(6, "01") + ping,
		map[string]int{"vlan": 18, "ipv4 :options t :vlan t": 46, "icmp :options t :vlan t": 54}},
	{"eth/ipv6/tcp", macs + "86dd" + ipv6Wire("06") + tcpWire, map[string]int{"ipv6": 54, "ipv6 :vlan t": 54, "tcp :version 6": 74, "tcp :version 6 :vlan t": 74}},
	{"eth/vlan/vlan/ipv6/tcp", macs + tags + "86dd" + ipv6Wire("06") + tcpWire, map[string]int{"vlan": 18, "ipv6 :vlan t": 62, "tcp :version 6 :vlan t": 82}},
	{"eth/ipv6/udp", macs + "86dd" + ipv6Wire("11") + udpWire, map[string]int{"ipv6": 54, "ipv6 :vlan t": 54, "udp :version 6": 62}},
	{"eth/ipv6/icmpv6", macs + "86dd" + ipv6Wire("3a") + ping6, map[string]int{"ipv6": 54, "ipv6 :vlan t": 54, "icmpv6": 62, "icmpv6 :vlan t": 62}},
	{"eth/vlan/ipv6/icmpv6", macs + "81000064 86dd" + ipv6Wire("3a") + ping6, map[string]int{"vlan": 18, "ipv6 :vlan t": 58, "icmpv6 :vlan t": 66}},
	{"ipv4 with IHL 4", macs + "0800 44" + ipv4Wire(5, "06")[2:] + tcpWire, map[string]int{"ipv4": 34}},
}

// headerForms are the macros without with- and parse-.
var headerForms = []string{"eth", "vlan", "arp", "arp :vlan t", "ipv4", "ipv4 :options t", "ipv4 :options t :vlan t", "ipv6", "ipv6 :vlan t",
	"tcp", "tcp :options t", "tcp :vlan t", "tcp :options t :vlan t", "tcp :version 6", "tcp :version 6 :vlan t",
	"udp", "udp :options t :vlan t", "udp :version 6", "icmp", "icmp :options t :vlan t", "icmpv6", "icmpv6 :vlan t"}

// readAll is a sum of every field of a header; addresses by first and last byte.
var readAll = map[string]string{
	"eth":    "(eth-type h) (eth-dst-mac-hi h) (eth-dst-mac-lo h) (eth-src-mac-hi h) (eth-src-mac-lo h) (load u8 (eth-dst-mac-ptr h)) (load u8 (eth-src-mac-ptr h) 5)",
	"vlan":   "(vlan-tci h) (vlan-type h)",
	"arp":    "(arp-hw-type h) (arp-proto-type h) (arp-hw-len h) (arp-proto-len h) (arp-op h) (arp-sender-ip h) (arp-target-ip h) (arp-sender-mac-hi h) (arp-target-mac-lo h) (load u8 (arp-sender-mac-ptr h)) (load u8 (arp-target-mac-ptr h) 5)",
	"ipv4":   "(ipv4-ver-ihl h) (ipv4-tos h) (ipv4-total-len h) (ipv4-id h) (ipv4-frag-off h) (ipv4-ttl h) (ipv4-protocol h) (ipv4-checksum h) (ipv4-src-addr h) (ipv4-dst-addr h)",
	"ipv6":   "(ipv6-ver-tc-flow h) (ipv6-payload-len h) (ipv6-nexthdr h) (ipv6-hop-limit h) (ipv6-src-addr-hi h) (ipv6-src-addr-lo h) (ipv6-dst-addr-hi h) (ipv6-dst-addr-lo h) (load u8 (ipv6-dst-addr-ptr h) 15)",
	"tcp":    "(tcp-src-port h) (tcp-dst-port h) (tcp-seq h) (tcp-ack-seq h) (tcp-data-off h) (tcp-flags h) (tcp-window h) (tcp-checksum h) (tcp-urg-ptr h)",
	"udp":    "(udp-src-port h) (udp-dst-port h) (udp-length h) (udp-checksum h)",
	"icmp":   "(icmp-type h) (icmp-code h) (icmp-checksum h) (icmp-rest h) (icmp-echo-id h) (icmp-echo-sequence h) (icmp-mtu h) (icmp-gateway h)",
	"icmpv6": "(icmpv6-type h) (icmpv6-code h) (icmpv6-checksum h) (icmpv6-rest h) (icmpv6-echo-id h) (icmpv6-echo-sequence h) (icmpv6-mtu h)",
}

// truncatedSource has two programs per form, w0, p0, w1, p1 and so on, which
// return hit where the form matches.
func truncatedSource(progType, hit, miss string) string {
	var b strings.Builder
	b.WriteString("(defmap out :type :array :key u32 :value u64 :max-entries 1)\n")
	for i, f := range headerForms {
		name, keys, _ := strings.Cut(f, " ")
		sum := readAll[name]
		read := "(setf (getmap out 0) (+ " + sum + ")) (return " + hit + ")"
		with := "with-" + name + " (data end h " + keys + ")"
		if name == "eth" {
			with = "with-eth (h end)"
		}
		fmt.Fprintf(&b, "(defprog w%d (:type %s) (%s %s) %s)\n", i, progType, with, read, miss)
		fmt.Fprintf(&b, "(defprog p%d (:type %s) (when-let ((h (parse-%s (ctx data) (ctx data-end) %s))) %s) %s)\n", i, progType, name, keys, read, miss)
	}
	return b.String()
}

// shortestSKB is the length from which on the kernel makes an skb of a
// packet: one byte behind the Ethernet header, or the IP header that the
// ethertype promises.
func shortestSKB(full []byte) int {
	switch eth := abi.HeaderByName("eth").Size; int64(full[12])<<8 | int64(full[13]) {
	case constant("ETH_P_IP"):
		return eth + abi.HeaderByName("ipv4").Size
	case constant("ETH_P_IPV6"):
		return eth + abi.HeaderByName("ipv6").Size
	default:
		return eth + 1
	}
}

func constant(name string) int64 {
	n, ok := abi.Constant(name)
	if !ok {
		panic("no constant " + name)
	}
	return n
}

// TestTruncatedPackets cuts valid packets at every length. All executions
// must agree, none may read beyond the end, and a form matches from the
// length on that it needs, not one byte earlier.
func TestTruncatedPackets(t *testing.T) {
	for _, kind := range []struct {
		name, typ, hit, miss string
		hits, misses         uint32
		shortest             func(full []byte) int // that the kernel's test run takes
	}{
		{"xdp", ":xdp", "XDP_DROP", "XDP_PASS", 1, 2, func([]byte) int { return 14 }},
		{"tc", ":tc", "TC_ACT_SHOT", "TC_ACT_OK", 2, 0, shortestSKB},
	} {
		t.Run(kind.name, func(t *testing.T) {
			u, err := Compile("truncated.lisp", truncatedSource(kind.typ, kind.hit, kind.miss), nil, 3)
			if err != nil {
				t.Fatal(err)
			}
			ways, err := u.Simulated()
			if err != nil {
				t.Fatal(err)
			}
			if Privileged() {
				k, done, err := u.Kernel()
				if err != nil {
					t.Fatal(err)
				}
				defer done()
				ways = append(ways, k)
			} else {
				t.Log("not compared with the kernel: needs root")
			}
			runs := 0
			for _, s := range stacks {
				full, err := hex.DecodeString(strings.ReplaceAll(s.packet, " ", ""))
				if err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
				s.needs["eth"] = 14
				for i, f := range headerForms {
					need := s.needs[f]
					for _, prog := range []string{"w", "p"} {
						for n := 1; n <= len(full); n++ {
							want := kind.misses
							if need > 0 && n >= need {
								want = kind.hits
							}
							var first *Outcome
							for _, w := range ways {
								if w.Name == "kernel" && n < kind.shortest(full) {
									continue
								}
								o, err := w.Run(fmt.Sprint(prog, i), full[:n:n])
								runs++
								switch {
								case err != nil:
									t.Fatalf("%s, %d bytes, %s%s in %s: %v", s.name, n, prog, f, w.Name, err)
								case o.Result != want:
									t.Fatalf("%s, %d bytes, %s %s in %s: result %d, want %d", s.name, n, prog, f, w.Name, o.Result, want)
								case first == nil:
									first = o
								case o.String() != first.String():
									t.Fatalf("%s, %d bytes, %s %s: %s differs from %s:\n%v\n%v", s.name, n, prog, f, w.Name, ways[0].Name, o, first)
								}
							}
						}
					}
				}
			}
			t.Logf("%d runs", runs)
		})
	}
}
