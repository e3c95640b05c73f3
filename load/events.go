package load

import (
	"context"
	"errors"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"
)

// An Event is one record of a ring or perf buffer.
type Event struct {
	Map  string
	Data any    // decoded, []byte where the type is not known
	Lost uint64 // records lost before this one (perf buffers); Data is nil then
}

// Stream calls f for every event of every ring and perf buffer until ctx
// ends, then for what is still there. It returns when all are read.
func (c *Collection) Stream(ctx context.Context, f func(Event)) error {
	var readers []func() error
	events := make(chan Event, 256)
	for _, name := range c.Maps() {
		spec, m := c.Spec.Maps[name], c.coll.Maps[name]
		typ := c.Events(name)
		switch spec.Type {
		case ebpf.RingBuf:
			r, err := ringbuf.NewReader(m)
			if err != nil {
				return err
			}
			context.AfterFunc(ctx, func() { r.Flush() })
			readers = append(readers, func() error { return readRing(r, name, typ, events) })
		case ebpf.PerfEventArray:
			read, err := openPerf(ctx, m, name, typ, events)
			if err != nil {
				return err
			}
			readers = append(readers, read)
		}
	}
	errs := make(chan error, len(readers))
	for _, r := range readers {
		go func() { errs <- r() }()
	}
	var err error
	for running := len(readers); running > 0; {
		select {
		case e := <-events:
			f(e)
		case e := <-errs:
			err = errors.Join(err, e)
			running--
		}
	}
	for {
		select {
		case e := <-events:
			f(e)
		default:
			if len(readers) == 0 {
				<-ctx.Done()
			}
			return err
		}
	}
}

func decodeEvent(typ *btf.Struct, raw []byte) any {
	if typ == nil || len(raw) < int(typ.Size) {
		return append([]byte(nil), raw...)
	}
	return Decode(typ, raw)
}

func readRing(r *ringbuf.Reader, name string, typ *btf.Struct, out chan<- Event) error {
	defer r.Close()
	for {
		rec, err := r.Read()
		if errors.Is(err, ringbuf.ErrFlushed) || errors.Is(err, ringbuf.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		out <- Event{Map: name, Data: decodeEvent(typ, rec.RawSample)}
	}
}
