package packet

import (
	"encoding/binary"

	"github.com/whistler-lang/whistler/internal/abi"
)

// LinkHeader is what BPF_PROG_TEST_RUN wants in front of the packet of a
// program that starts at the IP header: it takes an Ethernet frame and hides
// its header from the program. So it does for socket filters, whose packets
// start where their socket's do. Empty for other programs.
func LinkHeader(pt *abi.ProgType, packet []byte) []byte {
	if !pt.PacketL3 && pt.Keyword != "socket-filter" {
		return nil
	}
	eth := abi.HeaderByName("eth")
	b := make([]byte, eth.Size)
	name := "ETH_P_IP"
	if len(packet) > 0 && packet[0]>>4 == 6 {
		name = "ETH_P_IPV6"
	}
	n, _ := abi.Constant(name)
	binary.BigEndian.PutUint16(b[eth.Field("h_proto").Offset:], uint16(n))
	return b
}
