//go:build linux

package hooks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var background = context.Background()

func deadline() time.Time { return time.Now().Add(patience) }

func linkUp(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// listen opens a TCP listener that is no MPTCP socket.
func listen(addr string, control func(fd int) error) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	if control != nil {
		c.Control = func(_, _ string, raw syscall.RawConn) (err error) {
			if cerr := raw.Control(func(fd uintptr) { err = control(int(fd)) }); cerr != nil {
				return cerr
			}
			return err
		}
	}
	l, err := c.Listen(background, "tcp", addr)
	return l, err
}

// dial connects at once or fails.
func dial(network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	d.SetMultipathTCP(false)
	c, err := d.Dial(network, addr)
	if err == nil {
		c.SetDeadline(deadline())
	}
	return c, err
}

// pair is a TCP connection of this process with itself.
func pair(addr string) (client, server *net.TCPConn, err error) {
	l, err := listen(addr, nil)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	c, err := dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	s, err := l.Accept()
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	s.SetDeadline(deadline())
	return c.(*net.TCPConn), s.(*net.TCPConn), nil
}

// fdOf calls f with a connection's descriptor.
func fdOf(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}

// refused checks that err is that error number.
func refused(what string, err error, want syscall.Errno) error {
	switch {
	case err == nil:
		return fmt.Errorf("%s is not refused", what)
	case !errors.Is(err, want):
		return fmt.Errorf("%s: %v, want %v", what, err, want)
	}
	return nil
}

// withSocket opens a socket for the time of f.
func withSocket(domain, typ, proto int, f func(fd int) error) error {
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}
