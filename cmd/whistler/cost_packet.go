package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
)

// tcpFrame is the packet that programs run on unless another is given: a SYN
// from 10.0.0.1:40000 to 10.0.0.2:80, with right checksums and 10 bytes of
// zeros.
const tcpFrame = "020000000001 020000000002 0800" + // Ethernet
	"4500 0032 0000 0000 4006 66c4 0a000001 0a000002" + // IPv4
	"9c40 0050 00000000 00000000 5002 0000 ff45 0000" + // TCP
	"00000000000000000000"

// packetOf reads a packet: the bytes of a file, or hex digits. "" is tcpFrame.
func packetOf(what string) ([]byte, error) {
	if what == "" {
		what = tcpFrame
	}
	b, err := readPacket(what)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), "too long") {
			return nil, fmt.Errorf("--packet %w", err)
		}
		if b, err = hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "\n", "").Replace(what)); err != nil {
			return nil, errUsage{fmt.Errorf("--packet %s: it is neither a file nor bytes in hex", shortened(what))}
		}
	}
	if len(b) > longestPacket {
		return nil, errUsage{fmt.Errorf("--packet %s: it has more than %d bytes", shortened(what), longestPacket)}
	}
	if head := int(abi.HeaderByName("eth").Size); len(b) < head {
		return nil, errUsage{fmt.Errorf("--packet %s: it has %d bytes, and a packet at least the %d of an Ethernet header", shortened(what), len(b), head)}
	}
	return b, nil
}

// longestPacket is more than the kernel takes in a test run.
const longestPacket = 1<<16 - 1

func readPacket(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, longestPacket+1))
}
