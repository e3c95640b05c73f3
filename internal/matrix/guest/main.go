//go:build linux

// The init program of the matrix' guests: it mounts what programs need, runs
// every case in a process of its own, and turns the machine off.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/whistler-lang/whistler/internal/hooks"
	"github.com/whistler-lang/whistler/internal/matrix"
	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "case" {
		report(run(os.Args[2]))
		return
	}
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	setUp()
	entries, err := os.ReadDir("/objects")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		child(e.Name())
	}
	fmt.Println("\n" + matrix.Mark + matrix.Done)
}

// setUp makes the machine one on which programs can run. Libraries look at
// /proc when they start, so that this process itself uses none of them.
func setUp() {
	for _, m := range []struct{ source, dir, kind string }{
		{"proc", "/proc", "proc"}, {"sysfs", "/sys", "sysfs"}, {"devtmpfs", "/dev", "devtmpfs"}, {"tmpfs", "/tmp", "tmpfs"},
		{"bpf", "/sys/fs/bpf", "bpf"}, {"tracefs", "/sys/kernel/tracing", "tracefs"}, {"securityfs", "/sys/kernel/security", "securityfs"},
		{"debugfs", "/sys/kernel/debug", "debugfs"}, {"cgroup2", "/sys/fs/cgroup", "cgroup2"},
	} {
		os.MkdirAll(m.dir, 0o755)
		if err := unix.Mount(m.source, m.dir, m.kind, 0, ""); err != nil {
			fmt.Println("mounting", m.dir, err)
		}
	}
	mods, _ := filepath.Glob("/modules/*.ko")
	for _, m := range mods { // sorted: dependencies first
		f, err := os.Open(m)
		if err == nil {
			err = unix.FinitModule(int(f.Fd()), "", 0)
			f.Close()
		}
		if err != nil && !errors.Is(err, unix.EEXIST) {
			fmt.Println("loading", m, err)
		}
	}
	if lo, err := netlink.LinkByName("lo"); err == nil {
		netlink.LinkSetUp(lo)
	}
}

// child runs a case in a process, which may crash or hang alone.
func child(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, "/proc/self/exe", "case", name)
	// Go's runtime walks stacks; it cannot walk one with a uretprobe on it.
	c.Env = append(os.Environ(), "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), matrix.Mark) {
		os.Stdout.Write(out)
		return
	}
	report(matrix.Result{Case: name, Error: fmt.Sprintf("%v: %s", err, out)})
}

func run(name string) matrix.Result {
	c := hooks.Find(name)
	if c == nil {
		return matrix.Result{Case: name, Error: "no such case"}
	}
	stage, err := hooks.Run(c, func(name string) ([]byte, error) { return os.ReadFile("/objects/" + name) })
	r := matrix.Result{Case: name, Stage: stage}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func report(r matrix.Result) {
	text, _ := json.Marshal(r)
	fmt.Println("\n" + matrix.Mark + string(text))
}
