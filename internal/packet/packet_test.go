package packet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestMake makes what Build makes of words.
func TestMake(t *testing.T) {
	mss := []byte{2, 4, 5, 0xb4}
	for _, c := range []struct {
		layers []Layer
		words  string
	}{
		{[]Layer{{Header: "eth"}, {Header: "ipv4", Fields: []Set{{"src", 0, []byte{1, 2, 3, 4}}, {"ttl", 9, nil}}}, {Header: "udp", Fields: []Set{{"dport", 53, nil}}}, {Payload: []byte("abc")}},
			"eth ipv4 src=1.2.3.4 ttl=9 udp dport=53 payload=abc"},
		{[]Layer{{Header: "eth"}, {Header: "vlan", Fields: []Set{{"tci", 5, nil}}}, {Header: "ipv6"}, {Header: "icmpv6"}}, "eth vlan tci=5 ipv6 icmpv6"},
	} {
		have, err := Make(c.layers)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Build(strings.Fields(c.words))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s:\n%x\n%x", c.words, have, want)
		}
	}
	b, err := Make([]Layer{{Header: "eth"}, {Header: "ipv4"}, {Header: "tcp", Options: mss}, {Payload: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	parts := Dissect(b, "eth")
	if len(parts) != 4 || parts[2].Size != 24 || parts[3].Size != 1 || fold(ones(b[14:34])) != 0xffff {
		t.Errorf("%+v\n%x", parts, b)
	}
	if _, err := Make([]Layer{{Header: "tcp", Fields: []Set{{"dport", 65536, nil}}}}); err == nil {
		t.Error("a port of 65536")
	}
}

func TestDiff(t *testing.T) {
	a, _ := Build(strings.Fields("eth vlan tci=5 ipv4 ttl=64 tcp dport=80 flags=syn payload=abcd"))
	b, _ := Build(strings.Fields("eth vlan tci=5 ipv4 ttl=63 src=10.0.0.9 check=0 tcp dport=80 flags=syn|ack check=0 payload=abXd"))
	var got []string
	for _, d := range Diff(a, b, "eth") {
		if d.Field != "check" {
			got = append(got, fmt.Sprintf("%s %s %s->%s", d.Header, d.Field, d.Want, d.Have))
		}
	}
	want := "ipv4 ttl 64->63; ipv4 saddr 10.0.0.1->10.0.0.9; tcp ack 0->1;  byte 60 on 63 64->58 64"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("%s, want\n%s", s, want)
	}
	if ds := Diff(a, a[:30], "eth"); len(ds) == 0 || ds[0].Header != "length" {
		t.Errorf("%v", ds)
	}
	if ds := Diff(a, a, "eth"); ds != nil {
		t.Errorf("%v", ds)
	}
}

func TestPcap(t *testing.T) {
	a, _ := Build(strings.Fields("eth ipv4 tcp"))
	b, _ := Build(strings.Fields("eth ipv6 udp payload=hello"))
	got, err := ReadPcap(WritePcap([][]byte{a, b}))
	if err != nil || len(got) != 2 || !bytes.Equal(got[0], a) || !bytes.Equal(got[1], b) {
		t.Errorf("%x %v", got, err)
	}
	// A section, an interface and a packet of 5 bytes, with padding, by hand.
	ng := []byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00" +
		"\x01\x00\x00\x00\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x04\x00\x14\x00\x00\x00" +
		"\x06\x00\x00\x00\x28\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x05\x00\x00\x00hello\x00\x00\x00\x28\x00\x00\x00")
	if got, err := ReadPcap(ng); err != nil || len(got) != 1 || string(got[0]) != "hello" {
		t.Errorf("%q %v", got, err)
	}
}

// FuzzPcap reads any bytes, and takes apart what it gets.
func FuzzPcap(f *testing.F) {
	a, _ := Build(strings.Fields("eth vlan ipv4 tcp payload=x"))
	f.Add(WritePcap([][]byte{a}))
	f.Add([]byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, _ := ReadPcap(b)
		for _, p := range append(packets, b) {
			for _, start := range []string{"eth", "ip", ""} {
				at := 0
				for _, part := range Dissect(p, start) {
					if part.Offset != at || part.Size <= 0 {
						t.Fatalf("%+v at %d of %x", part, at, p)
					}
					at += part.Size
				}
				if at != len(p) {
					t.Fatalf("%d of %d bytes", at, len(p))
				}
				Diff(p, a, start)
			}
		}
	})
}
