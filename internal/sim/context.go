package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A context is what the program's first argument points to. Fields that are
// pointers are not in its bytes.
type context struct {
	m      *Machine
	prog   *abi.ProgType
	layout *abi.CtxStruct
	region *Region
	ptr    map[uint32]uint64 // by offset: sockets and other kernel structures
	packet *packet
}

// A packet is a frame with room around it: buf[meta:start] is metadata,
// buf[start:end] the packet, of which a program may see buf[start:linear].
type packet struct {
	buf                      []byte
	meta, start, linear, end int
	region                   *Region
}

// Room before and in all, as BPF_PROG_TEST_RUN makes it: XDP_PACKET_HEADROOM
// of <linux/bpf.h>, a page per frame, and a struct skb_shared_info behind it.
const (
	headroom = 256
	frame    = 4096
	tailroom = 320
)

// NewPacketContext makes the context of a packet program, or of any other
// program whose context is a struct of the abi tables (packet is nil then).
// packet is what the program sees from its data pointer on: with an Ethernet
// header where the program type has one. fields sets others by their C name,
// elements of arrays as "cb[1]"; pointers are addresses. It gives the address
// of the context.
func (m *Machine) NewPacketContext(pt *abi.ProgType, data []byte, fields map[string]uint64) (uint64, error) {
	if pt == nil {
		return 0, errors.New("no program type")
	}
	layout := abi.CtxStructByName(pt.Ctx)
	if layout == nil {
		return 0, fmt.Errorf("the context of %s programs is no struct: use raw bytes", pt.Keyword)
	}
	c := &context{m: m, prog: pt, layout: layout, ptr: map[uint32]uint64{}}
	c.region = m.alloc(KindContext, "the context (struct "+layout.Name+")", make([]byte, layout.Size), true)
	c.region.owner = c
	if data != nil {
		size := max(frame, headroom+len(data)+tailroom)
		c.packet = &packet{buf: make([]byte, size), meta: headroom, start: headroom, linear: headroom + len(data), end: headroom + len(data)}
		copy(c.packet.buf[headroom:], data)
		c.mapPacket()
		c.set("len", uint64(len(data)))
		if pt.SKB {
			c.set("protocol", uint64(etherType(data, pt.PacketL3)))
			c.set("ifindex", 1)
		} else {
			c.set("ingress_ifindex", 1)
		}
	}
	for name, v := range fields {
		if !c.set(name, v) {
			m.free(c.region, "it was never complete")
			return 0, fmt.Errorf("struct %s has no field %s to set", layout.Name, name)
		}
	}
	return c.region.Base, nil
}

// etherType is the protocol as an skb carries it: in network byte order.
func etherType(data []byte, l3 bool) uint16 {
	switch {
	case !l3 && len(data) >= 14:
		return binary.LittleEndian.Uint16(data[12:])
	case l3 && len(data) > 0 && data[0]>>4 == 4:
		return swap16(uint16(constant("ETH_P_IP")))
	case l3 && len(data) > 0 && data[0]>>4 == 6:
		return swap16(uint16(constant("ETH_P_IPV6")))
	}
	return 0
}

func swap16(v uint16) uint16 { return v<<8 | v>>8 }

// set gives a field its value, false if there is no such field.
func (c *context) set(name string, v uint64) bool {
	index := uint32(0)
	if n, i, ok := cutIndex(name); ok {
		name, index = n, i
	}
	f := c.layout.Field(name)
	if f == nil || index >= f.Count {
		return false
	}
	off := f.Offset + index*f.Size
	switch f.Kind {
	case abi.CtxScalar:
		for i := range f.Size {
			c.region.Bytes[off+i] = byte(v >> (8 * i))
		}
	case abi.CtxPacket, abi.CtxPacketEnd, abi.CtxPacketMeta:
		return false // they follow the packet
	default:
		c.ptr[off] = v
	}
	return true
}

// cutIndex splits "cb[1]".
func cutIndex(s string) (name string, index uint32, ok bool) {
	name, rest, ok := strings.Cut(strings.TrimSuffix(s, "]"), "[")
	if !ok {
		return s, 0, false
	}
	n, err := strconv.ParseUint(rest, 10, 32)
	return name, uint32(n), err == nil
}

// NewRawContext makes a context of bytes that the program may only read: a
// tracepoint's record, struct pt_regs, or an array of 64-bit arguments.
func (m *Machine) NewRawContext(b []byte) uint64 {
	c := &context{m: m}
	c.region = m.alloc(KindContext, "the context", b, false)
	c.region.owner = c
	return c.region.Base
}

// load reads a field that is a pointer, and refuses what the verifier would.
// Otherwise it says that the bytes are as they are.
func (c *context) load(off, size int) (v uint64, done bool, err error) {
	if c.layout == nil {
		return 0, false, nil
	}
	f := c.layout.At(uint32(off))
	if f == nil {
		return 0, false, fmt.Errorf("offset %d is no field of struct %s", off, c.layout.Name)
	}
	if !f.Read.Has(c.prog) {
		return 0, false, fmt.Errorf("%s programs may not read %s.%s", c.prog.Keyword, c.layout.Name, f.Name)
	}
	if !f.Kind.Pointer() {
		if off%size != 0 || size < int(f.Size) && !f.Narrow {
			return 0, false, fmt.Errorf("%s.%s is %s and not to be read in parts", c.layout.Name, f.Name, count(int(f.Size), "byte"))
		}
		return 0, false, nil
	}
	if uint32(off) != f.Offset || size != int(f.Size) {
		return 0, false, fmt.Errorf("%s.%s is a pointer, to be read as %s at offset %d", c.layout.Name, f.Name, count(int(f.Size), "byte"), f.Offset)
	}
	if p := c.packet; p != nil {
		switch f.Kind {
		case abi.CtxPacket:
			return p.region.Base + uint64(p.start-p.meta), true, nil
		case abi.CtxPacketEnd:
			return p.region.Base + uint64(p.linear-p.meta), true, nil
		case abi.CtxPacketMeta:
			return p.region.Base, true, nil
		}
	}
	v, known := c.ptr[f.Offset]
	if !known && !f.NullOK {
		return 0, false, fmt.Errorf("%s.%s has no value in this test", c.layout.Name, f.Name)
	}
	return v, true, nil
}

// skb16 are the fields that an skb keeps in 16 bits, whatever struct __sk_buff
// says. A queue that is no queue is not taken at all.
var skb16 = map[string]bool{"tc_classid": true, "queue_mapping": true}

// stored is what a field holds after a write of v. It refuses what the
// verifier would.
func (c *context) stored(off, size int, v uint64) (uint64, error) {
	if c.layout == nil {
		return v, nil
	}
	f := c.layout.At(uint32(off))
	switch {
	case f == nil:
		return 0, fmt.Errorf("offset %d is no field of struct %s", off, c.layout.Name)
	case !f.Write.Has(c.prog):
		return 0, fmt.Errorf("%s programs may not write %s.%s", c.prog.Keyword, c.layout.Name, f.Name)
	case !c.prog.SKB || !skb16[f.Name]:
		return v, nil
	case f.Name == "queue_mapping" && uint32(v) >= math.MaxUint16:
		return uint64(binary.LittleEndian.Uint32(c.region.Bytes[off:])), nil
	}
	return uint64(uint16(v)), nil
}

// context is the context at addr, nil if there is none.
func (m *Machine) context(addr uint64) *context {
	if addr < align {
		return nil
	}
	if r := m.near(addr); r != nil && r.Base == addr {
		c, _ := r.owner.(*context)
		return c
	}
	return nil
}

// mapPacket gives the packet, as it is now, new addresses.
func (c *context) mapPacket() {
	p := c.packet
	p.region = c.m.alloc(KindPacket, "the packet", p.buf[p.meta:p.linear:p.linear], true)
	c.set("len", uint64(p.end-p.start))
}

// movePacket makes all pointers into the packet stale, as the verifier does
// after a helper that may change it.
func (m *Machine) movePacket(ctx uint64, helper string) {
	if c := m.context(ctx); c != nil && c.packet != nil {
		m.free(c.packet.region, helper+" may have moved it, read data and data_end again")
		c.mapPacket()
	}
}

// Packet is the packet of a context as the program left it.
func (m *Machine) Packet(ctx uint64) []byte {
	if c := m.context(ctx); c != nil && c.packet != nil {
		return append([]byte(nil), c.packet.buf[c.packet.start:c.packet.end]...)
	}
	return nil
}

// Metadata is the bytes before the packet that xdp_adjust_meta made room for.
func (m *Machine) Metadata(ctx uint64) []byte {
	if c := m.context(ctx); c != nil && c.packet != nil {
		return append([]byte(nil), c.packet.buf[c.packet.meta:c.packet.start]...)
	}
	return nil
}

// Field is the value of a scalar field of a context after the run.
func (m *Machine) Field(ctx uint64, name string) (v uint64, ok bool) {
	c := m.context(ctx)
	if c == nil || c.layout == nil {
		return 0, false
	}
	name, index, _ := cutIndex(name)
	f := c.layout.Field(name)
	if f == nil || index >= f.Count || f.Kind != abi.CtxScalar {
		return 0, false
	}
	b := c.region.Bytes[f.Offset+index*f.Size:]
	for i := int(f.Size) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v, true
}

// SetLinear says how much of the packet the program sees in memory; the rest
// is in pages of its own, as in a big skb.
func (m *Machine) SetLinear(ctx uint64, n int) {
	if c := m.context(ctx); c != nil && c.packet != nil {
		m.free(c.packet.region, "the test changed it")
		c.packet.linear = min(c.packet.start+max(n, 0), c.packet.end)
		c.mapPacket()
	}
}

// FreeContext gives a context's memory back, for a machine that runs very
// many packets.
func (m *Machine) FreeContext(ctx uint64) {
	if c := m.context(ctx); c != nil {
		if c.packet != nil {
			m.free(c.packet.region, "the packet is gone")
		}
		m.free(c.region, "the run is over")
	}
}
