package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/internal/user/live"
	"github.com/whistler-lang/whistler/load"
)

// session runs the user-space code of a source: its with-bpf-session forms.
// SIGINT and SIGTERM end it as if it had come to its end.
func (c *runCmd) session(a *app, src *whistler.Object, targets load.Targets, o load.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.Duration > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, c.Duration)
		defer done()
	}
	// A later Ctrl-C ends the process at once.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	w := user.World{
		Args:   c.Args,
		Getenv: os.LookupEnv,
		Now:    func() float64 { return float64(time.Now().UnixNano()) / 1e9 },
		Sleep: func(seconds float64) bool {
			t := time.NewTimer(time.Duration(seconds * float64(time.Second)))
			defer t.Stop()
			select {
			case <-ctx.Done():
				return false
			case <-t.C:
				return true
			}
		},
		Stop: func() bool { return ctx.Err() != nil },
		Out:  func(text string) { io.WriteString(a.out, text) },
		Pid:  os.Getpid(),
	}
	opened := func(r *compile.Result) (user.Live, error) { return live.Open(r, o, targets) }
	s := user.NewSession(src.Result(), user.Options{Kernel: kernel.Machine{Dir: c.Tracefs, File: c.BTF}, ReadFile: c.options(nil).ReadFile}, w, opened)
	err := s.Run()
	var exit *user.Exit
	var noTarget *load.ErrNoTarget
	switch {
	case err == nil, errors.Is(err, user.ErrInterrupted):
		return nil
	case errors.As(err, &exit):
		if exit.Code == 0 {
			return nil
		}
		return errSilent(exit.Code)
	case load.Denied(err) && !isRefusal(err):
		return notAllowed(err)
	case isRefusal(err):
		return a.loadError(err, src, c.Verbose, c.JSON)
	case errors.As(err, &noTarget):
		return errUsage{noTarget}
	}
	var one *source.Error
	if errors.As(err, &one) {
		return a.diagnostics(source.List{one}, c.JSON)
	}
	return a.compileError(nearest(err), c.JSON)
}
