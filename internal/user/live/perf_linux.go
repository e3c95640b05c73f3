package live

import (
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
)

type perfBuffer struct {
	r       *perf.Reader
	dropped uint64
}

// perfPages is how much of a perf buffer each processor has.
const perfPages = 64

func openPerf(m *ebpf.Map) (reader, error) {
	r, err := perf.NewReader(m, perfPages*os.Getpagesize())
	if err != nil {
		return nil, err
	}
	return &perfBuffer{r: r}, nil
}

func (p *perfBuffer) take(seconds float64) (out [][]byte, err error) {
	p.r.SetDeadline(until(seconds))
	for len(out) < most {
		rec, err := p.r.Read()
		if err != nil {
			return out, ended(err)
		}
		if p.dropped += rec.LostSamples; rec.LostSamples > 0 {
			continue
		}
		if out = append(out, rec.RawSample); len(out) == 1 {
			p.r.SetDeadline(until(0))
		}
	}
	return out, nil
}

func (p *perfBuffer) lost() uint64 { return p.dropped }

func (p *perfBuffer) close() { p.r.Close() }
