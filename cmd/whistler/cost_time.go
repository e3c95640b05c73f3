package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/whistler-lang/whistler/load"
)

const (
	timeRounds = 3
	timeTries  = 3                    // in a round; the fastest counts
	timeTurn   = 5 * time.Millisecond // of one try
	timeSingle = 500                  // tries in a round, of programs that run once per packet
)

// timedTypes are the program types that the kernel runs on a packet of ours,
// and times.
var timedTypes = []ebpf.ProgramType{ebpf.SocketFilter, ebpf.SchedCLS, ebpf.SchedACT, ebpf.XDP, ebpf.CGroupSKB, ebpf.LWTIn, ebpf.LWTOut,
	ebpf.LWTXmit, ebpf.LWTSeg6Local, ebpf.FlowDissector, ebpf.Netfilter}

// time measures a run of a program on a packet, and one of an empty program
// of its type, by turns: the minimum of all rounds.
func (p *costed) time(coll *load.Collection, packet []byte) error {
	s := coll.Spec.Programs[p.name]
	if !slices.Contains(timedTypes, s.Type) {
		return errors.New("the kernel's test run does not time programs of this type")
	}
	steady := true // a run is as the one before
	var full []func() error
	for _, ins := range s.Instructions {
		if ins.IsBuiltinCall() && asm.BuiltinFunc(ins.Constant) == asm.FnCloneRedirect {
			return errors.New("it sends packets (bpf_clone_redirect), in a test run too")
		}
		if !ins.IsLoadFromMap() || coll.Map(ins.Reference()) == nil {
			continue
		}
		switch m := coll.Map(ins.Reference()); m.Type() {
		case ebpf.PerfEventArray:
			return fmt.Errorf("nobody reads the perf buffer %s, and its program would fail to write it", ins.Reference())
		case ebpf.RingBuf:
			r, err := ringbuf.NewReader(m)
			if err != nil {
				return err
			}
			defer r.Close()
			full, steady = append(full, func() error { return emptyRing(r) }), false
		case ebpf.Queue, ebpf.Stack:
			full, steady = append(full, func() error { return emptyQueue(m) }), false
		}
	}
	empty, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: s.Type, AttachType: s.AttachType, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	if err != nil {
		return fmt.Errorf("an empty program for comparison: %w", err)
	}
	defer empty.Close()
	out := ebpf.RunOptions{Data: packet, DataOut: make([]byte, len(packet)+512)}
	if _, err := coll.Program(p.name).Run(&out); err != nil {
		return err
	}
	steady = steady && bytes.Equal(out.DataOut, packet) // else the next run would get what this one left

	times, err := interleaved([]*ebpf.Program{coll.Program(p.name), empty}, packet, steady, full)
	if err != nil {
		return err
	}
	p.ns, p.emptyNs = times[0], times[1]
	return nil
}

// interleaved is the time of a run of each program in nanoseconds. The
// kernel's clock has a coarse grain for single runs: of those the mean of the
// faster half counts, not one.
func interleaved(progs []*ebpf.Program, packet []byte, steady bool, after []func() error) (best []int, err error) {
	tries := timeTries
	if !steady {
		tries = timeSingle
	}
	all := make([][]int, len(progs))
	repeat := slices.Repeat([]int{1}, len(progs))
	for round := range timeRounds {
		for i, prog := range progs {
			if steady && round == 0 {
				_, probe, err := prog.Benchmark(packet, 1000, nil)
				if err != nil {
					return nil, err
				}
				repeat[i] = min(1_000_000, int(timeTurn/max(probe, 1))+1)
			}
			for range tries {
				_, took, err := prog.Benchmark(packet, repeat[i], nil)
				for _, f := range after {
					err = errors.Join(err, f())
				}
				if err != nil {
					return nil, err
				}
				all[i] = append(all[i], int(took))
			}
		}
	}
	for _, ns := range all {
		slices.Sort(ns)
		if steady {
			ns = ns[:1]
		} else {
			ns = ns[:len(ns)/2]
		}
		sum := 0
		for _, n := range ns {
			sum += n
		}
		best = append(best, (sum+len(ns)/2)/len(ns))
	}
	return best, nil
}

// emptyRing makes room before a ring is full. It leaves records in it, since
// one that finds it empty would wake its reader up, and be slow.
func emptyRing(r *ringbuf.Reader) error {
	if r.AvailableBytes() < r.BufferSize()/2 {
		return nil
	}
	if err := r.Flush(); err != nil {
		return err
	}
	for {
		switch _, err := r.Read(); {
		case errors.Is(err, ringbuf.ErrFlushed):
			return nil
		case err != nil:
			return err
		}
	}
}

func emptyQueue(m *ebpf.Map) error {
	for {
		value := make([]byte, m.ValueSize())
		switch err := m.LookupAndDelete(nil, &value); {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			return nil
		case err != nil:
			return err
		}
	}
}
