//go:build linux

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
	batch       = 50
	singleTries = 1500 // in a round, of programs that run once per packet
)

// nanoseconds measures a run of each object's program, the empty program of
// the same type subtracted: interleaved, the minimum of all rounds. It is
// empty where the kernel does not time this type.
func (p *pair) nanoseconds(files []string) ([]float64, error) {
	if p.program == "" || p.inputs == nil || p.inputs[0].args != nil {
		return nil, nil
	}
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

	best, err := p.interleaved(progs, objects)
	if err != nil {
		return nil, err
	}
	idle := best[len(best)-1]
	best = best[:len(best)-1]
	for i := range best {
		best[i] = max(0, best[i]-idle)
	}
	return best, nil
}

// interleaved gives the nanoseconds of a run of each program.
func (p *pair) interleaved(progs []*ebpf.Program, objects []*object) ([]float64, error) {
	if p.repeats > 0 {
		return p.few(progs, objects)
	}
	best := make([]float64, len(progs))
	for round := range rounds {
		for i, prog := range progs {
			ns, err := p.repeated(prog)
			if err != nil {
				return nil, err
			}
			if round == 0 || ns < best[i] {
				best[i] = ns
			}
		}
	}
	return best, nil
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
	for turn := range rounds * singleTries / batch {
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
