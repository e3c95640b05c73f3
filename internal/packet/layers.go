package packet

import (
	"encoding/binary"
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A Layer is a header of a packet to make, or where Header is "" what stands
// behind the headers.
type Layer struct {
	Header  string // Lisp name: "ipv4"
	Fields  []Set
	Options []byte // behind the fields of an ipv4 or tcp header, padded to 4 bytes
	Payload []byte // where Header is ""
}

// A Set gives a field a value: a number, or Bytes where it is not nil.
type Set struct {
	Field  string // C name, or one of the short names of Build
	Number uint64
	Bytes  []byte
}

// Make makes a packet of layers. Types, lengths and checksums that they do
// not give are right; addresses, ports and the like are those of Build.
func Make(from []Layer) ([]byte, error) {
	var layers []*layer
	for _, f := range from {
		if f.Header == "" {
			layers = append(layers, &layer{bytes: f.Payload})
			continue
		}
		l, err := newLayer(f.Header)
		if err != nil {
			return nil, err
		}
		for _, s := range f.Fields {
			if err := l.setField(s); err != nil {
				return nil, err
			}
		}
		if len(f.Options) > 0 {
			if err := l.options(f.Options); err != nil {
				return nil, err
			}
		}
		layers = append(layers, l)
	}
	return assemble(layers)
}

func (l *layer) setField(s Set) error {
	name := s.Field
	if long := words().short[l.header.Name][name]; long != "" {
		name = long
	}
	if s.Bytes == nil {
		return l.number(name, s.Number)
	}
	f := l.header.Field(name)
	if f == nil {
		return fmt.Errorf("header %s has no field %s", l.header.Name, s.Field)
	}
	if len(s.Bytes) != f.Size*f.Count {
		return fmt.Errorf("%s has %d bytes, and this has %d", s.Field, f.Size*f.Count, len(s.Bytes))
	}
	l.set[f.Name] = true
	copy(l.bytes[f.Offset:], s.Bytes)
	return nil
}

// options puts b behind the fields of the header, and its length into the
// field for it.
func (l *layer) options(b []byte) error {
	field := map[string]string{"ipv4": "ihl", "tcp": "doff"}[l.header.Name]
	words := (len(l.bytes) + len(b) + 3) / 4
	if field == "" || words > 15 {
		return fmt.Errorf("header %s with %d bytes of options", l.header.Name, len(b))
	}
	given := l.set[field]
	if !given {
		if err := l.number(field, uint64(words)); err != nil {
			return err
		}
	}
	l.bytes = append(l.bytes, b...)
	l.bytes = append(l.bytes, make([]byte, words*4-len(l.bytes))...)
	return nil
}

// A Part is a header that stands in a packet, or the bytes behind the last.
type Part struct {
	Header *abi.Header // nil for what is behind
	Offset int         // in the packet
	Size   int         // with options
}

// Dissect says which headers stand in b, one behind the other, and what is
// behind them. start is where b begins: "eth", "ip" or "" for no header that
// is known. It believes no length that is in the packet: b may be anything.
func Dissect(b []byte, start string) (parts []Part) {
	at, next := 0, ""
	switch start {
	case "eth":
		next = "eth"
	case "ip":
		next = ipVersion(b)
	}
	for next != "" && len(parts) < 16 {
		h := abi.HeaderByName(next)
		if at+h.Size > len(b) {
			break
		}
		size := h.Size
		switch next {
		case "ipv4":
			size = max(size, int(b[at]&15)*4)
		case "tcp":
			size = max(size, int(b[at+12]>>4)*4)
		}
		size = min(size, len(b)-at)
		parts = append(parts, Part{h, at, size})
		next = behind(h, b[at:])
		at += size
	}
	if at < len(b) {
		parts = append(parts, Part{nil, at, len(b) - at})
	}
	return parts
}

func ipVersion(b []byte) string {
	switch {
	case len(b) > 0 && b[0]>>4 == 4:
		return "ipv4"
	case len(b) > 0 && b[0]>>4 == 6:
		return "ipv6"
	}
	return ""
}

// behind names the header that follows one.
func behind(h *abi.Header, b []byte) string {
	f, ok := words().follows[h.Name]
	if !ok {
		return ""
	}
	field := h.Field(f.field)
	v := uint64(b[field.Offset])
	if field.Size == 2 {
		v = uint64(binary.BigEndian.Uint16(b[field.Offset:]))
	}
	if h.Name == "ipv4" { // of a later fragment the header is elsewhere
		if frag := h.Field("frag_off"); binary.BigEndian.Uint16(b[frag.Offset:])&0x1fff != 0 {
			return ""
		}
	}
	for name, c := range f.means {
		if n, ok := abi.Constant(c); ok && uint64(n) == v {
			return name
		}
	}
	if ad, _ := abi.Constant("ETH_P_8021AD"); f.field != "protocol" && f.field != "nexthdr" && v == uint64(ad) {
		return "vlan"
	}
	return ""
}

// Number is the value of a field of the header that begins at b: of one that
// the network sends the most significant byte first, or that is a checksum,
// so read.
func Number(f *abi.HeaderField, b []byte) uint64 {
	b = b[f.Offset : f.Offset+f.Size]
	if f.BitSize > 0 {
		return Little(b) >> f.BitOffset & (1<<f.BitSize - 1)
	}
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}
