package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/types"
)

// A headerField is a part of a packet header: what (tcp-dst-port p) reads.
type headerField struct {
	off int
	typ *types.Type
	net bool // converted from network order
	ptr bool // the accessor gives the field's address
}

// headerNames maps accessors to fields of the kernel's headers where the
// name is not the kernel's own. Offsets and sizes are the kernel's. A part
// of a field, which has a size here, is given as it stands in the packet.
var headerNames = map[string]struct {
	header, field string
	add, size     int // a part of the field: offset in it and bytes; size 0 for all of it
}{
	"ETH-TYPE":    {"eth", "h_proto", 0, 0},
	"ETH-DST-MAC": {"eth", "h_dest", 0, 6}, "ETH-DST-MAC-HI": {"eth", "h_dest", 0, 4}, "ETH-DST-MAC-LO": {"eth", "h_dest", 4, 2},
	"ETH-SRC-MAC": {"eth", "h_source", 0, 6}, "ETH-SRC-MAC-HI": {"eth", "h_source", 0, 4}, "ETH-SRC-MAC-LO": {"eth", "h_source", 4, 2},
	"IPV4-VER-IHL": {"ipv4", "ihl", 0, 1}, "IPV4-TOTAL-LEN": {"ipv4", "tot_len", 0, 0}, "IPV4-CHECKSUM": {"ipv4", "check", 0, 0},
	"IPV4-SRC-ADDR": {"ipv4", "saddr", 0, 0}, "IPV4-DST-ADDR": {"ipv4", "daddr", 0, 0},
	"IPV6-SRC-ADDR": {"ipv6", "saddr", 0, 16}, "IPV6-SRC-ADDR-HI": {"ipv6", "saddr", 0, 8}, "IPV6-SRC-ADDR-LO": {"ipv6", "saddr", 8, 8},
	"IPV6-DST-ADDR": {"ipv6", "daddr", 0, 16}, "IPV6-DST-ADDR-HI": {"ipv6", "daddr", 0, 8}, "IPV6-DST-ADDR-LO": {"ipv6", "daddr", 8, 8},
	"TCP-SRC-PORT": {"tcp", "source", 0, 0}, "TCP-DST-PORT": {"tcp", "dest", 0, 0}, "TCP-CHECKSUM": {"tcp", "check", 0, 0},
	"TCP-DATA-OFF": {"tcp", "doff", 0, 1}, "TCP-FLAGS": {"tcp", "doff", 1, 1}, "TCP-URGENT": {"tcp", "urg_ptr", 0, 0},
	"UDP-SRC-PORT": {"udp", "source", 0, 0}, "UDP-DST-PORT": {"udp", "dest", 0, 0}, "UDP-LENGTH": {"udp", "len", 0, 0},
	"UDP-CHECKSUM": {"udp", "check", 0, 0},
	"ICMP-REST":    {"icmp", "un_gateway", 0, 4}, "ICMP-GATEWAY": {"icmp", "un_gateway", 0, 4},
	"ICMP-ECHO-ID": {"icmp", "un_echo_id", 0, 0}, "ICMP-ECHO-SEQUENCE": {"icmp", "un_echo_sequence", 0, 0},
	"ICMP-MTU":    {"icmp", "un_frag_mtu", 0, 0},
	"ICMPV6-TYPE": {"icmpv6", "icmp6_type", 0, 0}, "ICMPV6-CODE": {"icmpv6", "icmp6_code", 0, 0}, "ICMPV6-CHECKSUM": {"icmpv6", "icmp6_cksum", 0, 0},
	"ICMPV6-REST": {"icmpv6", "icmp6_dataun_un_data32", 0, 4}, "ICMPV6-MTU": {"icmpv6", "icmp6_dataun_un_data32", 0, 0},
	"ICMPV6-ECHO-ID":       {"icmpv6", "icmp6_dataun_u_echo_identifier", 0, 0},
	"ICMPV6-ECHO-SEQUENCE": {"icmpv6", "icmp6_dataun_u_echo_sequence", 0, 0},
	"ARP-HW-TYPE":          {"arp", "ar_hrd", 0, 0}, "ARP-PROTO-TYPE": {"arp", "ar_pro", 0, 0}, "ARP-HW-LEN": {"arp", "ar_hln", 0, 0},
	"ARP-PROTO-LEN": {"arp", "ar_pln", 0, 0}, "ARP-OP": {"arp", "ar_op", 0, 0},
	"VLAN-TCI": {"vlan", "h_vlan_TCI", 0, 0}, "VLAN-TYPE": {"vlan", "h_vlan_encapsulated_proto", 0, 0},
}

// arpBody lists what follows the kernel's arphdr in ARP for IPv4 over
// Ethernet; its sizes are those of the headers that the addresses are for.
func arpBody() (fields map[string]headerField, end int) {
	mac := abi.HeaderByName("eth").Field("h_source")
	ip := abi.HeaderByName("ipv4").Field("saddr")
	fields, end = map[string]headerField{}, abi.HeaderByName("arp").Size
	for _, who := range []string{"ARP-SENDER-", "ARP-TARGET-"} {
		fields[who+"MAC"] = headerField{off: end, typ: types.ArrayOf(types.U8, mac.Count)}
		fields[who+"MAC-HI"] = headerField{off: end, typ: types.U32}
		fields[who+"MAC-LO"] = headerField{off: end + 4, typ: types.U16}
		end += mac.Count
		fields[who+"IP"] = headerField{off: end, typ: types.ScalarOf(ip.Size, false)}
		end += ip.Size
	}
	return fields, end
}

// headerAccessor finds what (tcp-dst-port p) reads, and with -ptr at the end
// of the name the address of that.
func headerAccessor(name string) (headerField, bool) {
	if base, isPtr := strings.CutSuffix(name, "-PTR"); isPtr {
		if f, ok := headerPart(base); ok {
			f.ptr = true
			return f, true
		}
	}
	f, ok := headerPart(name)
	return f, ok && f.typ.Kind == types.Int
}

func headerPart(name string) (headerField, bool) {
	head, field, ok := strings.Cut(name, "-")
	if !ok {
		return headerField{}, false
	}
	h := abi.HeaderByName(strings.ToLower(head))
	if h == nil {
		return headerField{}, false
	}
	if name == "IPV6-VER-TC-FLOW" { // the first word, which C sees as bit fields
		return headerField{off: 0, typ: types.U32, net: true}, true
	}
	if h.Name == "arp" {
		body, _ := arpBody()
		if f, ok := body[name]; ok {
			return f, true
		}
	}
	if r, ok := headerNames[name]; ok {
		f := abi.HeaderByName(r.header).Field(r.field)
		if f == nil {
			panic(bug("no field %s in %s", r.field, r.header))
		}
		if r.size > 0 {
			return headerField{off: f.Offset + r.add, typ: headerType(1, r.size)}, true
		}
		return headerField{off: f.Offset, typ: headerType(f.Size, f.Count), net: wireOrder(r.header, f)}, true
	}
	f := h.Field(field)
	if f == nil || f.BitSize != 0 {
		return headerField{}, false
	}
	return headerField{off: f.Offset, typ: headerType(f.Size, f.Count), net: wireOrder(h.Name, f)}, true
}

// headerAccessors lists the accessors' names, for suggestions.
func headerAccessors() (names []string) {
	for n := range headerNames {
		names = append(names, n)
	}
	body, _ := arpBody()
	for n := range body {
		names = append(names, n)
	}
	for _, h := range abi.Headers() {
		for _, f := range h.Fields {
			names = append(names, strings.ToUpper(h.Name+"-"+strings.ReplaceAll(f.Name, "_", "-")))
		}
	}
	good := names[:0]
	for _, n := range names {
		if _, ok := headerAccessor(n); ok {
			good = append(good, n)
		} else if f, ok := headerAccessor(n + "-PTR"); ok && f.ptr {
			good = append(good, n+"-PTR")
		}
	}
	return good
}

// headerType is a scalar where one has the size of the field, else an array.
func headerType(size, count int) *types.Type {
	if t := types.ScalarOf(size*count, false); t != nil {
		return t
	}
	return types.ArrayOf(types.ScalarOf(size, false), count)
}

// wireOrder reports whether an accessor swaps: addresses and checksums are
// given as they stand in the packet.
func wireOrder(header string, f *abi.HeaderField) bool {
	return f.NetOrder && f.Count <= 1 && !strings.Contains(f.Name, "addr") && !strings.Contains(f.Name, "gateway")
}

// headerConstants are names for kernel constants.
var headerConstants = map[string]string{
	"+ETHERTYPE-IPV4+": "ETH_P_IP", "+IP-PROTO-IPV6-ICMP+": "IPPROTO_ICMPV6", "+ETHERTYPE-VLAN+": "ETH_P_8021Q", "+ETHERTYPE-QINQ+": "ETH_P_8021AD",
}

// headerConstant finds +eth-hdr-len+, +tcp-syn+, +ethertype-ipv4+,
// +ip-proto-tcp+ and so on.
func headerConstant(name string) (int64, bool) {
	if c, ok := headerConstants[name]; ok {
		return abi.Constant(c)
	}
	if len(name) < 3 || name[0] != '+' || name[len(name)-1] != '+' {
		return 0, false
	}
	body := name[1 : len(name)-1]
	if t, isType := strings.CutPrefix(body, "ETHERTYPE-"); isType {
		return abi.Constant("ETH_P_" + strings.ReplaceAll(t, "-", "_"))
	}
	if p, isProto := strings.CutPrefix(body, "IP-PROTO-"); isProto {
		return abi.Constant("IPPROTO_" + strings.ReplaceAll(p, "-", "_"))
	}
	if body == "ARP-IPV4-LEN" { // with the addresses of ARP for IPv4 over Ethernet
		_, end := arpBody()
		return int64(end), true
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

// headerNamed finds a field of a header that the source declares, or of one
// that every source knows.
func (c *compiler) headerNamed(name string) (headerField, bool) {
	if f, ok := c.fields[name]; ok {
		return f, true
	}
	return headerAccessor(name)
}

func (h headerField) lower(l *lowerer, c *call) val {
	p := h.pointer(l, c)
	if h.ptr || h.typ.Kind == types.Array {
		q := *p.t
		q.Elem, q.Len = h.typ, 0
		if h.typ.Kind == types.Array {
			q.Elem, q.Len = h.typ.Elem, h.typ.Len
		}
		if h.off == 0 {
			return val{p.v, &q}
		}
		return val{l.move(p, l.literal(int64(h.off)), ir.OpAdd).v, &q}
	}
	v := l.loadAt(p, int64(h.off), h.typ)
	if h.net && h.typ.Size > 1 {
		v = l.swap(v, h.typ.Size)
		if h.typ.Signed {
			v = val{l.truncate(v, h.typ), h.typ}
		}
	}
	return v
}

// pointer is the accessor's only argument.
func (h headerField) pointer(l *lowerer, c *call) val {
	if len(c.args) != 1 {
		panic(l.arity(c.head.Display(), "pointer", len(c.args)))
	}
	p := c.arg(0)
	l.wantPtr(c, 0, p)
	return p
}

// set stores argument i of c into the field; pc is the place.
func (h headerField) set(l *lowerer, pc, c *call, i int) val {
	if h.ptr || h.typ.Kind == types.Array {
		panic(l.failAt(pc.form.At, pc.head, "`%s` gives an address, which cannot be set", pc.head.Display()).
			WithHint("use memcpy").WithCode("not-a-place"))
	}
	p := h.pointer(l, pc)
	l.writable(pc, 0, p)
	v := c.int(i)
	if n, ok := v.v.IsConst(); ok && v.t.Kind == types.Literal && !fits(n, h.typ.Size) {
		panic(l.failAt(c.at(i), c.args[i], "%d does not fit into `%s` (%v)", n, pc.head.Display(), h.typ).WithCode("literal-too-wide"))
	}
	w := v
	if h.net && h.typ.Size > 1 {
		w = l.swap(v, h.typ.Size)
	}
	l.storeAt(p, int64(h.off), h.typ.Size, w.v)
	return val{l.truncate(v, h.typ), h.typ}
}

// fits reports whether a literal has a value in size bytes, signed or not.
func fits(n int64, size int) bool {
	return size >= 8 || uint64(n)>>(8*size) == 0 || n < 0 && n >= -(1<<(8*size-1))
}
