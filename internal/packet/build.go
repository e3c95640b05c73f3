// Package packet makes packets out of headers and fields, with lengths, types
// and checksums that are right, and takes packets apart again: for tests.
package packet

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A layer is one header of a packet that words describe, or its payload.
type layer struct {
	header *abi.Header // nil for the payload
	bytes  []byte
	set    map[string]bool // fields that the words give
}

// A vocabulary is what the words of packets mean. It is made when the first
// packet is.
type vocabulary struct {
	short    map[string]map[string]string // words for fields whose C name is long
	defaults map[string]string            // fields that a header has unless words say otherwise
	// follows names, for a header and what stands behind it, the field that
	// says so and the constant that is its value.
	follows   map[string]follower
	protocols map[string]string
	checked   map[string]string // the field of a header that holds its checksum
}

type follower struct {
	field string
	means map[string]string
}

var words = sync.OnceValue(func() *vocabulary {
	etherTypes := map[string]string{"vlan": "ETH_P_8021Q", "ipv4": "ETH_P_IP", "ipv6": "ETH_P_IPV6", "arp": "ETH_P_ARP"}
	protocols := map[string]string{"tcp": "IPPROTO_TCP", "udp": "IPPROTO_UDP", "icmp": "IPPROTO_ICMP", "icmpv6": "IPPROTO_ICMPV6",
		"ipv4": "IPPROTO_IPIP", "ipv6": "IPPROTO_IPV6"}
	return &vocabulary{
		short: map[string]map[string]string{
			"eth":  {"src": "h_source", "dst": "h_dest", "type": "h_proto"},
			"vlan": {"tci": "h_vlan_TCI", "type": "h_vlan_encapsulated_proto"},
			"ipv4": {"src": "saddr", "dst": "daddr", "len": "tot_len", "frag": "frag_off"},
			"ipv6": {"src": "saddr", "dst": "daddr"},
			"tcp":  {"sport": "source", "dport": "dest"},
			"udp":  {"sport": "source", "dport": "dest"},
			"icmp": {"id": "un_echo_id", "seq": "un_echo_sequence"},
			"icmpv6": {"type": "icmp6_type", "code": "icmp6_code", "id": "icmp6_dataun_u_echo_identifier",
				"seq": "icmp6_dataun_u_echo_sequence"},
			"arp": {"op": "ar_op"},
		},
		defaults: map[string]string{
			"eth":    "dst=02:00:00:00:00:01 src=02:00:00:00:00:02",
			"ipv4":   "version=4 ihl=5 ttl=64 src=10.0.0.1 dst=10.0.0.2",
			"ipv6":   "version=6 hop_limit=64 src=fd00::1 dst=fd00::2",
			"tcp":    "doff=5 sport=40000 dport=80",
			"udp":    "sport=40000 dport=53",
			"icmp":   "type=8",
			"icmpv6": "type=128",
		},
		follows: map[string]follower{
			"eth": {"h_proto", etherTypes}, "vlan": {"h_vlan_encapsulated_proto", etherTypes},
			"ipv4": {"protocol", protocols}, "ipv6": {"nexthdr", protocols},
		},
		protocols: protocols,
		checked:   map[string]string{"ipv4": "check", "tcp": "check", "udp": "check", "icmp": "checksum", "icmpv6": "icmp6_cksum"},
	}
})

// Build makes a packet of words: headers by their names, each with
// field=value after it. Types, lengths and checksums that the words do not
// give are right. "payload=text", "bytes=hex" follow the header before, and
// "cut=n" leaves the first n bytes.
func Build(text []string) ([]byte, error) {
	var layers []*layer
	cut := -1
	for _, w := range text {
		field, value, isField := strings.Cut(w, "=")
		if !isField {
			l, err := newLayer(w)
			if err != nil {
				return nil, err
			}
			layers = append(layers, l)
			continue
		}
		var err error
		switch {
		case field == "cut":
			cut, err = strconv.Atoi(value)
		case field == "payload":
			layers = append(layers, &layer{bytes: []byte(value)})
		case field == "bytes":
			var b []byte
			b, err = hex.DecodeString(value)
			layers = append(layers, &layer{bytes: b})
		case len(layers) == 0 || layers[len(layers)-1].header == nil:
			err = fmt.Errorf("no header for %s", w)
		default:
			err = layers[len(layers)-1].put(field, value)
		}
		if err != nil {
			return nil, err
		}
	}
	out, err := assemble(layers)
	if err == nil && cut >= 0 && cut <= len(out) {
		out = out[:cut:cut]
	}
	return out, err
}

// newLayer is a header with the fields that it has by default.
func newLayer(name string) (*layer, error) {
	l := &layer{header: abi.HeaderByName(name), set: map[string]bool{}}
	if l.header == nil {
		return nil, fmt.Errorf("no header %s", name)
	}
	l.bytes = make([]byte, l.header.Size)
	for _, d := range strings.Fields(words().defaults[name]) {
		f, v, _ := strings.Cut(d, "=")
		if err := l.put(f, v); err != nil {
			return nil, err
		}
	}
	clear(l.set)
	return l, nil
}

// assemble joins layers, completed from the innermost on.
func assemble(layers []*layer) (out []byte, err error) {
	for i := len(layers) - 1; i >= 0; i-- {
		l := layers[i]
		if l.header != nil {
			if err := l.complete(layers[:i], layers[i+1:], out); err != nil {
				return nil, err
			}
		}
		out = append(append([]byte(nil), l.bytes...), out...)
	}
	return out, nil
}

// put sets a field to a value in words: a number, an address, or for TCP's
// flags their names.
func (l *layer) put(name, value string) error {
	if name == "flags" {
		for _, bit := range strings.Split(value, "|") {
			if err := l.put(bit, "1"); err != nil {
				return err
			}
		}
		return nil
	}
	if long := words().short[l.header.Name][name]; long != "" {
		name = long
	}
	if b, ok := Address(value); ok {
		f := l.header.Field(name)
		if f == nil {
			return fmt.Errorf("header %s has no field %s", l.header.Name, name)
		}
		l.set[f.Name] = true
		copy(l.bytes[f.Offset:], b)
		return nil
	}
	n, err := strconv.ParseUint(value, 0, 64)
	if err != nil {
		return err
	}
	return l.number(name, n)
}

// number sets a field, which is known to its C name, to n.
func (l *layer) number(name string, n uint64) error {
	f := l.header.Field(name)
	if f == nil {
		return fmt.Errorf("header %s has no field %s", l.header.Name, name)
	}
	bits := 8 * f.Size
	if f.BitSize > 0 {
		bits = f.BitSize
	}
	if f.Count == 1 && bits < 64 && n>>bits != 0 {
		return fmt.Errorf("%d is too large for %s %s, which has %d bits", n, l.header.Name, strings.ReplaceAll(name, "_", "-"), bits)
	}
	l.set[f.Name] = true
	at := l.bytes[f.Offset:]
	if f.BitSize > 0 {
		old := Little(at[:f.Size])
		mask := uint64(1)<<f.BitSize - 1
		putLittle(at[:f.Size], old&^(mask<<f.BitOffset)|(n&mask)<<f.BitOffset)
		return nil
	}
	putBig(at[:f.Size], n)
	return nil
}

// Address gives the bytes of an IPv4, IPv6 or MAC address.
func Address(s string) ([]byte, bool) {
	if parts := strings.Split(s, ":"); len(parts) == 6 && len(s) == 17 {
		b, err := hex.DecodeString(strings.Join(parts, ""))
		return b, err == nil
	}
	a, err := netip.ParseAddr(s)
	return a.AsSlice(), err == nil
}

// Little reads b as a number, the least significant byte first.
func Little(b []byte) (v uint64) {
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return v
}

func putLittle(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
}

func putBig(b []byte, v uint64) {
	for i := range b {
		b[len(b)-1-i] = byte(v >> (8 * i))
	}
}

// complete fills in what follows from the layers around l; rest is what
// stands behind it.
func (l *layer) complete(before, after []*layer, rest []byte) error {
	fill := func(name string, v uint64) []byte {
		f := l.header.Field(name)
		b := l.bytes[f.Offset : f.Offset+f.Size]
		if !l.set[f.Name] {
			putBig(b, v)
		}
		return b
	}
	if f, ok := words().follows[l.header.Name]; ok && len(after) > 0 && after[0].header != nil {
		n, ok := abi.Constant(f.means[after[0].header.Name])
		if !ok {
			return fmt.Errorf("%s does not go into %s", after[0].header.Name, l.header.Name)
		}
		fill(f.field, uint64(n))
	}
	size := uint64(len(l.bytes) + len(rest))
	var pseudo uint64
	if len(before) > 0 {
		n, _ := abi.Constant(words().protocols[l.header.Name])
		pseudo = pseudoHeader(before[len(before)-1], size) + uint64(n)
	}
	switch l.header.Name {
	case "ipv4":
		if words := int(l.bytes[0] & 15); words > 5 && words*4 > len(l.bytes) {
			l.bytes = append(l.bytes, make([]byte, words*4-len(l.bytes))...)
			size = uint64(len(l.bytes) + len(rest))
		}
		fill("tot_len", size)
		rest = nil
	case "ipv6":
		fill("payload_len", uint64(len(rest)))
	case "udp":
		fill("len", size)
	}
	if name := words().checked[l.header.Name]; name != "" {
		if l.header.Name == "ipv4" || l.header.Name == "icmp" {
			pseudo = 0
		}
		if f := l.header.Field(name); !l.set[f.Name] {
			binary.BigEndian.PutUint16(l.bytes[f.Offset:], ^fold(pseudo+ones(l.bytes)+ones(rest)))
		}
	}
	return nil
}

// pseudoHeader is the sum of what a transport checksum covers of the header
// before.
func pseudoHeader(ip *layer, size uint64) uint64 {
	if ip.header == nil || ip.header.Name != "ipv4" && ip.header.Name != "ipv6" {
		return 0
	}
	from := ip.header.Field("saddr")
	to := ip.header.Field("daddr")
	n := to.Offset + to.Size*to.Count - from.Offset
	return ones(ip.bytes[from.Offset:from.Offset+n]) + size
}

func ones(b []byte) (sum uint64) {
	for i := 0; i < len(b); i += 2 {
		sum += uint64(b[i]) << 8
		if i+1 < len(b) {
			sum += uint64(b[i+1])
		}
	}
	return sum
}

func fold(sum uint64) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}
