package hooks

import (
	"net"
	"slices"

	"github.com/whistler-lang/whistler/load"
)

// Cases is the table: a hook is one row and one file in testdata.
var Cases = slices.Concat(netCases, cgroupCases)

// loopback attaches to the interface that every kernel has.
func loopback(mode string) func(*Env) (load.Targets, error) {
	return func(*Env) (load.Targets, error) { return load.Targets{Interface: "lo", XDPMode: mode}, nil }
}

// datagram sends one packet to 127.0.0.1.
func datagram(*Env, *load.Collection) error {
	c, err := net.Dial("udp4", "127.0.0.1:9")
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("whistler"))
	return err
}
