package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/types"
)

// headerNames maps accessors to fields of the kernel's headers where the
// name is not the kernel's own. Offsets and sizes are the kernel's.
var headerNames = map[string]struct {
	header, field string
	add, size     int // a part of the field: offset in it and bytes; size 0 for all of it
}{
	"ETH-TYPE": {"eth", "h_proto", 0, 0}, "ETH-DST-MAC-HI": {"eth", "h_dest", 0, 4}, "ETH-DST-MAC-LO": {"eth", "h_dest", 4, 2},
	"ETH-SRC-MAC-HI": {"eth", "h_source", 0, 4}, "ETH-SRC-MAC-LO": {"eth", "h_source", 4, 2},
	"IPV4-TOTAL-LEN": {"ipv4", "tot_len", 0, 0}, "IPV4-SRC-ADDR": {"ipv4", "saddr", 0, 0}, "IPV4-DST-ADDR": {"ipv4", "daddr", 0, 0},
	"IPV4-CHECKSUM": {"ipv4", "check", 0, 0}, "IPV4-FRAG-OFF": {"ipv4", "frag_off", 0, 0},
	"IPV6-PAYLOAD-LEN": {"ipv6", "payload_len", 0, 0}, "IPV6-HOP-LIMIT": {"ipv6", "hop_limit", 0, 0},
	"IPV6-SRC-ADDR-HI": {"ipv6", "saddr", 0, 8}, "IPV6-SRC-ADDR-LO": {"ipv6", "saddr", 8, 8},
	"IPV6-DST-ADDR-HI": {"ipv6", "daddr", 0, 8}, "IPV6-DST-ADDR-LO": {"ipv6", "daddr", 8, 8},
	"TCP-SRC-PORT": {"tcp", "source", 0, 0}, "TCP-DST-PORT": {"tcp", "dest", 0, 0}, "TCP-CHECKSUM": {"tcp", "check", 0, 0},
	"UDP-SRC-PORT": {"udp", "source", 0, 0}, "UDP-DST-PORT": {"udp", "dest", 0, 0}, "UDP-LENGTH": {"udp", "len", 0, 0},
	"UDP-CHECKSUM": {"udp", "check", 0, 0}, "ICMP-CHECKSUM": {"icmp", "checksum", 0, 0}, "ICMP-REST": {"icmp", "un_gateway", 0, 0},
	"VLAN-TCI": {"vlan", "h_vlan_TCI", 0, 0}, "VLAN-TYPE": {"vlan", "h_vlan_encapsulated_proto", 0, 0},
	"ARP-OP": {"arp", "ar_op", 0, 0},
}

// headerConstants are names for kernel constants, and for sizes and bits of
// headers.
var headerConstants = map[string]string{
	"+ETHERTYPE-IPV4+": "ETH_P_IP", "+ETHERTYPE-IPV6+": "ETH_P_IPV6", "+ETHERTYPE-ARP+": "ETH_P_ARP", "+ETHERTYPE-VLAN+": "ETH_P_8021Q",
	"+IP-PROTO-ICMP+": "IPPROTO_ICMP", "+IP-PROTO-TCP+": "IPPROTO_TCP", "+IP-PROTO-UDP+": "IPPROTO_UDP", "+IP-PROTO-ICMPV6+": "IPPROTO_ICMPV6",
}

// headerConstant finds +eth-hdr-len+, +tcp-syn+, +ethertype-ipv4+ and so on.
func headerConstant(name string) (int64, bool) {
	if c, ok := headerConstants[name]; ok {
		return abi.Constant(c)
	}
	body, ok := strings.CutPrefix(strings.TrimSuffix(name, "+"), "+")
	if !ok {
		return 0, false
	}
	if h, isLen := strings.CutSuffix(body, "-HDR-LEN"); isLen {
		if hdr := abi.HeaderByName(strings.ToLower(h)); hdr != nil {
			return int64(hdr.Size), true
		}
	}
	if flag, isTCP := strings.CutPrefix(body, "TCP-"); isTCP {
		// The flag bits stand in the byte behind the data offset's.
		if f := abi.HeaderByName("tcp").Field(strings.ToLower(flag)); f != nil && f.BitSize == 1 && f.BitOffset >= 8 {
			return 1 << (f.BitOffset - 8), true
		}
	}
	return 0, false
}

// A headerField is a part of a packet header.
type headerField struct {
	off, size int
	net       bool
}

// headerAccessor finds what (tcp-dst-port p) reads.
func headerAccessor(name string) (headerField, bool) {
	if name == "IPV4-VER-IHL" || name == "TCP-FLAGS" || name == "TCP-DATA-OFF" || name == "IPV6-VER-TC-FLOW" {
		// bytes that C sees as bit fields only
		switch name {
		case "IPV4-VER-IHL":
			return headerField{abi.HeaderByName("ipv4").Field("ihl").Offset, 1, false}, true
		case "TCP-FLAGS":
			return headerField{abi.HeaderByName("tcp").Field("fin").Offset + 1, 1, false}, true
		case "TCP-DATA-OFF":
			return headerField{abi.HeaderByName("tcp").Field("fin").Offset, 1, false}, true
		}
		return headerField{0, 4, true}, true
	}
	if r, ok := headerNames[name]; ok {
		f := abi.HeaderByName(r.header).Field(r.field)
		if f == nil {
			panic(bug("no field %s in %s", r.field, r.header))
		}
		if r.size > 0 {
			return headerField{f.Offset + r.add, r.size, false}, true
		}
		return headerField{f.Offset, f.Size * max(1, f.Count), wireOrder(r.header, f)}, true
	}
	head, field, ok := strings.Cut(name, "-")
	if !ok {
		return headerField{}, false
	}
	h := abi.HeaderByName(strings.ToLower(head))
	if h == nil {
		return headerField{}, false
	}
	f := h.Field(field)
	if f == nil || f.BitSize != 0 || f.Count > 1 || types.ScalarOf(f.Size, false) == nil {
		return headerField{}, false
	}
	return headerField{f.Offset, f.Size, wireOrder(h.Name, f)}, true
}

// wireOrder reports whether an accessor swaps: addresses and checksums are
// given as they stand in the packet.
func wireOrder(header string, f *abi.HeaderField) bool {
	return f.NetOrder && !strings.Contains(f.Name, "addr") && !strings.Contains(f.Name, "gateway")
}

func (h headerField) lower(l *lowerer, c *call) val {
	if len(c.args) != 1 {
		panic(l.arity(c.head.Display(), "pointer", len(c.args)))
	}
	p := c.arg(0)
	l.wantPtr(c, 0, p)
	v := l.loadAt(p, int64(h.off), types.ScalarOf(h.size, false))
	if h.net {
		return l.swap(v, h.size)
	}
	return v
}

// set stores argument i of c into the field.
func (h headerField) set(l *lowerer, pc, c *call, i int) val {
	if len(pc.args) != 1 {
		panic(l.arity(pc.head.Display(), "pointer", len(pc.args)))
	}
	p := pc.arg(0)
	l.wantPtr(pc, 0, p)
	v := c.int(i)
	w := v
	if h.net {
		w = l.swap(v, h.size)
	}
	l.storeAt(p, int64(h.off), h.size, w.v)
	return val{l.truncate(v, types.ScalarOf(h.size, false)), types.ScalarOf(h.size, false)}
}
