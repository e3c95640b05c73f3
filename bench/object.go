//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// An object is one side of a pair in the kernel.
type object struct {
	*ebpf.Collection
	rings map[string]*ringbuf.Reader
}

// open loads an object; constants are set before.
func open(file string, constants map[string]any) (*object, error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return nil, err
	}
	for name, v := range constants {
		s := spec.Variables[name]
		if s == nil {
			return nil, fmt.Errorf("%s has no variable %s", file, name)
		}
		if err := s.Set(v); err != nil {
			return nil, err
		}
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		var ve *ebpf.VerifierError
		if errors.As(err, &ve) {
			err = fmt.Errorf("%+v", ve)
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	o := &object{c, map[string]*ringbuf.Reader{}}
	for name, m := range c.Maps {
		if m.Type() == ebpf.RingBuf {
			if o.rings[name], err = ringbuf.NewReader(m); err != nil {
				o.close()
				return nil, err
			}
		}
	}
	return o, nil
}

func (o *object) close() {
	for _, r := range o.rings {
		r.Close()
	}
	o.Close()
}

// fill sets entries of a map: keys and values by turns.
func (o *object) fill(name string, entries ...[]byte) error {
	m := o.Maps[name]
	if m == nil {
		return fmt.Errorf("no map %s", name)
	}
	for i := 0; i < len(entries); i += 2 {
		if err := m.Put(entries[i], entries[i+1]); err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
	}
	return nil
}

// verified is the number of instructions that the verifier walked, and jited
// the bytes of machine code, over all programs.
func (o *object) verified() (verified, jited int, err error) {
	for _, p := range o.Programs {
		info, err := p.Info()
		if err != nil {
			return 0, 0, err
		}
		n, _ := info.VerifiedInstructions()
		verified += int(n)
		size, err := info.JitedSize()
		if err != nil {
			return 0, 0, err
		}
		jited += int(size)
	}
	return verified, jited, nil
}

// A result is what one run of a program gave.
type result struct {
	ret uint32
	out []byte
	err string
}

func (r result) String() string {
	if r.err != "" {
		return r.err
	}
	return fmt.Sprintf("%d, %d bytes %x", int32(r.ret), len(r.out), r.out)
}

// run runs a program once.
func (o *object) run(program string, in input) result {
	p := o.Programs[program]
	if p == nil {
		return result{err: "no program " + program}
	}
	opts := &ebpf.RunOptions{}
	if in.args != nil {
		opts.Context = in.args
	} else {
		opts.Data = in.packet
		opts.DataOut = make([]byte, len(in.packet)+256+2)
	}
	ret, err := p.Run(opts)
	if err != nil {
		return result{err: err.Error()}
	}
	return result{ret: ret, out: opts.DataOut}
}

// A mask names bytes of a map's values (or of a ring's records) that two runs
// never have in common, such as times.
type mask struct {
	name     string
	off, len int
}

// hide zeroes the bytes that masks name.
func hide(name string, value []byte, masks []mask) []byte {
	for _, m := range masks {
		if m.name == name && m.off+m.len <= len(value) {
			clear(value[m.off : m.off+m.len])
		}
	}
	return value
}

// state prints what is in the maps and variables, sorted, and takes the
// records out of the rings.
func (o *object) state(masks []mask) (lines []string, err error) {
	for name, m := range o.Maps {
		switch m.Type() {
		case ebpf.ProgramArray, ebpf.BloomFilter:
			continue
		case ebpf.RingBuf:
			records, err := drain(o.rings[name])
			if err != nil {
				return nil, err
			}
			for i, r := range records {
				lines = append(lines, fmt.Sprintf("%s record %04d: %x", name, i, hide(name, r, masks)))
			}
			continue
		}
		if strings.HasPrefix(name, ".") {
			continue // variables, see below
		}
		more, err := entries(name, m, masks)
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", name, err)
		}
		lines = append(lines, more...)
	}
	for name, v := range o.Variables {
		if v.ReadOnly() {
			continue
		}
		b := make([]byte, v.Size())
		if err := v.Get(b); err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		lines = append(lines, fmt.Sprintf("%s = %x", name, b))
	}
	sort.Strings(lines)
	return lines, nil
}

// entries prints the entries of a map.
func entries(name string, m *ebpf.Map, masks []mask) (lines []string, err error) {
	key := []byte{}
	it := m.Iterate()
	if perCPU(m.Type()) {
		var values [][]byte
		for it.Next(&key, &values) {
			for cpu, v := range values {
				if v = hide(name, v, masks); !zero(v) {
					lines = append(lines, fmt.Sprintf("%s[%x] on CPU %d: %x", name, key, cpu, v))
				}
			}
		}
		return lines, it.Err()
	}
	var value []byte
	for it.Next(&key, &value) {
		if value = hide(name, value, masks); m.Type() == ebpf.Array && zero(value) {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s[%x]: %x", name, key, value))
	}
	return lines, it.Err()
}

func perCPU(t ebpf.MapType) bool {
	return t == ebpf.PerCPUArray || t == ebpf.PerCPUHash || t == ebpf.LRUCPUHash
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// drain takes all records out of a ring.
func drain(r *ringbuf.Reader) (records [][]byte, err error) {
	r.SetDeadline(time.Now())
	for {
		rec, err := r.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		records = append(records, rec.RawSample)
	}
}
