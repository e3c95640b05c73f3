//go:build linux

package hooks

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// tracingCases stand in the kernel's own code. Each sees the system call of
// this process that look makes, or says no to it.
var tracingCases = []Case{
	{Name: "raw-tracepoint", Hook: "raw_tp, arguments by name", Event: look},
	{Name: "tp-btf", Hook: "tp_btf, arguments by name", Event: look},
	{Name: "kprobe", Hook: "kprobe, arguments by name", Event: looker},
	{Name: "kretprobe", Hook: "kretprobe, result by type", Event: looker},
	{Name: "ksyscall", Hook: "ksyscall", Event: look},
	{Name: "kretsyscall", Hook: "kretsyscall", Event: look},
	{Name: "kprobe-multi", Hook: "kprobe.multi", Since: "6.12", Event: looker}, // the earlier builds lack CONFIG_FPROBE
	{Name: "kretprobe-multi", Hook: "kretprobe.multi", Since: "6.12", Event: looker},
	{Name: "fentry", Hook: "fentry, arguments by name", Event: looker},
	{Name: "fexit", Hook: "fexit, arguments and result", Event: looker},
	{Name: "fmod-ret", Hook: "fmod_ret, refusing a prctl", Event: refusedPrctl},
	{Name: "lsm", Hook: "lsm, refusing a prctl", Event: refusedPrctl},
	{Name: "kprobe-session", Hook: "kprobe.session", Event: looker, Check: twice},
	{Name: "lsm-s", Hook: "lsm.s", Event: looker},
	{Name: "fsession", Hook: "fsession", Since: "7.0", Event: looker, Check: twice},
	{Name: "tracing-sleepable", Hook: "fentry.s, fexit.s and fmod_ret.s of one function", Since: "6.12", Event: testRun, Check: counted(3)},
	{Name: "fsession-sleepable", Hook: "fsession.s", Since: "7.0", Event: testRun, Check: twice},
	{Name: "raw-tracepoint-writable", Hook: "raw_tp.w, changing a request to a block device", Modules: []string{"nbd"}, Event: request},
}

// twice wants an entry and a return.
func twice(_ *Env, c *load.Collection) error {
	return eventually(func() error {
		n, err := Slot(c, "seen", 0)
		if err == nil && n < 2 {
			err = fmt.Errorf("the program ran %d times, want entry and return", n)
		}
		return err
	})
}

// testRun lets the kernel call its functions for tests, by a program that
// stands at one of them. They are those that sleepable programs may stand at.
func testRun(_ *Env, c *load.Collection) error {
	_, err := c.Program("enter").Run(&ebpf.RunOptions{})
	return err
}

// looker opens a file that exists.
func looker(e *Env, c *load.Collection) error {
	if err := look(e, c); err != nil {
		return err
	}
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return err
	}
	return f.Close()
}

// refusedPrctl asks for something that the program denies.
func refusedPrctl(e *Env, c *load.Collection) error {
	if err := look(e, c); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the call gave %v, want the program's refusal", err)
	}
	return nil
}
