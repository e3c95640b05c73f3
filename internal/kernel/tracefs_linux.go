package kernel

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MountTracefs mounts tracefs at its usual place where nothing is mounted
// and the user may; otherwise it does nothing.
func MountTracefs() {
	if Find().Dir == "" {
		unix.Mount("tracefs", tracefsPlaces[0], "tracefs", 0, "")
	}
}

// A Pipe reads what bpf_trace_printk writes.
type Pipe struct{ fd int }

// TracePipe opens the kernel's trace pipe.
func TracePipe() (*Pipe, error) {
	name := filepath.Join(Find().Dir, "trace_pipe")
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return &Pipe{fd}, nil
}

// Lines calls f with each text that a program printed, until ctx ends and
// nothing more is there.
func (p *Pipe) Lines(ctx context.Context, f func(string)) {
	defer unix.Close(p.fd)
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(p.fd, buf)
		if n > 0 {
			s := bufio.NewScanner(strings.NewReader(string(buf[:n])))
			for s.Scan() {
				if _, text, ok := strings.Cut(s.Text(), "bpf_trace_printk: "); ok {
					f(text)
				}
			}
			continue
		}
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			return
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
