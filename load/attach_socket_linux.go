package load

import (
	"fmt"
	"os"
	"syscall"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// attachSocketFilter puts a filter onto the given socket, or onto a packet
// socket of its own at an interface: the filter sees what passes there.
func attachSocketFilter(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if t.Socket != nil {
		return onSocket(t.Socket, "the socket", unix.SO_ATTACH_BPF, unix.SO_DETACH_BPF, p)
	}
	i, err := iface(s, t)
	if err != nil {
		return nil, "interface " + t.Interface, err
	}
	what := "a packet socket at " + i.Name
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // no protocol: nothing arrives yet
	if err != nil {
		return nil, what, err
	}
	f := os.NewFile(uintptr(fd), what)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, p.FD())
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: i.Index})
	}
	if err != nil {
		f.Close()
		return nil, what, err
	}
	return f, what, nil
}

func attachReuseport(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if t.Socket == nil {
		return nil, "a socket", &ErrNoTarget{s.Name, s.SectionName, "--socket"}
	}
	return onSocket(t.Socket, "the socket's group", unix.SO_ATTACH_REUSEPORT_EBPF, unix.SO_DETACH_REUSEPORT_BPF, p)
}

func onSocket(c syscall.Conn, what string, attach, detach int, p *ebpf.Program) (closer, string, error) {
	set := func(option, value int) error {
		raw, err := c.SyscallConn()
		if err != nil {
			return err
		}
		var set error
		if err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, value) }); err != nil {
			return err
		}
		return set
	}
	if err := set(attach, p.FD()); err != nil {
		return nil, what, err
	}
	return closing(func() error { return set(detach, 0) }), what, nil
}

// SocketOf takes a socket of another process by its number there, as
// `ss -p` shows it.
func SocketOf(pid, fd int) (*os.File, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(process)
	own, err := unix.PidfdGetfd(process, fd, 0)
	if err != nil {
		return nil, fmt.Errorf("socket %d of process %d: %w", fd, pid, err)
	}
	return os.NewFile(uintptr(own), fmt.Sprintf("%d:%d", pid, fd)), nil
}

func htons(n uint16) uint16 { return n<<8 | n>>8 }
