package packet

import (
	"fmt"
	"strings"
	"testing"
)

// TestBuild compares with packets whose checksums were summed by hand.
func TestBuild(t *testing.T) {
	for words, want := range map[string]string{
		"eth dst=ff:ff:ff:ff:ff:ff src=00:11:22:33:44:55 vlan tci=5 arp op=1":               "ffffffffffff 001122334455 8100 0005 0806 0000 0000 00 00 0001",
		"ipv4 len=115 id=0 frag=0x4000 ttl=64 src=192.168.0.1 dst=192.168.0.199 udp cut=20": "4500 0073 0000 4000 4011 b861 c0a80001 c0a800c7",
		"ipv4 src=127.0.0.1 dst=127.0.0.1 udp sport=1 dport=2 payload=abc":                  "4500001f00000000 4011 7ccc 7f000001 7f000001 0001 0002 000b 3d70 616263",
		"ipv6 src=::1 dst=::1 icmpv6 id=1 seq=2 cut=44":                                     "60000000 0008 3a40 00000000000000000000000000000001 00000000000000000000000000000001 8000 7fb8",
		"ipv4 ihl=6 ttl=1 tcp flags=syn|ack check=7 cut=44":                                 "4600002c00000000 0106 a4ca 0a000001 0a000002 00000000 9c40 0050 00000000 00000000 5012 0000 0007 0000",
	} {
		b, err := Build(strings.Fields(words))
		if err != nil {
			t.Errorf("%s: %v", words, err)
		}
		if have := fmt.Sprintf("%x", b); have != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s:\n%s, want\n%s", words, have, want)
		}
	}
}
