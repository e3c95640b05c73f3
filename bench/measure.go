package main

import (
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

const (
	rounds      = 3
	turn        = 8 * time.Millisecond // of one measurement
	tries       = 6                    // in a round; the fastest counts
	singleTries = 1000                 // of programs that run once per packet
)

// nanoseconds measures a run of each object's program, the empty program of
// the same type subtracted: interleaved, the minimum of all rounds. It is
// empty where the kernel does not time this type.
func (p *pair) nanoseconds(files []string) ([]float64, error) {
	if p.program == "" || p.inputs == nil || p.inputs[0].args != nil {
		return nil, nil
	}
	var progs []*ebpf.Program
	for _, f := range files {
		o, err := p.prepare(f)
		if err != nil {
			return nil, err
		}
		defer o.close()
		progs = append(progs, o.Programs[p.program])
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

	best := make([]float64, len(progs))
	for round := range rounds {
		for i, prog := range progs {
			ns, err := p.time(prog)
			if err != nil {
				return nil, err
			}
			if round == 0 || ns < best[i] {
				best[i] = ns
			}
		}
	}
	idle := best[len(best)-1]
	best = best[:len(best)-1]
	for i := range best {
		best[i] = max(0, best[i]-idle)
	}
	return best, nil
}

// time gives the nanoseconds of a run of the pair's timed input.
func (p *pair) time(prog *ebpf.Program) (float64, error) {
	in := p.inputs[0]
	if p.timed != nil {
		in = *p.timed
	}
	run := func(repeat int) (float64, error) {
		// The kernel gives the mean time of a run in whole nanoseconds.
		_, took, err := prog.Benchmark(in.packet, repeat, nil)
		return float64(took.Nanoseconds()), err
	}
	var all []float64
	if p.once {
		// The clock's grain is coarser than a single run's differences: the
		// mean of many, without the slow ones.
		for range singleTries {
			ns, err := run(1)
			if err != nil {
				return 0, err
			}
			all = append(all, ns)
		}
		slices.Sort(all)
		sum := 0.0
		for _, ns := range all[:len(all)/2] {
			sum += ns
		}
		return sum / float64(len(all)/2), nil
	}
	probe, err := run(1000)
	if err != nil {
		return 0, err
	}
	repeat := min(1000000, int(float64(turn.Nanoseconds())/max(probe, 1))+1)
	for range tries {
		ns, err := run(repeat)
		if err != nil {
			return 0, err
		}
		all = append(all, ns)
	}
	return slices.Min(all), nil
}
