package sim

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Helpers that tell of the world around the program, or change it. What they
// tell is the same in every run, unless a test mocks them; what they change is
// noted in the Machine.

// always gives the same number.
func always(v uint64) helperFunc {
	return func(*Machine, *Run, [5]uint64) (uint64, error) { return v, nil }
}

// A Signal is what a program sent to the current process or thread.
type Signal struct {
	Signal uint32
	Thread bool
}

func sendSignal(thread bool) helperFunc {
	return func(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
		const last = 64 // valid_signal() of the kernel: _NSIG
		if uint32(a[0]) > last {
			return eInval.Result(), nil
		}
		m.Signals = append(m.Signals, Signal{uint32(a[0]), thread})
		return 0, nil
	}
}

// ancestorCgroup is the cgroup at a level above the current one: here the root
// has level 0 and the current one level 1.
func ancestorCgroup(level func(a [5]uint64) uint64) helperFunc {
	return func(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
		switch uint32(level(a)) {
		case 0:
			return 1, nil
		case 1:
			return m.CgroupID, nil
		}
		return 0, nil
	}
}

// getFuncArg writes argument n of the traced function, whose arguments are
// the context.
func getFuncArg(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	n := uint64(uint32(a[1]))
	b, err := m.peekMemory(r.Ctx, int(8*n+8))
	if err != nil {
		return eInval.Result(), nil
	}
	out, err := m.Room(a[2], 8)
	if err != nil {
		return 0, err
	}
	copy(out, b[8*n:])
	return 0, nil
}

// numberOf reads a number from the start of text, as bpf_strtol of
// kernel/bpf/helpers.c does: blanks, a sign where there may be one, and for
// base 0 a prefix 0x or 0. It gives how many bytes that were.
func numberOf(signed bool) helperFunc {
	return func(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
		text, err := m.Bytes(a[0], int(uint32(a[1])))
		if err != nil {
			return 0, err
		}
		base := a[2] & 0x1f
		if base != 0 && base != 8 && base != 10 && base != 16 || a[2]&^0x1f != 0 || len(text) == 0 {
			return eInval.Result(), nil
		}
		i := 0
		for i < len(text) && strings.IndexByte(" \t\n\v\f\r\xa0", text[i]) >= 0 {
			i++
		}
		negative := i < len(text) && text[i] == '-'
		if negative {
			i++
		}
		at := func(j int) byte {
			if i+j < len(text) {
				return text[i+j] | 0x20
			}
			return 0
		}
		digit := func(c byte) uint64 {
			switch {
			case c >= '0' && c <= '9':
				return uint64(c - '0')
			case c >= 'a' && c <= 'f':
				return uint64(c-'a') + 10
			}
			return 99
		}
		if base == 0 {
			base = 10
			if at(0) == '0' {
				if base = 8; at(1) == 'x' && digit(at(2)) < 16 {
					base = 16
				}
			}
		}
		if base == 16 && at(0) == '0' && at(1) == 'x' {
			i += 2
		}
		var v uint64
		n, over := 0, false
		for ; i < len(text); i, n = i+1, n+1 {
			d := digit(text[i] | 0x20)
			if text[i] < '0' || d >= base {
				break
			}
			if v > (1<<64-1-d)/base {
				over = true
			}
			v = v*base + d
		}
		switch {
		case over:
			return eRange.Result(), nil
		case n == 0, negative && !signed:
			return eInval.Result(), nil
		case signed && !negative && v > 1<<63-1, negative && v > 1<<63:
			return eRange.Result(), nil
		}
		if negative {
			v = -v
		}
		out, err := m.Room(a[3], 8)
		if err != nil {
			return 0, err
		}
		binary.LittleEndian.PutUint64(out, v)
		return uint64(i), nil
	}
}

// seqWrite appends to what an iterator writes; seqPrintf formats.
func seqWrite(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	b, err := m.Bytes(a[1], int(uint32(a[2])))
	if err != nil {
		return 0, err
	}
	m.Output = append(m.Output, b...)
	return 0, nil
}

func seqPrintf(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	f, err := m.Bytes(a[1], int(uint32(a[2])))
	if err != nil {
		return 0, err
	}
	n := int(uint32(a[4]))
	if n%8 != 0 {
		return eInval.Result(), nil
	}
	var args []uint64
	if n > 0 {
		data, err := m.Bytes(a[3], n)
		if err != nil {
			return 0, err
		}
		for i := 0; i < n; i += 8 {
			args = append(args, binary.LittleEndian.Uint64(data[i:]))
		}
	}
	text, e := m.format(f, args)
	if e != 0 {
		return e.Result(), nil
	}
	m.Output = append(m.Output, text...)
	return 0, nil
}

// probeWriteUser writes to the process's memory.
func probeWriteUser(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	src, err := m.Bytes(a[1], int(uint32(a[2])))
	if err != nil {
		return 0, err
	}
	dst, err := m.Room(a[0], len(src))
	if err != nil {
		return ePerm.Result(), nil
	}
	copy(dst, src)
	return 0, nil
}

// skbChangeType sets the packet's type: as in the kernel, only among those
// that a host may give itself.
func skbChangeType(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	known := []string{"PACKET_HOST", "PACKET_BROADCAST", "PACKET_MULTICAST", "PACKET_OTHERHOST"} // skb_pkt_type_ok
	c := m.context(r.Ctx)
	if c == nil {
		return 0, fmt.Errorf("the context has no packet")
	}
	old, _ := m.Field(r.Ctx, "pkt_type")
	from, to := false, false
	for _, name := range known {
		from = from || constant(name) == old
		to = to || constant(name) == uint64(uint32(a[1]))
	}
	if !from || !to {
		return eInval.Result(), nil
	}
	c.set("pkt_type", uint64(uint32(a[1])))
	return 0, nil
}

// setHash and its kin keep the packet's hash.
func setHash(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	if c := m.context(r.Ctx); c != nil {
		c.set("hash", uint64(uint32(a[1])))
	}
	return 0, nil
}

func getHash(m *Machine, r *Run, _ [5]uint64) (uint64, error) {
	if v, _ := m.Field(r.Ctx, "hash"); v != 0 {
		return v, nil
	}
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	h := uint64(0x811c9dc5) // any function of the packet will do; this is FNV-1a
	for _, b := range p.buf[p.start:min(p.end, p.start+64)] {
		h = (h ^ uint64(b)) * 0x01000193 & 0xffffffff
	}
	h |= 1
	if c := m.context(r.Ctx); c != nil {
		c.set("hash", h)
	}
	return h, nil
}

// loadRelative is skb_load_bytes_relative: from the start of the Ethernet or
// of the network header.
func loadRelative(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return 0, err
	}
	out, err := m.Room(a[2], int(uint32(a[3])))
	if err != nil {
		return 0, err
	}
	off := uint64(uint32(a[1]))
	switch uint32(a[4]) {
	case uint32(constant("BPF_HDR_START_MAC")):
	case uint32(constant("BPF_HDR_START_NET")):
		if !m.context(r.Ctx).prog.PacketL3 {
			off += ethLen
		}
	default:
		clear(out)
		return eFault.Result(), nil
	}
	src := p.part(off, uint64(len(out)))
	if src == nil {
		clear(out)
		return eFault.Result(), nil
	}
	copy(out, src)
	return 0, nil
}

// cloneRedirect sends a copy of the packet to an interface.
func cloneRedirect(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	if a[2]&^constant("BPF_F_INGRESS") != 0 {
		return eInval.Result(), nil
	}
	m.Redirects = append(m.Redirects, Redirect{Index: uint32(a[1]), Flags: a[2]})
	return 0, nil
}

// pidInNamespace is get_ns_current_pid_tgid: the process's own, whatever the
// namespace.
func pidInNamespace(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	const size = 8 // struct bpf_pidns_info: pid, tgid
	if uint32(a[3]) != size {
		return eInval.Result(), nil
	}
	out, err := m.Room(a[2], size)
	if err != nil {
		return 0, err
	}
	binary.LittleEndian.PutUint32(out, uint32(m.PidTgid))
	binary.LittleEndian.PutUint32(out[4:], uint32(m.PidTgid>>32))
	return 0, nil
}

// worldHelpers are the rows of this file.
func worldHelpers() map[string]helperFunc {
	return map[string]helperFunc{
		"get-socket-cookie":              always(1),
		"get-netns-cookie":               always(1),
		"get-socket-uid":                 func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.UidGid & 0xffffffff, nil },
		"get-cgroup-classid":             always(0),
		"skb-cgroup-classid":             always(0),
		"get-route-realm":                always(0),
		"get-attach-cookie":              func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.Cookie, nil },
		"skb-cgroup-id":                  func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.CgroupID, nil },
		"sk-cgroup-id":                   func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.CgroupID, nil },
		"get-current-ancestor-cgroup-id": ancestorCgroup(func(a [5]uint64) uint64 { return a[0] }),
		"skb-ancestor-cgroup-id":         ancestorCgroup(func(a [5]uint64) uint64 { return a[1] }),
		"sk-ancestor-cgroup-id":          ancestorCgroup(func(a [5]uint64) uint64 { return a[1] }),
		"current-task-under-cgroup":      always(0),
		"skb-under-cgroup":               always(0),
		"set-retval": func(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
			m.Retval = int32(a[0])
			return 0, nil
		},
		"get-retval": func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return uint64(int64(m.Retval)), nil },
		"override-return": func(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
			m.Retval = int32(a[1])
			return 0, nil
		},
		"get-func-arg":        getFuncArg,
		"copy-from-user":      probeRead,
		"copy-from-user-task": probeRead,
		"probe-write-user":    probeWriteUser,
		"strtol":              numberOf(true),
		"strtoul":             numberOf(false),
		"seq-write":           seqWrite,
		"seq-printf":          seqPrintf,
		"send-signal":         sendSignal(false),
		"send-signal-thread":  sendSignal(true),
		"skb-change-type":     skbChangeType,
		"set-hash":            setHash,
		"set-hash-invalid": func(m *Machine, r *Run, _ [5]uint64) (uint64, error) {
			return setHash(m, r, [5]uint64{})
		},
		"get-hash-recalc":         getHash,
		"skb-load-bytes-relative": loadRelative,
		"clone-redirect":          cloneRedirect,
		"redirect-peer":           redirect,
		"get-ns-current-pid-tgid": pidInNamespace,
		"msg-apply-bytes":         always(0),
		"msg-cork-bytes":          always(0),
		"sk-release":              always(0),
		"sk-lookup-tcp":           always(0), // nothing is found, unless a test mocks it
		"sk-lookup-udp":           always(0),
		"skc-lookup-tcp":          always(0),
	}
}
