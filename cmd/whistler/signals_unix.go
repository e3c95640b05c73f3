//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// sessionSignals collects the signals that sessions may handle. stop ends it.
func sessionSignals() (came func() []string, stop func()) {
	names := map[os.Signal]string{syscall.SIGHUP: "hup", syscall.SIGUSR1: "usr1", syscall.SIGUSR2: "usr2"}
	ch := make(chan os.Signal, 64)
	signal.Notify(ch, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	came = func() (out []string) {
		for {
			select {
			case s := <-ch:
				out = append(out, names[s])
			default:
				return out
			}
		}
	}
	return came, func() { signal.Stop(ch) }
}
