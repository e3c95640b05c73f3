//go:build linux

package hooks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"

	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// coreCases read the kernel's own structs and compare with /proc.
var coreCases = []Case{
	{Name: "task", Hook: "raw tracepoint: fields of task_struct as /proc has them, by probe reads", Event: look, Check: sameAsProc},
	{Name: "task-btf", Hook: "tp_btf: the same, by plain loads", Event: look, Check: sameAsProc},
	{Name: "renamed", Hook: "raw tracepoint: a field with another name on older kernels", Event: look, Check: running},
	{Name: "kfunc", Hook: "tp_btf: kernel functions with references", Event: look},
	{Name: "ksym", Hook: "raw tracepoint: variables of the kernel, by address and by value", Event: anyCall, Check: ownBTF},
	{Name: "ksym-percpu", Hook: "raw tracepoint: per-CPU variables of the kernel", Event: anyCall, Check: ownCPUs},
	{Name: "timer", Hook: "tp_btf: a bpf-timer that calls back three times", Event: look, Check: ranOut},
}

// A report is what the programs write; the layout is that of their struct.
type report struct {
	Pid, Tgid, Parent int32
	ResetOnFork       uint32
	ArgStart          uint64
	Comm              [16]byte
}

// look names this process to the program and makes a system call.
func look(_ *Env, c *load.Collection) error {
	if err := c.Map("who").Put(uint32(0), uint32(outerPid())); err != nil {
		return err
	}
	unix.Getppid()
	return nil
}

// outerPid is this process's number in the first PID namespace, which is
// what programs in the kernel see.
func outerPid() int {
	if ids := statusField("NSpid:"); len(ids) > 0 {
		var n int
		fmt.Sscan(ids[0], &n)
		return n
	}
	return os.Getpid()
}

func statusField(name string) []string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

// argStart is field 48 of /proc/self/stat, see proc(5).
func argStart() (n uint64, err error) {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(text, []byte(") ")) // the name before may hold spaces
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 46 {
		return 0, errors.New("/proc/self/stat is too short")
	}
	_, err = fmt.Sscan(fields[45], &n)
	return n, err
}

func sameAsProc(e *Env, c *load.Collection) error {
	for _, reset := range []uint32{0, 1} {
		if err := setResetOnFork(reset == 1); err != nil {
			return fmt.Errorf("setting SCHED_RESET_ON_FORK: %w", err)
		}
		// A thread that the Go runtime starts now does not have the bit.
		var r report
		for range 100 {
			unix.Getppid()
			if err := c.Map("reports").Lookup(uint32(0), &r); err != nil {
				return err
			}
			if r.ResetOnFork == reset {
				break
			}
		}
		start, err := argStart()
		if err != nil {
			return err
		}
		comm, err := os.ReadFile("/proc/self/comm")
		if err != nil {
			return err
		}
		name, _, _ := bytes.Cut(r.Comm[:], []byte{0})
		got := fmt.Sprintf("tgid %d parent %d arg_start %#x comm %s", r.Tgid, r.Parent, r.ArgStart, name)
		want := fmt.Sprintf("tgid %d parent %d arg_start %#x comm %s", outerPid(), os.Getppid(), start, bytes.TrimSpace(comm))
		if got != want {
			return fmt.Errorf("the program read %q, /proc says %q", got, want)
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", r.Pid)); err != nil && os.Getpid() == outerPid() {
			return fmt.Errorf("no thread %d: %w", r.Pid, err)
		}
		if r.ResetOnFork != reset {
			return fmt.Errorf("the bit-field sched_reset_on_fork is %d, want %d", r.ResetOnFork, reset)
		}
	}
	return Seen(e, c)
}

// setResetOnFork sets the bit on all threads of this process: which of them
// makes the next system call is the Go runtime's choice.
func setResetOnFork(on bool) error {
	const schedResetOnFork = 0x40000000 // SCHED_RESET_ON_FORK of <linux/sched.h>
	policy := 0
	if on {
		policy = schedResetOnFork
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		var tid int
		fmt.Sscan(t.Name(), &tid)
		var priority int32
		_, _, errno := unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), uintptr(policy), uintptr(unsafe.Pointer(&priority)))
		if errno != 0 && errno != unix.ESRCH {
			return errno
		}
	}
	return nil
}

// anyCall makes a system call.
func anyCall(*Env, *load.Collection) error {
	unix.Getppid()
	return nil
}

func slots(c *load.Collection, n uint32) (out []uint64, err error) {
	for i := range n {
		x, err := Slot(c, "seen", i)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// ownBTF compares what the program saw with /sys and /proc.
func ownBTF(e *Env, c *load.Collection) error {
	if err := Seen(e, c); err != nil {
		return err
	}
	got, err := slots(c, 6)
	if err != nil {
		return err
	}
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		return err
	}
	stop, err := kallsyms("__stop_BTF")
	if err != nil {
		return err
	}
	want := []uint64{got[0], uint64(binary.LittleEndian.Uint32(blob)), stop, 0, 1, 0}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the program saw %#x, want %#x", got, want)
	}
	return nil
}

// kallsyms is the address of a symbol of the kernel.
func kallsyms(name string) (addr uint64, err error) {
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[2] == name {
			_, err = fmt.Sscanf(f[0], "%x", &addr)
			return addr, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc/kallsyms", name)
}

// ownCPUs wants every CPU to know its number.
func ownCPUs(e *Env, c *load.Collection) error {
	if err := Seen(e, c); err != nil {
		return err
	}
	got, err := slots(c, 4)
	if err != nil {
		return err
	}
	if got[1] != 0 || got[2] < got[0]-1 || got[3] != 1 {
		return fmt.Errorf("of %d turns, %d numbers are wrong, %d CPUs were seen, none too many: %d", got[0], got[1], got[2], got[3])
	}
	return nil
}

// ranOut waits for the callback's last turn: it has the key of the value, and
// is not before three times a millisecond.
func ranOut(e *Env, c *load.Collection) error {
	if err := Seen(e, c); err != nil {
		return err
	}
	rounds, err := Slot(c, "seen", 0)
	id, err1 := Slot(c, "seen", 1)
	took, err2 := Slot(c, "seen", 2)
	if err := errors.Join(err, err1, err2); err != nil {
		return err
	}
	if rounds != 3 || id != uint64(outerPid()) || took < 3_000_000 {
		return fmt.Errorf("the callback ran %d times for %d, for %d ns", rounds, id, took)
	}
	return nil
}

func running(e *Env, c *load.Collection) error {
	if state, err := Slot(c, "seen", 1); err != nil || state != 0 {
		return fmt.Errorf("the state of a running process is %d: %v", state, err)
	}
	return Seen(e, c)
}
