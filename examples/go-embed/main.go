// Command go-embed counts the packets of an interface by protocol. The BPF
// program is counter.lisp; `go generate` compiles it and writes
// counter_bpf.go, so that building needs nothing but Go.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/cilium/ebpf/link"
)

func main() {
	iface := flag.String("iface", "lo", "interface")
	every := flag.Duration("every", time.Second, "how often to print")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	c, err := start(*iface)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for {
		select {
		case <-stop:
			return
		case <-time.After(*every):
			if err := c.print(os.Stdout); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// A counter is the program, loaded and attached.
type counter struct {
	counterObjects
	link link.Link
}

func start(iface string) (*counter, error) {
	i, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, err
	}
	c := &counter{}
	if err := loadCounterObjects(&c.counterObjects, nil); err != nil {
		return nil, err
	}
	c.link, err = link.AttachXDP(link.XDPOptions{Program: c.CountPackets, Interface: i.Index, Flags: link.XDPGenericMode})
	if err != nil {
		c.counterObjects.Close()
		return nil, err
	}
	return c, nil
}

func (c *counter) Close() error {
	c.link.Close()
	return c.counterObjects.Close()
}

// tally adds up what the CPUs have counted.
func (c *counter) tally(protocol uint32) (sum counterTally, err error) {
	var cpus []counterTally
	if err := c.Tallies.Lookup(protocol, &cpus); err != nil {
		return sum, err
	}
	for _, t := range cpus {
		sum.Packets += t.Packets
		sum.Bytes += t.Bytes
	}
	return sum, nil
}

func (c *counter) print(w io.Writer) error {
	for p := range uint32(counterProtocols) {
		t, err := c.tally(p)
		if err != nil {
			return err
		}
		if t.Packets > 0 {
			fmt.Fprintf(w, "protocol %d: %d packets, %d bytes\n", p, t.Packets, t.Bytes)
		}
	}
	return nil
}
