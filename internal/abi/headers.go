package abi

// Header is a packet header as the kernel lays it out.
type Header struct {
	Name   string // Lisp name: "ipv4"
	C      string // "iphdr"
	Size   int    // bytes, without options
	Fields []HeaderField
}

// HeaderField is a field of a packet header. Members of unions stand beside
// each other at the same offset; a member of a named struct has both names,
// joined by '_' ("un_echo_id").
type HeaderField struct {
	Name      string // C name
	Offset    int    // bytes; of the unit that holds a bit field
	Size      int    // bytes of one element, or of the unit that holds a bit field
	Count     int    // elements; 1 if the field is no array
	NetOrder  bool   // big-endian by its type (__be16, __be32, __sum16 is not)
	BitOffset int    // first bit, from the least significant bit of the unit as a little-endian machine loads it
	BitSize   int    // bits; 0 if it is no bit field
}

// Headers is the table: eth, ipv4, ipv6, tcp, udp, icmp, icmpv6, arp, vlan.
func Headers() []Header { return headers[:] }

// HeaderByName finds a header by its Lisp name, nil if there is none.
func HeaderByName(name string) *Header {
	for i := range headers {
		if headers[i].Name == name {
			return &headers[i]
		}
	}
	return nil
}

// Field finds a field by its C or Lisp name.
func (h *Header) Field(name string) *HeaderField {
	name = fold(name)
	for i := range h.Fields {
		if fold(h.Fields[i].Name) == name {
			return &h.Fields[i]
		}
	}
	return nil
}
