package live

import (
	"errors"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
)

// A reader takes the records that are there out of a buffer of the kernel.
type reader interface {
	drain() ([][]byte, error)
	close()
}

type ring struct{ r *ringbuf.Reader }

func openRing(m *ebpf.Map) (reader, error) {
	r, err := ringbuf.NewReader(m)
	if err != nil {
		return nil, err
	}
	return &ring{r}, nil
}

func (r *ring) drain() (out [][]byte, err error) {
	for {
		r.r.SetDeadline(time.Now().Add(-time.Second))
		rec, err := r.r.Read()
		if err != nil {
			return out, ended(err)
		}
		out = append(out, rec.RawSample)
	}
}

func (r *ring) close() { r.r.Close() }

type perfBuffer struct{ r *perf.Reader }

func openPerf(m *ebpf.Map) (reader, error) {
	r, err := perf.NewReader(m, os.Getpagesize())
	if err != nil {
		return nil, err
	}
	return &perfBuffer{r}, nil
}

func (p *perfBuffer) drain() (out [][]byte, err error) {
	p.r.SetDeadline(time.Now().Add(-time.Second))
	for {
		rec, err := p.r.Read()
		if err != nil {
			return out, ended(err)
		}
		out = append(out, rec.RawSample)
	}
}

func (p *perfBuffer) close() { p.r.Close() }

// ended is nil where reading ended because nothing was left.
func ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
