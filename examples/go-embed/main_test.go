package main

import (
	"net"
	"os"
	"strings"
	"testing"
)

// TestCount sends datagrams over lo and finds them counted.
func TestCount(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	c, err := start("lo")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before, err := c.tally(17)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 10 {
		if _, err := conn.WriteTo([]byte("hello"), conn.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	after, err := c.tally(17)
	if err != nil {
		t.Fatal(err)
	}
	if n := after.Packets - before.Packets; n < 10 {
		t.Errorf("%d packets counted of 10", n)
	}
	var out strings.Builder
	if err := c.print(&out); err != nil || !strings.Contains(out.String(), "protocol 17: ") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
