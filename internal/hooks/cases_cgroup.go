//go:build linux

package hooks

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/whistler-lang/whistler/load"
	"golang.org/x/sys/unix"
)

var cgroupCases = []Case{
	{Name: "cgroup-skb-ingress", Hook: "cgroup_skb/ingress", Targets: inCgroup, Event: droppedDatagram},
	{Name: "cgroup-skb-egress", Hook: "cgroup_skb/egress", Targets: inCgroup, Event: datagram},
	{Name: "cgroup-skb", Hook: "cgroup/skb", Targets: inCgroup, Event: ownDatagram},
	{Name: "cgroup-sock", Hook: "cgroup/sock", Targets: inCgroup, Event: func(*Env, *load.Collection) error {
		return withSocket(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(int) error { return nil })
	}},
	{Name: "cgroup-sock-create", Hook: "cgroup/sock_create", Targets: inCgroup, Event: markedSocket},
	{Name: "cgroup-sock-release", Hook: "cgroup/sock_release", Targets: inCgroup, Event: func(*Env, *load.Collection) error {
		return withSocket(unix.AF_INET, unix.SOCK_DGRAM, 0, func(int) error { return nil })
	}},
	{Name: "cgroup-post-bind4", Hook: "cgroup/post_bind4", Targets: inCgroup, Event: noPort("tcp4", "127.0.0.1:7777", unix.EPERM)},
	{Name: "cgroup-post-bind6", Of: "cgroup-post-bind4", Section: "cgroup/post_bind6", Hook: "cgroup/post_bind6", Targets: inCgroup, Event: noPort("tcp6", "[::1]:7777", unix.EPERM)},
	{Name: "cgroup-connect4", Hook: "cgroup/connect4", Targets: inCgroup, Event: redirected("127.0.0.1:0", "192.0.2.1:7")},
	{Name: "cgroup-connect6", Hook: "cgroup/connect6", Targets: inCgroup, Event: redirected("[::1]:0", "[2001:db8::1]:7")},
	{Name: "cgroup-bind4", Hook: "cgroup/bind4", Targets: inCgroup, Event: otherPort("127.0.0.1")},
	{Name: "cgroup-bind6", Of: "cgroup-bind4", Section: "cgroup/bind6", Hook: "cgroup/bind6", Targets: inCgroup, Event: otherPort("::1")},
	{Name: "cgroup-sendmsg4", Hook: "cgroup/sendmsg4", Targets: inCgroup, Event: redirectedDatagram("127.0.0.1:0", "192.0.2.1:7", "127.0.0.2")},
	{Name: "cgroup-sendmsg6", Hook: "cgroup/sendmsg6", Targets: inCgroup, Event: redirectedDatagram("[::1]:0", "[2001:db8::1]:7", "::1")},
	{Name: "cgroup-recvmsg4", Hook: "cgroup/recvmsg4", Targets: inCgroup, Event: otherSender("127.0.0.1:0", "192.0.2.9:99")},
	{Name: "cgroup-recvmsg6", Hook: "cgroup/recvmsg6", Targets: inCgroup, Event: otherSender("[::1]:0", "[2001:db8::9]:99")},
	{Name: "cgroup-getpeername4", Hook: "cgroup/getpeername4", Targets: inCgroup, Event: otherPeer("127.0.0.1:0")},
	{Name: "cgroup-getpeername6", Hook: "cgroup/getpeername6", Targets: inCgroup, Event: otherPeer("[::1]:0")},
	{Name: "cgroup-getsockname4", Of: "cgroup-getpeername4", Section: "cgroup/getsockname4", Hook: "cgroup/getsockname4", Targets: inCgroup, Event: otherName(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})},
	{Name: "cgroup-getsockname6", Of: "cgroup-getpeername6", Section: "cgroup/getsockname6", Hook: "cgroup/getsockname6", Targets: inCgroup, Event: otherName(&unix.SockaddrInet6{Addr: [16]byte{15: 1}})},
	{Name: "cgroup-connect-unix", Hook: "cgroup/connect_unix", Targets: inCgroup, Event: noUnix},
	{Name: "cgroup-sendmsg-unix", Hook: "cgroup/sendmsg_unix", Targets: inCgroup, Event: unixDatagram},
	{Name: "cgroup-recvmsg-unix", Of: "cgroup-sendmsg-unix", Section: "cgroup/recvmsg_unix", Hook: "cgroup/recvmsg_unix", Targets: inCgroup, Event: unixDatagram},
	{Name: "cgroup-getpeername-unix", Of: "cgroup-sendmsg-unix", Section: "cgroup/getpeername_unix", Hook: "cgroup/getpeername_unix", Targets: inCgroup, Event: unixStream},
	{Name: "cgroup-getsockname-unix", Of: "cgroup-sendmsg-unix", Section: "cgroup/getsockname_unix", Hook: "cgroup/getsockname_unix", Targets: inCgroup, Event: unixStream},
	{Name: "lsm-cgroup", Hook: "lsm_cgroup, refusing to bind", Targets: inCgroup, Event: noPort("tcp4", "127.0.0.1:7777", unix.EPERM)},
	{Name: "cgroup-sysctl", Hook: "cgroup/sysctl", Targets: inCgroup, Event: forwarding},
	{Name: "cgroup-getsockopt", Hook: "cgroup/getsockopt", Targets: inCgroup, Event: timeToLive(64, 42)},
	{Name: "cgroup-setsockopt", Hook: "cgroup/setsockopt", Targets: inCgroup, Event: timeToLive(64, 99)},
	{Name: "cgroup-dev", Hook: "cgroup/dev", Targets: inCgroup, Event: noDevice},
	{Name: "sockops", Hook: "sockops in a cgroup", Targets: inCgroup, Event: connection, Check: bothEnds},
}

// droppedDatagram sends to port 9 of a socket of ours, which does not get it,
// and then to another, which does.
func droppedDatagram(e *Env, c *load.Collection) error {
	l, err := net.ListenPacket("udp4", "127.0.0.1:9")
	if err != nil {
		return err
	}
	defer l.Close()
	return datagram(e, c)
}

// ownDatagram sends a datagram that a socket of ours receives.
func ownDatagram(e *Env, _ *load.Collection) error {
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	if _, err := l.WriteTo([]byte("whistler"), l.LocalAddr()); err != nil {
		return err
	}
	b := make([]byte, 16)
	_, _, err = l.ReadFrom(b)
	return err
}

func markedSocket(*Env, *load.Collection) error {
	err := withSocket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP, func(int) error { return nil })
	if err := refused("a raw socket", err, unix.EPERM); err != nil {
		return err
	}
	return withSocket(unix.AF_INET, unix.SOCK_DGRAM, 0, func(fd int) error {
		mark, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK)
		if err != nil {
			return err
		}
		priority, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY)
		if err != nil {
			return err
		}
		return equal("mark and priority", [2]int{mark, priority}, [2]int{0x77, 3})
	})
}

func noPort(network, addr string, want syscall.Errno) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error {
		l, err := net.Listen(network, addr)
		if err == nil {
			l.Close()
		}
		return refused("the port", err, want)
	}
}

// redirected listens at one address and connects to the other.
func redirected(here, there string) func(*Env, *load.Collection) error {
	return func(_ *Env, c *load.Collection) error {
		l, err := listen(here, nil)
		if err != nil {
			return err
		}
		defer l.Close()
		if err := configure(c, l.Addr().(*net.TCPAddr).Port); err != nil {
			return err
		}
		client, err := dial("tcp", there)
		if err != nil {
			return err
		}
		defer client.Close()
		server, err := l.Accept()
		if err != nil {
			return err
		}
		defer server.Close()
		return equal("the connection's other end", server.RemoteAddr().String(), client.LocalAddr().String())
	}
}

// otherPort binds to port 7777 and gets another; port 7778 is refused.
func otherPort(host string) func(*Env, *load.Collection) error {
	return func(_ *Env, c *load.Collection) error {
		const want = 17777
		if err := configure(c, want); err != nil {
			return err
		}
		l, err := listen(net.JoinHostPort(host, "7777"), nil)
		if err != nil {
			return err
		}
		defer l.Close()
		if err := equal("the port", l.Addr().(*net.TCPAddr).Port, want); err != nil {
			return err
		}
		l, err = listen(net.JoinHostPort(host, "7778"), nil)
		if err == nil {
			l.Close()
		}
		return refused("port 7778", err, unix.EPERM)
	}
}

// redirectedDatagram sends to an address and receives at another, from
// source.
func redirectedDatagram(here, there, source string) func(*Env, *load.Collection) error {
	return func(_ *Env, c *load.Collection) error {
		l, err := net.ListenPacket("udp", here)
		if err != nil {
			return err
		}
		defer l.Close()
		if err := configure(c, l.LocalAddr().(*net.UDPAddr).Port); err != nil {
			return err
		}
		s, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		defer s.Close()
		to, err := net.ResolveUDPAddr("udp", there)
		if err != nil {
			return err
		}
		if to.IP.To4() != nil { // a socket for both families would ask sendmsg6
			s.Close()
			if s, err = net.ListenPacket("udp4", ":0"); err != nil {
				return err
			}
			defer s.Close()
		}
		if _, err := s.WriteTo([]byte("whistler"), to); err != nil {
			return err
		}
		_, from, err := l.ReadFrom(make([]byte, 16))
		if err != nil {
			return err
		}
		return equal("the sender", from.(*net.UDPAddr).IP.String(), source)
	}
}

// otherSender receives a datagram whose sender the program changes.
func otherSender(here, want string) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error {
		l, err := net.ListenPacket("udp", here)
		if err != nil {
			return err
		}
		defer l.Close()
		if _, err := l.WriteTo([]byte("whistler"), l.LocalAddr()); err != nil {
			return err
		}
		_, from, err := l.ReadFrom(make([]byte, 16))
		if err != nil {
			return err
		}
		return equal("the sender", from.String(), want)
	}
}

// otherPeer asks a connection for its other end: the program gives another.
func otherPeer(addr string) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error {
		client, server, err := pair(addr)
		if err != nil {
			return err
		}
		defer client.Close()
		defer server.Close()
		return fdOf(client, func(fd int) error { return named(unix.Getpeername(fd)) })
	}
}

// otherName binds a socket and asks where: the program gives another.
func otherName(at unix.Sockaddr) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error {
		domain := unix.AF_INET
		if _, six := at.(*unix.SockaddrInet6); six {
			domain = unix.AF_INET6
		}
		return withSocket(domain, unix.SOCK_DGRAM, 0, func(fd int) error {
			if err := unix.Bind(fd, at); err != nil {
				return err
			}
			return named(unix.Getsockname(fd))
		})
	}
}

// named checks the name that the programs give.
func named(sa unix.Sockaddr, err error) error {
	if err != nil {
		return err
	}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return equal("the name", fmt.Sprint(net.IP(a.Addr[:]), a.Port), "192.0.2.9 99")
	case *unix.SockaddrInet6:
		return equal("the name", fmt.Sprint(net.IP(a.Addr[:]), a.Port), "2001:db8::9 99")
	}
	return fmt.Errorf("a name of type %T", sa)
}

// local gives a path for local sockets.
func (e *Env) local() (string, error) {
	dir, err := os.MkdirTemp("", "whistler")
	if err != nil {
		return "", err
	}
	e.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "socket"), nil
}

func noUnix(e *Env, _ *load.Collection) error {
	path, err := e.local()
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	return refused("the connection", err, unix.EPERM)
}

func unixDatagram(e *Env, _ *load.Collection) error {
	path, err := e.local()
	if err != nil {
		return err
	}
	l, err := net.ListenPacket("unixgram", path)
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := net.ListenPacket("unixgram", path+"2")
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.WriteTo([]byte("whistler"), l.LocalAddr()); err != nil {
		return err
	}
	_, _, err = l.ReadFrom(make([]byte, 16))
	return err
}

func unixStream(e *Env, _ *load.Collection) error {
	path, err := e.local()
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer c.Close()
	return fdOf(c.(*net.UnixConn), func(fd int) error {
		if _, err := unix.Getpeername(fd); err != nil {
			return err
		}
		_, err := unix.Getsockname(fd)
		return err
	})
}

// forwarding reads a sysctl, and tries to write the same value back.
func forwarding(_ *Env, c *load.Collection) error {
	const file = "/proc/sys/net/ipv4/ip_forward"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := refused("writing "+file, os.WriteFile(file, text, 0), unix.EPERM); err != nil {
		return err
	}
	n, err := Slot(c, "seen", 1)
	if err == nil && n == 0 {
		err = fmt.Errorf("the program did not see the write")
	}
	return err
}

// timeToLive sets the time to live and reads another.
func timeToLive(set, want int) func(*Env, *load.Collection) error {
	return func(*Env, *load.Collection) error {
		return withSocket(unix.AF_INET, unix.SOCK_DGRAM, 0, func(fd int) error {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, set); err != nil {
				return err
			}
			got, err := unix.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL)
			if err != nil {
				return err
			}
			if err := equal("time to live", got, want); err != nil || want != 99 {
				return err
			}
			return refused("broadcasting", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1), unix.EPERM)
		})
	}
}

func noDevice(*Env, *load.Collection) error {
	f, err := os.Open("/dev/zero")
	if err == nil {
		f.Close()
	}
	if err := refused("/dev/zero", err, unix.EPERM); err != nil {
		return err
	}
	f, err = os.Open("/dev/null")
	if err == nil {
		f.Close()
	}
	return err
}

// connection opens and closes a TCP connection.
func connection(*Env, *load.Collection) error {
	client, server, err := pair("127.0.0.1:0")
	if err != nil {
		return err
	}
	client.Close()
	return server.Close()
}

func bothEnds(_ *Env, c *load.Collection) error {
	for i, what := range []string{"the client's end", "the attempt", "the server's end", "the change of state"} {
		n, err := Slot(c, "seen", uint32(i))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the program did not see %s", what)
		}
	}
	return nil
}
