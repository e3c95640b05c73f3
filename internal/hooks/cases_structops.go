//go:build linux

package hooks

import (
	"errors"
	"fmt"
	"io"

	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

// structOpsCases are programs that are functions of a struct of the kernel's.
var structOpsCases = []Case{
	{Name: "struct-ops", Hook: "struct_ops, by a link: a congestion control of TCP", Targets: congested, Event: transfer, Check: controlled},
	{Name: "struct-ops-plain", Hook: "struct_ops, without a link: a congestion control of TCP", Since: "5.10", Targets: congested, Event: transfer, Check: controlled},
}

const lispCC = "lisp_cc" // :name of the sources

// congested opens a connection of a network namespace of its own.
func congested(e *Env) (t load.Targets, err error) { return t, e.alone() }

// transfer sends some data under the congestion control.
func transfer(e *Env, _ *load.Collection) error {
	client, server, err := pair("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer client.Close()
	defer server.Close()
	err = fdOf(client, func(fd int) error {
		if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, lispCC); err != nil {
			return fmt.Errorf("choosing %s: %w", lispCC, err)
		}
		name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		if err == nil {
			err = equal("the congestion control", name, lispCC)
		}
		return err
	})
	if err != nil {
		return err
	}
	const size = 1 << 20
	sent := make(chan error, 1)
	go func() {
		_, err := client.Write(make([]byte, size))
		sent <- errors.Join(err, client.CloseWrite())
	}()
	got, err := io.Copy(io.Discard, server)
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	return equal("bytes that came", got, size)
}

// controlled wants a connection begun, and its window to have grown: slots 0
// and 1. Slot 2 holds the window as the program set it last.
func controlled(e *Env, c *load.Collection) error {
	if err := Seen(e, c); err != nil {
		return err
	}
	acks, err := Slot(c, "seen", 1)
	window, err1 := Slot(c, "seen", 2)
	if err := errors.Join(err, err1); err != nil {
		return err
	}
	if acks == 0 || window == 0 {
		return fmt.Errorf("cong_avoid ran %d times and set the window to %d", acks, window)
	}
	return nil
}
