package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Magic numbers and block types of the pcap and pcapng formats
// (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
const (
	pcapMicro     = 0xa1b2c3d4
	pcapNano      = 0xa1b23c4d
	ngSection     = 0x0a0d0d0a
	ngByteOrder   = 0x1a2b3c4d
	ngInterface   = 1
	ngSimple      = 3
	ngEnhanced    = 6
	pcapHeader    = 24
	pcapRecord    = 16
	linkEthernet  = 1
	linkRaw       = 101
	largestPacket = 1 << 20
)

// ReadPcap gives the packets of a capture in the pcap or pcapng format, as far
// as they were captured. All its interfaces must be Ethernet or raw IP.
func ReadPcap(b []byte) (packets [][]byte, err error) {
	if len(b) < 4 {
		return nil, errors.New("not a capture: it has less than 4 bytes")
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(b) {
		case pcapMicro, pcapNano:
			return readPcap(b, order)
		case ngSection:
			return readNG(b)
		}
	}
	return nil, fmt.Errorf("neither pcap nor pcapng: it begins with % x", b[:4])
}

func readPcap(b []byte, order binary.ByteOrder) (packets [][]byte, err error) {
	if len(b) < pcapHeader {
		return nil, errors.New("the capture ends in its header")
	}
	if err := linkKnown(order.Uint32(b[20:]) & 0xffff); err != nil {
		return nil, err
	}
	for b = b[pcapHeader:]; len(b) > 0; {
		if len(b) < pcapRecord {
			return packets, fmt.Errorf("the capture ends in the header of packet %d", len(packets))
		}
		n := order.Uint32(b[8:])
		b = b[pcapRecord:]
		if n > largestPacket || int(n) > len(b) {
			return packets, fmt.Errorf("packet %d claims %d bytes, and %d are there", len(packets), n, len(b))
		}
		packets = append(packets, b[:n:n])
		b = b[n:]
	}
	return packets, nil
}

func linkKnown(link uint32) error {
	if link != linkEthernet && link != linkRaw {
		return fmt.Errorf("the capture's link type is %d; Ethernet (%d) and raw IP (%d) are known", link, linkEthernet, linkRaw)
	}
	return nil
}

func readNG(b []byte) (packets [][]byte, err error) {
	var order binary.ByteOrder = binary.LittleEndian
	snap := uint32(0) // of the first interface, for simple packets
	for n := 0; len(b) > 0; n++ {
		if len(b) < 12 {
			return packets, fmt.Errorf("block %d of the capture has %d bytes", n, len(b))
		}
		if order.Uint32(b) == ngSection { // the same in both orders
			switch uint32(ngByteOrder) {
			case binary.LittleEndian.Uint32(b[8:]):
				order = binary.LittleEndian
			case binary.BigEndian.Uint32(b[8:]):
				order = binary.BigEndian
			default:
				return packets, fmt.Errorf("block %d of the capture has no byte order", n)
			}
		}
		kind, size := order.Uint32(b), order.Uint32(b[4:])
		if size < 12 || size%4 != 0 || uint64(size) > uint64(len(b)) {
			return packets, fmt.Errorf("block %d of the capture claims %d bytes, and %d are there", n, size, len(b))
		}
		body := b[8 : size-4]
		b = b[size:]
		switch kind {
		case ngInterface:
			if len(body) < 8 {
				return packets, fmt.Errorf("block %d of the capture, an interface, has %d bytes", n, size)
			}
			if err := linkKnown(uint32(order.Uint16(body))); err != nil {
				return packets, err
			}
			snap = order.Uint32(body[4:])
		case ngEnhanced:
			if len(body) < 20 || uint64(order.Uint32(body[12:])) > uint64(len(body)-20) {
				return packets, fmt.Errorf("block %d of the capture, a packet, is too short", n)
			}
			end := 20 + int(order.Uint32(body[12:]))
			packets = append(packets, body[20:end:end])
		case ngSimple:
			if len(body) < 4 {
				return packets, fmt.Errorf("block %d of the capture, a packet, is too short", n)
			}
			long := min(uint64(order.Uint32(body)), uint64(len(body)-4))
			if snap > 0 {
				long = min(long, uint64(snap))
			}
			packets = append(packets, body[4:4+long:4+long])
		}
	}
	return packets, nil
}

// WritePcap makes a capture of Ethernet packets.
func WritePcap(packets [][]byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, pcapMicro)
	b = le.AppendUint16(b, 2) // version 2.4
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, largestPacket)
	b = le.AppendUint32(b, linkEthernet)
	for i, p := range packets {
		b = le.AppendUint32(b, uint32(i))
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, uint32(len(p)))
		b = le.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}
