package load

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

type perfEvent struct{ typ, config uint64 }

// perfEvents are the events by the names of perf(1).
var perfEvents = map[string]perfEvent{
	"cpu-clock":        {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CPU_CLOCK},
	"task-clock":       {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_TASK_CLOCK},
	"page-faults":      {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_PAGE_FAULTS},
	"minor-faults":     {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_PAGE_FAULTS_MIN},
	"major-faults":     {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_PAGE_FAULTS_MAJ},
	"context-switches": {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CONTEXT_SWITCHES},
	"cpu-migrations":   {unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CPU_MIGRATIONS},

	"cycles":           {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES},
	"instructions":     {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS},
	"cache-references": {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CACHE_REFERENCES},
	"cache-misses":     {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CACHE_MISSES},
	"branches":         {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
	"branch-misses":    {unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_BRANCH_MISSES},
}

const perfFrequency = 99 // samples a second: not in step with what happens a hundred times

// attachPerfEvent runs the program at samples of an event, "cpu-clock" by
// default; "page-faults:10" is each tenth of them. They are taken on all
// CPUs, or of all threads of one process.
func attachPerfEvent(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	name, count, every := strings.Cut(t.Event, ":")
	if name == "" {
		name = "cpu-clock"
	}
	what := "perf event " + name
	ev, ok := perfEvents[name]
	if !ok {
		return nil, what, &TargetError{"--event " + t.Event, "there are " + words(perfEvents)}
	}
	attr := unix.PerfEventAttr{Type: uint32(ev.typ), Config: ev.config, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Bits: unix.PerfBitDisabled}
	if every {
		n, err := strconv.ParseUint(count, 10, 63)
		if err != nil || n == 0 || t.Frequency != 0 {
			return nil, what, &TargetError{"--event " + t.Event, "want NAME, with --freq, or NAME:COUNT"}
		}
		attr.Sample = n
		what += fmt.Sprintf(", every %d", n)
	} else {
		attr.Bits |= unix.PerfBitFreq
		if attr.Sample = uint64(t.Frequency); attr.Sample == 0 {
			attr.Sample = perfFrequency
		}
		what += fmt.Sprintf(", %d times a second", attr.Sample)
	}
	places, err := perfPlaces(t.Pid)
	if err != nil {
		return nil, what, err
	}
	var all manyLinks
	for _, at := range places {
		if at.pid > 0 {
			attr.Bits |= unix.PerfBitInherit
		}
		l, err := openPerfEvent(p, &attr, at.pid, at.cpu)
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENODEV) && len(places) > 1 {
			continue // a thread that ended, a CPU that went
		}
		if err != nil {
			all.Close()
			if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
				err = fmt.Errorf("this machine does not count %s: %w", name, err)
			}
			return nil, what, err
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, what, fmt.Errorf("process %d has no threads", t.Pid)
	}
	return all, what, nil
}

type perfPlace struct{ pid, cpu int }

// perfPlaces are all CPUs, or the threads of a process.
func perfPlaces(pid int) (at []perfPlace, err error) {
	if pid == 0 {
		cpus, err := online()
		for _, c := range cpus {
			at = append(at, perfPlace{-1, c})
		}
		return at, err
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, e := range threads {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			at = append(at, perfPlace{n, -1})
		}
	}
	return at, err
}

func openPerfEvent(p *ebpf.Program, attr *unix.PerfEventAttr, pid, cpu int) (*perfLink, error) {
	fd, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &perfLink{fd: fd}
	// Kernels before 5.15 have no links for perf events.
	if raw, err := link.AttachRawLink(link.RawLinkOptions{Target: fd, Program: p, Attach: ebpf.AttachPerfEvent}); err == nil {
		l.link = raw
	} else if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, p.FD()); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

type perfLink struct {
	fd   int
	link *link.RawLink
}

func (l *perfLink) Close() error {
	var err error
	if l.link != nil {
		err = l.link.Close()
	}
	return errors.Join(err, unix.Close(l.fd))
}
