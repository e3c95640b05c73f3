//go:build linux

package hooks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// inCgroup moves this process into a cgroup of its own for the row, and
// attaches there.
func inCgroup(e *Env) (t load.Targets, err error) {
	root := kernel.Cgroup2()
	if root == "" {
		return t, errors.New("no cgroup2 is mounted")
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return t, err
	}
	home := ""
	for _, l := range strings.Split(string(own), "\n") {
		if rest, ok := strings.CutPrefix(l, "0::"); ok {
			home = filepath.Join(root, rest)
		}
	}
	dir := filepath.Join(root, "whistler-hooks-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return t, err
	}
	move := func(to string) error {
		return os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
	}
	e.Cleanup(func() {
		move(home)
		os.Remove(dir)
	})
	return load.Targets{Cgroup: dir}, move(dir)
}

// alone gives the row's goroutine a thread in a new network namespace, with
// the loopback interface up.
func (e *Env) alone() error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		home.Close()
		return fmt.Errorf("a new network namespace: %w", err)
	}
	e.Cleanup(func() {
		// Without its home the thread is not given back.
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		home.Close()
	})
	return linkUp("lo")
}

// equal complains where two values differ.
func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}

// configure writes slot 0 of the map `config`.
func configure(c *load.Collection, value int) error {
	return c.Map("config").Put(uint32(0), uint64(value))
}
