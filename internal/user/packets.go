package user

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/packet"
	"github.com/whistler-lang/whistler/internal/sexp"
)

// What all packets take, and what those with an IP header take.
const (
	linkKeys = "src-mac dst-mac vlan ethernet payload"
	ipKeys   = linkKeys + " src dst ttl tos id frag ip-options"
)

// packetFunctions make packets, vectors of bytes, and take them apart.
var packetFunctions = []function{
	{"tcp-packet", "&key sport dport flags seq ack window urgent options " + ipKeys,
		"A TCP packet with right lengths and checksums. Addresses are strings, IPv4 or IPv6; flags a number, a keyword or a list of keywords such as (:syn :ack), :syn by default; options, ip-options and payload bytes: a vector or a string. vlan is a tag or a list of them, the outermost first; with :ethernet nil the packet starts at the IP header.", func(c *call) sexp.Value {
			k := c.packetKeys("sport dport flags seq ack window urgent options " + ipKeys)
			l := packet.Layer{Header: "tcp", Fields: c.numbers(k, "sport sport", "dport dport", "seq seq", "ack ack_seq", "window window", "urgent urg_ptr")}
			l.Fields = append(l.Fields, c.flags(k)...)
			if v, ok := k["options"]; ok {
				l.Options = c.bytes(v, ":options")
			}
			return c.transport(k, l)
		}},
	{"udp-packet", "&key sport dport " + ipKeys, "A UDP packet, to port 53 by default; see tcp-packet.", func(c *call) sexp.Value {
		k := c.packetKeys("sport dport " + ipKeys)
		return c.transport(k, packet.Layer{Header: "udp", Fields: c.numbers(k, "sport sport", "dport dport")})
	}},
	{"icmp-packet", "&key type code echo-id echo-seq " + ipKeys, "An ICMP packet, an echo request by default; with IPv6 addresses an ICMPv6 one. See tcp-packet.", func(c *call) sexp.Value {
		k := c.packetKeys("type code echo-id echo-seq " + ipKeys)
		name := "icmp"
		if c.version(k) == 6 {
			name = "icmpv6"
		}
		return c.transport(k, packet.Layer{Header: name, Fields: c.numbers(k, "type type", "code code", "echo-id id", "echo-seq seq")})
	}},
	{"ip-packet", "&key protocol " + ipKeys, "A packet of another protocol, a number, over IP; see tcp-packet.", func(c *call) sexp.Value {
		k := c.packetKeys("protocol " + ipKeys)
		return c.transport(k, packet.Layer{})
	}},
	{"arp-packet", "&key op sender-mac sender-ip target-mac target-ip src-mac dst-mac vlan", "An ARP packet for IPv4 over Ethernet, a request by default.", arpPacket},
	{"eth-packet", "&key type " + linkKeys, "An Ethernet frame of a type, a number, with a payload.", func(c *call) sexp.Value {
		k := c.packetKeys("type " + linkKeys)
		layers := c.link(k)
		if v, ok := k["type"]; ok && len(layers) > 0 {
			last := &layers[len(layers)-1]
			last.Fields = append(last.Fields, packet.Set{Field: "type", Number: c.uint(v, 16, ":type")})
		}
		return c.make(k, layers)
	}},
	{"packet-from-pcap", "file n", "Packet n, from 0 on, of a capture in the pcap or pcapng format, relative to the source's directory.", func(c *call) sexp.Value {
		packets := c.pcap()
		n := c.uint(c.args[1], 31, "n")
		if n >= uint64(len(packets)) {
			c.fail("there is no packet %d: the capture has %d", n, len(packets))
		}
		return vectorOf(packets[n])
	}},
	{"packets-from-pcap", "file", "All packets of a capture, a list.", func(c *call) sexp.Value {
		var out []sexp.Value
		for _, p := range c.pcap() {
			out = append(out, vectorOf(p))
		}
		return sexp.List(out...)
	}},
	{"packet-layers", "packet", "The headers in a packet, as keywords: (:eth :ipv4 :tcp), with :payload for what is behind them.", func(c *call) sexp.Value {
		var out []sexp.Value
		for _, p := range packet.Dissect(c.bytes(c.args[0], "the packet"), c.start()) {
			name := "PAYLOAD"
			if p.Header != nil {
				name = strings.ToUpper(p.Header.Name)
			}
			out = append(out, c.in.Table().Keyword(name))
		}
		return sexp.List(out...)
	}},
	{"packet-field", "packet field", "A field of the first such header in a packet, by the name that programs read it with: (packet-field p :ipv4-ttl). nil where the packet has no such header.", func(c *call) sexp.Value {
		b, net := c.field(c.args[0], c.args[1])
		if b == nil {
			return sexp.Nil
		}
		if net {
			b = reversed(b)
		}
		return fromBytes(nil, b)
	}},
	{"(setf packet-field)", "value packet field", "Sets a field of a packet in place. Checksums stay as they were.", func(c *call) sexp.Value {
		b, net := c.field(c.args[1], c.args[2])
		if b == nil {
			c.fail("the packet has no such header")
		}
		v, err := toBytes(nil, len(b), c.args[0])
		if err != nil {
			c.fail("%v", err)
		}
		if net {
			v = reversed(v)
		}
		at := c.fieldAt(c.args[1], c.args[2])
		items := c.args[1].(*sexp.Vector).Items
		for i, x := range v {
			items[at+i] = int64(x)
		}
		return c.args[0]
	}},
	{"hex", "string", "The bytes that a string of hex digits gives; blanks and colons do not count.", func(c *call) sexp.Value {
		s, ok := c.args[0].(*sexp.String)
		if !ok {
			c.fail("%s is no string", sexp.Print(c.args[0]))
		}
		b, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "\n", "", "\t", "").Replace(s.String()))
		if err != nil {
			c.fail("%v", err)
		}
		return vectorOf(b)
	}},
	{"ip", "address", "An address as programs see it: an IPv4 address is the number that (ipv4-src-addr p) reads, an IPv6 address a vector of 16 bytes.", func(c *call) sexp.Value {
		b := c.ipBytes(c.args[0], "the address")
		if len(b) == 4 {
			return number(uint64(binary.LittleEndian.Uint32(b)))
		}
		return vectorOf(b)
	}},
	{"mac", "address", "A MAC address, a vector of 6 bytes.", func(c *call) sexp.Value { return vectorOf(c.mac(c.args[0], "the address")) }},
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, x := range b {
		out[len(b)-1-i] = x
	}
	return out
}

func (c *call) packetKeys(names string) map[string]sexp.Value {
	return c.keys(0, strings.Fields(names)...)
}

// numbers are the fields that keys give: rows of "key field".
func (c *call) numbers(k map[string]sexp.Value, rows ...string) (out []packet.Set) {
	for _, row := range rows {
		key, field, _ := strings.Cut(row, " ")
		if v, ok := k[key]; ok {
			out = append(out, packet.Set{Field: field, Number: c.uint(v, 64, ":"+key)})
		}
	}
	return out
}

// flags are TCP's.
func (c *call) flags(k map[string]sexp.Value) (out []packet.Set) {
	v, ok := k["flags"]
	if !ok {
		return []packet.Set{{Field: "syn", Number: 1}}
	}
	bits := []string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"}
	if _, isNumber := integer(v); isNumber {
		n := c.uint(v, 8, ":flags")
		for i, name := range bits {
			out = append(out, packet.Set{Field: name, Number: n >> i & 1})
		}
		return out
	}
	list, isList := sexp.Slice(v)
	if !isList {
		list = []sexp.Value{v}
	}
	for _, x := range list {
		s, isSym := x.(*sexp.Symbol)
		name := ""
		if isSym {
			name = strings.ToLower(s.Name)
		}
		found := false
		for _, b := range bits {
			found = found || b == name
		}
		if !found {
			c.fail("%s is no flag of TCP; they are :%s", sexp.Print(x), strings.Join(bits, " :"))
		}
		out = append(out, packet.Set{Field: name, Number: 1})
	}
	return out
}

func (c *call) text(v sexp.Value, what string) string {
	s, ok := v.(*sexp.String)
	if !ok {
		c.fail("%s is %s, and should be a string", what, sexp.Print(v))
	}
	return s.String()
}

func (c *call) ipBytes(v sexp.Value, what string) []byte {
	if n, isInt := integer(v); isInt && n.IsUint64() && n.Uint64() <= 1<<32-1 { // as (ip ...) gives it
		return binary.LittleEndian.AppendUint32(nil, uint32(n.Uint64()))
	}
	if _, isVector := v.(*sexp.Vector); isVector {
		if b := c.bytes(v, what); len(b) == 4 || len(b) == 16 {
			return b
		}
	}
	a, err := netip.ParseAddr(c.text(v, what))
	if err != nil || a.Zone() != "" {
		c.fail("%s, %s, is no IP address", what, sexp.Print(v))
	}
	return a.AsSlice()
}

func (c *call) mac(v sexp.Value, what string) []byte {
	if _, isVector := v.(*sexp.Vector); isVector {
		if b := c.bytes(v, what); len(b) == 6 {
			return b
		}
	}
	b, ok := packet.Address(c.text(v, what))
	if !ok || len(b) != 6 {
		c.fail("%s, %s, is no MAC address such as 02:00:00:00:00:01", what, sexp.Print(v))
	}
	return b
}

// version is 4 or 6, as the addresses say.
func (c *call) version(k map[string]sexp.Value) int {
	version := 0
	for _, name := range []string{"src", "dst"} {
		v, ok := k[name]
		if !ok {
			continue
		}
		n := 4
		if len(c.ipBytes(v, ":"+name)) == 16 {
			n = 6
		}
		if version != 0 && version != n {
			c.fail(":src and :dst are of two versions of IP")
		}
		version = n
	}
	return max(version, 4)
}

// link is the Ethernet header and the VLAN tags.
func (c *call) link(k map[string]sexp.Value) []packet.Layer {
	if v, ok := k["ethernet"]; ok && v == sexp.Value(sexp.Nil) {
		return nil
	}
	eth := packet.Layer{Header: "eth"}
	for _, row := range []string{"src-mac src", "dst-mac dst"} {
		key, field, _ := strings.Cut(row, " ")
		if v, ok := k[key]; ok {
			eth.Fields = append(eth.Fields, packet.Set{Field: field, Bytes: c.mac(v, ":"+key)})
		}
	}
	out := []packet.Layer{eth}
	if v, ok := k["vlan"]; ok {
		tags, isList := sexp.Slice(v)
		if !isList {
			tags = []sexp.Value{v}
		}
		for _, t := range tags {
			out = append(out, packet.Layer{Header: "vlan", Fields: []packet.Set{{Field: "tci", Number: c.uint(t, 16, ":vlan")}}})
		}
	}
	return out
}

// transport is a packet with l over IP.
func (c *call) transport(k map[string]sexp.Value, l packet.Layer) sexp.Value {
	layers := c.link(k)
	ip := packet.Layer{Header: "ipv4"}
	rows := []string{"ttl ttl", "tos tos", "id id", "frag frag", "protocol protocol"}
	if c.version(k) == 6 {
		ip.Header, rows = "ipv6", []string{"ttl hop_limit", "protocol nexthdr"}
		for _, name := range []string{"tos", "id", "frag", "ip-options"} {
			if _, ok := k[name]; ok {
				c.fail(":%s is for IPv4, and the addresses are IPv6", name)
			}
		}
	}
	ip.Fields = c.numbers(k, rows...)
	for _, name := range []string{"src", "dst"} {
		if v, ok := k[name]; ok {
			ip.Fields = append(ip.Fields, packet.Set{Field: name, Bytes: c.ipBytes(v, ":"+name)})
		}
	}
	if v, ok := k["ip-options"]; ok {
		ip.Options = c.bytes(v, ":ip-options")
	}
	layers = append(layers, ip)
	if l.Header != "" {
		layers = append(layers, l)
	}
	return c.make(k, layers)
}

func (c *call) make(k map[string]sexp.Value, layers []packet.Layer) sexp.Value {
	if v, ok := k["payload"]; ok {
		layers = append(layers, packet.Layer{Payload: c.bytes(v, ":payload")})
	}
	b, err := packet.Make(layers)
	if err != nil {
		c.fail("%v", err)
	}
	return vectorOf(b)
}

func arpPacket(c *call) sexp.Value {
	k := c.packetKeys("op sender-mac sender-ip target-mac target-ip src-mac dst-mac vlan")
	constant := func(name string) uint64 { v, _ := abi.Constant(name); return uint64(v) }
	l := packet.Layer{Header: "arp", Fields: append([]packet.Set{{Field: "ar_hrd", Number: 1}, {Field: "ar_pro", Number: constant("ETH_P_IP")},
		{Field: "ar_hln", Number: 6}, {Field: "ar_pln", Number: 4}, {Field: "ar_op", Number: 1}}, c.numbers(k, "op ar_op")...)}
	var body []byte
	for _, who := range []string{"sender", "target"} {
		mac, ip := make([]byte, 6), make([]byte, 4)
		if v, ok := k[who+"-mac"]; ok {
			mac = c.mac(v, ":"+who+"-mac")
		}
		if v, ok := k[who+"-ip"]; ok {
			if ip = c.ipBytes(v, ":"+who+"-ip"); len(ip) != 4 {
				c.fail(":%s-ip is no IPv4 address", who)
			}
		}
		body = append(append(body, mac...), ip...)
	}
	layers := append(c.link(k), l, packet.Layer{Payload: body})
	return c.make(nil, layers)
}

func (c *call) pcap() [][]byte {
	name := c.text(c.args[0], "the file")
	if c.s.o.ReadFile == nil {
		c.fail("there are no files here")
	}
	b, err := c.s.o.ReadFile(name)
	if err != nil {
		c.fail("%s: %v", name, err)
	}
	packets, err := packet.ReadPcap(b)
	if err != nil {
		c.fail("%s: %v", name, err)
	}
	return packets
}

// fieldAt is where in a packet a field stands, -1 if there is no such header.
func (c *call) fieldAt(p, field sexp.Value) int {
	at, _, _ := c.locate(p, field)
	return at
}

func (c *call) locate(p, field sexp.Value) (at, size int, net bool) {
	s, ok := field.(*sexp.Symbol)
	if !ok {
		c.fail("%s is no name of a field", sexp.Print(field))
	}
	header, off, size, net, ok := lang.HeaderField(s.Name)
	if !ok {
		c.fail("there is no field %s in any header", strings.ToLower(s.Name))
	}
	b := c.bytes(p, "the packet")
	for _, part := range packet.Dissect(b, c.start()) {
		if part.Header != nil && part.Header.Name == header && part.Offset+off+size <= len(b) {
			return part.Offset + off, size, net
		}
	}
	return -1, 0, false
}

// field is the bytes of a field.
func (c *call) field(p, field sexp.Value) (b []byte, net bool) {
	at, size, net := c.locate(p, field)
	if at < 0 {
		return nil, false
	}
	return c.bytes(p, "the packet")[at : at+size], net
}
