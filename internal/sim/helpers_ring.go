package sim

import "fmt"

func (m *Machine) ringArg(addr uint64) (*ring, error) {
	mp, err := m.mapArg(addr)
	if err != nil {
		return nil, err
	}
	if mp.ring == nil {
		return nil, fmt.Errorf("map %s is no ring buffer", mp.Name)
	}
	return mp.ring, nil
}

func ringReserve(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	rb, err := m.ringArg(a[0])
	if err != nil || a[2] != 0 {
		return 0, err
	}
	rec := rb.reserve(a[1])
	if rec == nil {
		return 0, nil
	}
	rec.region = m.alloc(KindRecord, "the record of ring buffer "+rb.Name, rec.data, true)
	rec.region.owner = rec
	r.records = append(r.records, rec)
	return rec.region.Base, nil
}

// giveBack takes the record at addr out of those that r holds.
func (m *Machine) giveBack(r *Run, addr uint64, state recordState, why string) (uint64, error) {
	for i, rec := range r.records {
		if rec.region.Base == addr {
			r.records = append(r.records[:i:i], r.records[i+1:]...)
			rec.state = state
			m.free(rec.region, why)
			return 0, nil
		}
	}
	return 0, fmt.Errorf("%#x is no record that the program holds", addr)
}

func ringSubmit(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	return m.giveBack(r, a[0], recordSubmitted, "it was submitted")
}

func ringDiscard(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	return m.giveBack(r, a[0], recordDiscarded, "it was discarded")
}

func ringOutput(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	rb, err := m.ringArg(a[0])
	if err != nil {
		return 0, err
	}
	data, err := m.Bytes(a[1], int(a[2]))
	if err != nil {
		return 0, err
	}
	if a[3]&^(constant("BPF_RB_NO_WAKEUP")|constant("BPF_RB_FORCE_WAKEUP")) != 0 {
		return eInval.Result(), nil
	}
	rec := rb.reserve(a[2])
	if rec == nil {
		return eAgain.Result(), nil
	}
	copy(rec.data, data)
	rec.state = recordSubmitted
	return 0, nil
}

func ringQuery(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	rb, err := m.ringArg(a[0])
	if err != nil {
		return 0, err
	}
	switch a[1] {
	case constant("BPF_RB_AVAIL_DATA"):
		return rb.prod - rb.cons, nil
	case constant("BPF_RB_RING_SIZE"):
		return rb.size, nil
	case constant("BPF_RB_CONS_POS"):
		return rb.cons, nil
	case constant("BPF_RB_PROD_POS"):
		return rb.prod, nil
	}
	return 0, nil
}

// perfOutput sends data to a perf-event array, every entry of which is taken
// to be open. The high half of the flags asks for that many bytes of the packet
// behind the data.
func perfOutput(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[1])
	if err != nil {
		return 0, err
	}
	if !mp.is("perf-event-array") {
		return 0, fmt.Errorf("map %s is no perf-event array", mp.Name)
	}
	data, err := m.Bytes(a[3], int(a[4]))
	if err != nil {
		return 0, err
	}
	data = append([]byte(nil), data...)
	mask := constant("BPF_F_INDEX_MASK")
	if c := m.context(r.Ctx); c != nil && c.packet != nil {
		ctxlen := constant("BPF_F_CTXLEN_MASK")
		n := int(a[2] & ctxlen >> 32)
		if a[2]&^(mask|ctxlen) != 0 {
			return eInval.Result(), nil
		}
		if n > c.packet.end-c.packet.start {
			return eFault.Result(), nil
		}
		data = append(data, c.packet.buf[c.packet.start:c.packet.start+n]...)
	} else if a[2]&^mask != 0 {
		return eInval.Result(), nil
	}
	cpu := a[2] & mask
	if cpu == constant("BPF_F_CURRENT_CPU") {
		cpu = uint64(m.CPU)
	}
	switch {
	case cpu >= uint64(mp.MaxEntries):
		return e2Big.Result(), nil
	case cpu != uint64(m.CPU): // an event belongs to its processor
		return eNotSup.Result(), nil
	}
	mp.records = append(mp.records, Record{m.CPU, data})
	return 0, nil
}
