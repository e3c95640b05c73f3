package sim

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
)

// Limits of the kernel's struct xdp_frame and of xdp_adjust_meta.
const (
	xdpFrame = 40 // sizeof(struct xdp_frame), which stays free before the packet
	maxMeta  = 252
	ethLen   = 14
)

// packetOf is the packet of the run's context.
func (m *Machine) packetOf(r *Run) (*packet, error) {
	if c := m.context(r.Ctx); c != nil && c.packet != nil {
		return c.packet, nil
	}
	return nil, fmt.Errorf("the context has no packet")
}

// part is the bytes of the packet that a helper may copy, nil if they are
// not all there.
func (p *packet) part(off, n uint64) []byte {
	size := uint64(p.end - p.start)
	if off > maxOffset || n > size || off > size-n {
		return nil
	}
	return p.buf[p.start+int(off):][:n:n]
}

// maxOffset is the largest offset that helpers take.
const maxOffset = 0xffff

// outside is what a helper says of bytes at off that are not in the packet.
func (m *Machine) outside(r *Run, off uint64) Errno {
	if off <= maxOffset && !m.context(r.Ctx).prog.SKB {
		return eInval
	}
	return eFault
}

// skbLoadBytes is skb_load_bytes, which writes zeros if the packet ends before,
// and xdp_load_bytes, which leaves the buffer as it is.
func skbLoadBytes(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	out, err := m.Room(a[2], int(uint32(a[3])))
	if err != nil {
		return 0, err
	}
	off := uint64(uint32(a[1]))
	src := p.part(off, uint64(len(out)))
	if src == nil {
		if m.context(r.Ctx).prog.SKB {
			clear(out)
		}
		return m.outside(r, off).Result(), nil
	}
	copy(out, src)
	return 0, nil
}

func skbStoreBytes(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	known := constant("BPF_F_RECOMPUTE_CSUM") | constant("BPF_F_INVALIDATE_HASH")
	if a[4]&^known != 0 {
		return eInval.Result(), nil
	}
	return xdpStoreBytes(m, r, a)
}

func xdpStoreBytes(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	src, err := m.Bytes(a[2], int(uint32(a[3])))
	if err != nil {
		return 0, err
	}
	off := uint64(uint32(a[1]))
	dst := p.part(off, uint64(len(src)))
	if dst == nil {
		return m.outside(r, off).Result(), nil
	}
	copy(dst, src)
	return 0, nil
}

// skbPullData makes the first len bytes of the packet (0: all) linear.
func skbPullData(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	n := int(uint32(a[1]))
	if n == 0 {
		n = p.end - p.start
	}
	if n > p.end-p.start {
		return eNoMem.Result(), nil
	}
	p.linear = max(p.linear, p.start+n)
	return 0, nil
}

func skbChangeTail(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	n := int(uint32(a[1]))
	if a[2] != 0 || n > len(p.buf)-tailroom-p.start || n < ethLen {
		return eInval.Result(), nil
	}
	p.resize(p.start + n)
	return 0, nil
}

// resize moves the end of the packet; what it grows by is zero.
func (p *packet) resize(end int) {
	if end > p.end {
		clear(p.buf[p.end:end])
	}
	if p.linear == p.end || p.linear > end {
		p.linear = end
	}
	p.end = end
}

func xdpAdjustHead(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	delta, meta := int(int32(a[1])), p.start-p.meta
	start := p.start + delta
	if start < xdpFrame+meta || start > p.linear-ethLen {
		return eInval.Result(), nil
	}
	copy(p.buf[start-meta:start], append([]byte(nil), p.buf[p.meta:p.start]...))
	p.meta, p.start = start-meta, start
	return 0, nil
}

func xdpAdjustTail(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	end := p.end + int(int32(a[1]))
	if end > len(p.buf)-tailroom || end < p.start+ethLen {
		return eInval.Result(), nil
	}
	p.resize(end)
	return 0, nil
}

func xdpAdjustMeta(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	meta := p.meta + int(int32(a[1]))
	if meta < xdpFrame || meta > p.start {
		return eInval.Result(), nil
	}
	if n := p.start - meta; n%4 != 0 || n > maxMeta {
		return eAcces.Result(), nil
	}
	p.meta = meta
	return 0, nil
}

func xdpBuffLen(m *Machine, r *Run, _ [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	return uint64(p.end - p.start), nil
}

// redirect sends the packet to an interface.
func redirect(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	c := m.context(r.Ctx)
	skb := c != nil && c.prog != nil && c.prog.SKB
	switch {
	case skb && a[1]&^constant("BPF_F_INGRESS") != 0:
		return constant("TC_ACT_SHOT"), nil
	case !skb && a[1] != 0:
		return constant("XDP_ABORTED"), nil
	}
	m.Redirects = append(m.Redirects, Redirect{Index: uint32(a[0]), Flags: a[1]})
	if skb {
		return constant("TC_ACT_REDIRECT"), nil
	}
	return constant("XDP_REDIRECT"), nil
}

// redirectMap sends the packet to what a map holds for the key; the low bits
// of the flags are the result if that is nothing.
func redirectMap(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	if mp.kind.Ops&abi.OpRedirect == 0 {
		return 0, fmt.Errorf("map %s is not one to redirect to", mp.Name)
	}
	verdicts := constant("XDP_ABORTED") | constant("XDP_DROP") | constant("XDP_PASS") | constant("XDP_TX")
	var broadcast uint64
	known := verdicts
	if mp.is("devmap") || mp.is("devmap-hash") {
		broadcast = constant("BPF_F_BROADCAST")
		known |= broadcast | constant("BPF_F_EXCLUDE_INGRESS")
	}
	if a[2]&^known != 0 {
		return constant("XDP_ABORTED"), nil
	}
	key := le32(uint32(a[1]))
	if mp.ops.find(mp, key) == nil && a[2]&broadcast == 0 {
		return a[2] & verdicts, nil
	}
	m.Redirects = append(m.Redirects, Redirect{Map: mp.Name, Key: key, Index: uint32(a[1]), Flags: a[2]})
	return constant("XDP_REDIRECT"), nil
}
