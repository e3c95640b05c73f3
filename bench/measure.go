//go:build linux

package main

import (
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

const (
	rounds      = 64
	turn        = 4 * time.Millisecond // of one measurement
	tries       = 3                    // in a round; the fastest counts
	batch       = 50
	singleTries = 600 // in a round, of programs that run once per packet
)

// nanoseconds measures a run of each object's program, the empty program of
// the same type subtracted: interleaved, in rounds of which each is the fastest of
// many runs, the lower quartile and the fastest of all rounds. Each round loads the
// objects again, since where code and maps come to lie makes a difference as large
// as that of two compilers: the fastest round says who was lucky, too. They are
// empty where the kernel does not time this type.
func (p *pair) nanoseconds(files []string) (quartile, fastest []float64, err error) {
	if p.program == "" || p.inputs == nil || p.inputs[0].args != nil {
		return nil, nil, nil
	}
	times := make([][]float64, len(files)+1) // of each, and of the empty program
	for range rounds {
		round, err := p.round(files)
		if err != nil {
			return nil, nil, err
		}
		for i, ns := range round {
			times[i] = append(times[i], ns)
		}
	}
	for _, all := range times {
		slices.Sort(all)
	}
	empty := times[len(files)]
	for _, all := range times[:len(files)] {
		quartile = append(quartile, max(0, all[rounds/4]-empty[rounds/4]))
		fastest = append(fastest, max(0, all[0]-empty[0]))
	}
	return quartile, fastest, nil
}

// round loads each object and the empty program, and gives the nanoseconds of
// a run of each.
func (p *pair) round(files []string) ([]float64, error) {
	var progs []*ebpf.Program
	var objects []*object
	for _, f := range files {
		o, err := p.prepare(f)
		if err != nil {
			return nil, err
		}
		defer o.close()
		progs = append(progs, o.Programs[p.program])
		objects = append(objects, o)
	}
	empty, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: progs[0].Type(), License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	})
	if err != nil {
		return nil, err
	}
	defer empty.Close()
	progs = append(progs, empty)

	if p.repeats > 0 {
		return p.few(progs, objects)
	}
	times := make([]float64, len(progs))
	for i, prog := range progs {
		if times[i], err = p.repeated(prog); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// run gives the mean time of some runs, as the kernel tells it: in whole
// nanoseconds.
func (p *pair) run(prog *ebpf.Program, repeat int) (float64, error) {
	in := p.inputs[0]
	if p.timed != nil {
		in = *p.timed
	}
	_, took, err := prog.Benchmark(in.packet, repeat, nil)
	return float64(took.Nanoseconds()), err
}

// few runs programs p.repeats times at most in a row, by turns of a batch, and
// empties the rings between turns. The clock's grain is coarser than the
// differences: the mean of many runs counts, without the slow ones.
func (p *pair) few(progs []*ebpf.Program, objects []*object) ([]float64, error) {
	times := make([][]float64, len(progs))
	for turn := range singleTries / batch {
		for k := range progs {
			i := (k + turn) % len(progs)
			for range max(1, batch/p.repeats) {
				ns, err := p.run(progs[i], p.repeats)
				if err != nil {
					return nil, err
				}
				times[i] = append(times[i], ns)
			}
		}
		for _, o := range objects {
			for _, r := range o.rings {
				if _, err := drain(r); err != nil {
					return nil, err
				}
			}
		}
	}
	means := make([]float64, len(progs))
	for i, all := range times {
		slices.Sort(all)
		for _, ns := range all[:len(all)/2] {
			means[i] += ns / float64(len(all)/2)
		}
	}
	return means, nil
}

// repeated runs a program many times in a row: the fastest of some tries.
func (p *pair) repeated(prog *ebpf.Program) (float64, error) {
	probe, err := p.run(prog, 1000)
	if err != nil {
		return 0, err
	}
	repeat := min(1000000, int(float64(turn.Nanoseconds())/max(probe, 1))+1)
	var all []float64
	for range tries {
		ns, err := p.run(prog, repeat)
		if err != nil {
			return 0, err
		}
		all = append(all, ns)
	}
	return slices.Min(all), nil
}
