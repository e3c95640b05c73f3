package load

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"
)

// Events are the records of a ring or perf buffer, as Ts.
type Events[T any] struct {
	r    recordReader
	name string
	lost atomic.Uint64
	err  error
}

// A recordReader reads one record, or says how many were lost.
type recordReader interface {
	read() (raw []byte, lost uint64, err error)
	Flush() error
	Close() error
}

type ringReader struct{ *ringbuf.Reader }

func (r ringReader) read() ([]byte, uint64, error) {
	rec, err := r.Read()
	return rec.RawSample, 0, err
}

// EventsOf opens a ring or perf buffer of c. Where the object says which
// struct it carries, and T is laid out otherwise, it is a *LayoutError.
func EventsOf[T any](c *Collection, name string) (*Events[T], error) {
	if c.coll.Maps[name] == nil {
		name = objectName(name)
	}
	m, spec := c.coll.Maps[name], c.Spec.Maps[name]
	if m == nil || spec == nil {
		return nil, fmt.Errorf("the object has no map %s: it has %v", name, c.Maps())
	}
	g := reflect.TypeFor[T]()
	var typ btf.Type
	size := int(g.Size())
	if s := c.Events(name); s != nil {
		typ, size = s, int(s.Size)
	}
	if _, err := checkLayout("the events of the map `"+name+"`", g, typ, size); err != nil {
		return nil, err
	}
	e := &Events[T]{name: name}
	var err error
	switch spec.Type {
	case ebpf.RingBuf:
		var r *ringbuf.Reader
		if r, err = ringbuf.NewReader(m); err == nil {
			e.r = ringReader{r}
		}
	case ebpf.PerfEventArray:
		e.r, err = perfRecords(m)
	default:
		err = fmt.Errorf("the map `%s` is a %v: events come from ring and perf buffers", name, spec.Type)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// All gives records as they come, until ctx ends, and then those that are
// still there. Another loop may follow; two at once share the records.
func (e *Events[T]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		stop := context.AfterFunc(ctx, func() { e.r.Flush() })
		defer stop()
		for {
			raw, lost, err := e.r.read()
			switch {
			case errors.Is(err, ringbuf.ErrFlushed), errors.Is(err, ringbuf.ErrClosed):
				return // those of package perf are the same
			case err != nil:
				e.err = err
				return
			case lost > 0:
				e.lost.Add(lost)
				continue
			}
			var v T
			if n := len(memory(&v)); len(raw) < n {
				e.err = fmt.Errorf("a record of `%s` has %d bytes, and %v %d", e.name, len(raw), reflect.TypeFor[T](), n)
				return
			}
			copy(memory(&v), raw)
			if !yield(v) {
				return
			}
		}
	}
}

// Lost is how many records the kernel has thrown away because nobody read
// them in time. It counts for perf buffers; where a ring buffer is full, the
// program is told and nobody else.
func (e *Events[T]) Lost() uint64 { return e.lost.Load() }

// Err is why the last loop ended early; nil if it did not.
func (e *Events[T]) Err() error { return e.err }

// Close frees the reader and ends a loop that waits.
func (e *Events[T]) Close() error { return e.r.Close() }
