package live

import (
	"errors"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// A reader takes records out of a buffer of the kernel: those that are there,
// and where there are none those that come within a time.
type reader interface {
	take(seconds float64) ([][]byte, error)
	lost() uint64
	close()
}

// until is when a reader that may wait so long gives up.
func until(seconds float64) time.Time {
	if seconds <= 0 {
		return time.Now().Add(-time.Second) // what is there is still read
	}
	return time.Now().Add(time.Duration(seconds * float64(time.Second)))
}

// most bounds how many records are taken at once, so that a flood is
// handled in pieces.
const most = 4096

type ring struct{ r *ringbuf.Reader }

func openRing(m *ebpf.Map) (reader, error) {
	r, err := ringbuf.NewReader(m)
	if err != nil {
		return nil, err
	}
	return &ring{r}, nil
}

func (r *ring) take(seconds float64) (out [][]byte, err error) {
	r.r.SetDeadline(until(seconds))
	for len(out) < most {
		rec, err := r.r.Read()
		if err != nil {
			return out, ended(err)
		}
		if out = append(out, rec.RawSample); len(out) == 1 {
			r.r.SetDeadline(until(0))
		}
	}
	return out, nil
}

func (r *ring) lost() uint64 { return 0 } // what has no room is the program's to count

func (r *ring) close() { r.r.Close() }

// ended is nil where reading ended because nothing was left.
func ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
