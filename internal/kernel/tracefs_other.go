//go:build !linux

package kernel

import (
	"context"
	"errors"
)

// MountTracefs does nothing: only Linux has tracefs.
func MountTracefs() {}

// A Pipe reads what bpf_trace_printk writes.
type Pipe struct{}

// TracePipe fails: only Linux has a trace pipe.
func TracePipe() (*Pipe, error) { return nil, errors.New("only Linux has a trace pipe") }

// Lines gives nothing.
func (p *Pipe) Lines(ctx context.Context, f func(string)) {}
