package load

import (
	"context"
	"errors"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/perf"
)

// openPerf opens a perf buffer for reading until ctx ends.
func openPerf(ctx context.Context, m *ebpf.Map, name string, typ *btf.Struct, out chan<- Event) (read func() error, err error) {
	r, err := perf.NewReader(m, 64*os.Getpagesize())
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { r.Flush() })
	return func() error { return readPerf(r, name, typ, out) }, nil
}

func readPerf(r *perf.Reader, name string, typ *btf.Struct, out chan<- Event) error {
	defer r.Close()
	for {
		rec, err := r.Read()
		if errors.Is(err, perf.ErrFlushed) || errors.Is(err, perf.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if rec.LostSamples > 0 {
			out <- Event{Map: name, Lost: rec.LostSamples}
			continue
		}
		out <- Event{Map: name, Data: decodeEvent(typ, rec.RawSample)}
	}
}

type perfReader struct{ *perf.Reader }

func (r perfReader) read() ([]byte, uint64, error) {
	rec, err := r.Read()
	return rec.RawSample, rec.LostSamples, err
}

func perfRecords(m *ebpf.Map) (recordReader, error) {
	r, err := perf.NewReader(m, 64*os.Getpagesize())
	if err != nil {
		return nil, err
	}
	return perfReader{r}, nil
}
