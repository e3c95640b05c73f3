package sim

// A Record is what a program sent to user space.
type Record struct {
	CPU  int
	Data []byte
}

// A ring is a ring buffer with its positions, as kernel/bpf/ringbuf.c has
// them: a record takes 8 bytes more than its data, rounded up to 8.
type ring struct {
	*Map
	size       uint64
	prod, cons uint64
	recs       []*record // from cons on
}

type recordState uint8

const (
	recordBusy recordState = iota
	recordSubmitted
	recordDiscarded
)

type record struct {
	ring   *ring
	data   []byte
	cpu    int
	state  recordState
	region *Region
}

const ringHeader = 8 // BPF_RINGBUF_HDR_SZ

func ringSpace(n uint64) uint64 { return (n + ringHeader + 7) &^ 7 }

// reserve makes room for n bytes; nil if there is none.
func (r *ring) reserve(n uint64) *record {
	need := ringSpace(n)
	if n > 1<<30 || need > r.size || r.prod+need-r.cons > r.size-1 {
		return nil
	}
	r.prod += need
	rec := &record{ring: r, data: make([]byte, n), cpu: r.m.CPU}
	r.recs = append(r.recs, rec)
	return rec
}

// Records lists what programs have submitted to a ring buffer, or put out to
// a perf-event array, in order. It does not consume: a ring buffer that
// nobody drains gets full.
func (mp *Map) Records() []Record {
	if mp.ring == nil {
		return append([]Record(nil), mp.records...)
	}
	var out []Record
	for _, rec := range mp.ring.recs {
		if rec.state == recordSubmitted {
			out = append(out, Record{rec.cpu, append([]byte(nil), rec.data...)})
		}
	}
	return out
}

// Drain consumes what there is, as a reader in user space does, and gives it.
// It stops at the first record that is still being written.
func (mp *Map) Drain() []Record {
	if mp.ring == nil {
		out := mp.records
		mp.records = nil
		return out
	}
	r := mp.ring
	var out []Record
	for len(r.recs) > 0 && r.recs[0].state != recordBusy {
		rec := r.recs[0]
		r.recs = r.recs[1:]
		r.cons += ringSpace(uint64(len(rec.data)))
		if rec.state == recordSubmitted {
			out = append(out, Record{rec.cpu, rec.data})
		}
	}
	return out
}
