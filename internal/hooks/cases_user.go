//go:build linux

package hooks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

var userCases = []Case{
	{Name: "uprobe", Hook: "uprobe", Event: calls, Check: arguments},
	{Name: "uprobe-s", Hook: "uprobe.s", Event: calls, Check: arguments},
	{Name: "uretprobe", Hook: "uretprobe", Event: calls, Check: slotIs(1, result)},
	{Name: "uretprobe-s", Of: "uretprobe", Section: "uretprobe.s//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed", Hook: "uretprobe.s", Event: calls, Check: slotIs(1, result)},
	{Name: "uprobe-multi", Hook: "uprobe.multi", Event: calls, Check: places(2)},
	{Name: "uprobe-multi-s", Of: "uprobe-multi", Section: "uprobe.multi.s//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed*", Hook: "uprobe.multi.s", Event: calls, Check: places(2)},
	{Name: "uretprobe-multi", Of: "uprobe-multi", Section: "uretprobe.multi//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed*", Hook: "uretprobe.multi", Event: calls, Check: places(2)},
	{Name: "uretprobe-multi-s", Of: "uprobe-multi", Section: "uretprobe.multi.s//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed*", Hook: "uretprobe.multi.s", Event: calls, Check: places(2)},
	{Name: "uprobe-session", Hook: "uprobe.session", Event: calls, Check: firstSlot(3)},
	{Name: "uprobe-session-s", Of: "uprobe-session", Section: "uprobe.session.s//proc/self/exe:github.com/whistler-lang/whistler/internal/hooks.probed*", Hook: "uprobe.session.s", Event: calls, Check: firstSlot(3)},
	{Name: "usdt", Hook: "usdt", Targets: probeProgram, Event: runProbe, Check: probeArguments},
	{Name: "usdt-s", Of: "usdt", Section: "usdt.s/whistler-probe:whistler:probe", Hook: "usdt.s", Targets: probeProgram, Event: runProbe, Check: probeArguments},

	{Name: "perf-event", Hook: "perf_event, cpu-clock", Targets: perf("cpu-clock", 999), Event: nil},
	{Name: "perf-event-software", Hook: "perf_event, page-faults:1", Targets: perf("page-faults:1", 0), Event: touch},
	{Name: "tracepoint", Hook: "tracepoint", Event: sleep},
	{Name: "tracepoint-text", Hook: "tracepoint, texts of the record", Targets: probeProgram, Event: execute, Check: executed},
	{Name: "tp", Hook: "tp, a system call", Event: func(*Env, *load.Collection) error { _, err := unix.Getpgid(0); return err }},

	{Name: "iter-task", Hook: "iter/task", Event: walk},
	{Name: "iter-sleepable", Of: "iter-tcp", Section: "iter.s/task", Hook: "iter.s/task", Event: walk},
	{Name: "iter-map", Hook: "iter/bpf_map_elem", Targets: func(*Env) (load.Targets, error) { return load.Targets{Map: "table"}, nil }, Event: walkMap, Check: walked(3)},
	{Name: "iter-tcp", Hook: "iter/tcp", Event: walkListener},
	{Name: "iter-cgroup", Of: "iter-tcp", Section: "iter/cgroup", Hook: "iter/cgroup", Since: "6.1", Targets: inCgroup, Event: walk},
	{Name: "syscall", Hook: "syscall, run once", Event: once},
}

const result = 4243 // what probed gives back

// probed has its first and second argument twice, so that they are where C
// functions have them, too, whatever the architecture. It must not make the
// runtime look at the stack, where a uretprobe has changed its return address.
//
//go:noinline
//go:nosplit
func probed(a *[8]byte, n uint64, _ uint64, b *[8]byte, m uint64) uint64 {
	return n + m - 4241 + uint64(a[0]-b[0])
}

//go:noinline
//go:nosplit
func probedAgain(a *[8]byte, n uint64, _ uint64, b *[8]byte, m uint64) uint64 {
	return n + m + uint64(a[0]-b[0])
}

var message = [8]byte([]byte("whistler"))

// calls calls both functions. Nothing may look at the stack while a return
// probe has changed it.
func calls(*Env, *load.Collection) error {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if n := probed(&message, 4242, 0, &message, 4242); n != result {
		return fmt.Errorf("the function gives %d", n)
	}
	probedAgain(&message, 1, 0, &message, 1)
	return nil
}

func arguments(e *Env, c *load.Collection) error {
	if err := slotIs(1, 4242)(e, c); err != nil {
		return err
	}
	var text [8]byte
	if err := c.Map("text").Lookup(uint32(0), &text); err != nil {
		return err
	}
	return equal("the text", text, message)
}

// places checks from how many functions events came.
func places(want int) func(*Env, *load.Collection) error {
	return func(_ *Env, c *load.Collection) error {
		entries, err := c.Entries("places")
		if err != nil {
			return err
		}
		return equal("functions", len(entries), want)
	}
}

func perf(event string, frequency int) func(*Env) (load.Targets, error) {
	return func(*Env) (load.Targets, error) { return load.Targets{Event: event, Frequency: frequency}, nil }
}

// touch makes the kernel bring in pages.
func touch(*Env, *load.Collection) error {
	b, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return unix.Munmap(b)
}

func sleep(*Env, *load.Collection) error {
	t := unix.NsecToTimespec(2e6)
	return unix.Nanosleep(&t, nil)
}

// walk runs the iterators and leaves what they write.
func walk(_ *Env, c *load.Collection) error {
	return c.Iterate(func(_ string, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
}

func walkMap(e *Env, c *load.Collection) error {
	for i := range uint32(2) {
		if err := c.Map("table").Put(i, uint64(i)); err != nil {
			return err
		}
	}
	return walk(e, c)
}

// walked checks how often the program ran: for each object, and at the end.
func walked(n uint64) func(*Env, *load.Collection) error { return firstSlot(n) }

func walkListener(e *Env, c *load.Collection) error {
	l, err := listen("127.0.0.1:0", nil)
	if err != nil {
		return err
	}
	defer l.Close()
	return walk(e, c)
}

func once(_ *Env, c *load.Collection) error {
	if n := c.Syscalls(); len(n) != 1 {
		return errors.New("the object has no syscall program")
	}
	var ctx bytes.Buffer
	binary.Write(&ctx, binary.NativeEndian, []uint32{40, 2})
	n, err := c.Call("see", ctx.Bytes())
	if err != nil {
		return err
	}
	return equal("the result", n, 42)
}
