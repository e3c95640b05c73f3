package difftest

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// A ring reads a ring buffer of the kernel.
type ring struct{ r *ringbuf.Reader }

func newRing(m *ebpf.Map) (*ring, error) {
	r, err := ringbuf.NewReader(m)
	return &ring{r}, err
}

// drain gives the records that are there, in hex.
func (r *ring) drain() (out []string) {
	for {
		r.r.SetDeadline(time.Now().Add(-time.Second))
		rec, err := r.r.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) || err != nil {
			return out
		}
		out = append(out, fmt.Sprintf("%x", rec.RawSample))
	}
}

func (r *ring) close() { r.r.Close() }
