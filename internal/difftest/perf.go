package difftest

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
)

// A perfBuffer reads a perf-event array of the kernel.
type perfBuffer struct{ r *perf.Reader }

func newPerfBuffer(m *ebpf.Map) (*perfBuffer, error) {
	r, err := perf.NewReader(m, os.Getpagesize())
	return &perfBuffer{r}, err
}

// drain gives the records that are there, in hex. The kernel pads them so
// that with the 4 bytes of their length they fill 8-byte words: what is
// compared ends with the last full word of the record itself.
func (p *perfBuffer) drain() (out []string) {
	p.r.SetDeadline(time.Now().Add(-time.Second))
	for {
		rec, err := p.r.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) || err != nil {
			return out
		}
		out = append(out, fmt.Sprintf("%x", rec.RawSample[:len(rec.RawSample)&^7]))
	}
}

func (p *perfBuffer) close() { p.r.Close() }
