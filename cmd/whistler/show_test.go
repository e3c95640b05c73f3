package main

import (
	"testing"
	"time"

	"github.com/whistler-lang/whistler/load"
)

func TestShow(t *testing.T) {
	s := &shower{hints: map[string]string{"a": "hex", "at": "time", "size": "bytes", "p": "port", "value": "ns"}, boot: time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		field string
		v     any
		want  string
	}{
		{"a", uint64(255), "0xff"}, {"at", uint64(1500000), "10:00:00.001500"}, {"size", uint64(1536), "1.5 KiB"}, {"size", uint64(3), "3 B"}, {"size", uint64(1) << 63, "8.0 EiB"},
		{"p", uint64(0x5000), "80"}, {"value", uint64(1500), "1.5µs"},
		{"saddr", uint64(0x0100007f), "127.0.0.1"}, {"src_ip", []byte{10, 0, 0, 1}, "10.0.0.1"}, {"ip6", append(make([]byte, 15), 1), "::1"},
		{"src_mac", []byte{2, 0, 0, 0, 0, 0xaa}, "02:00:00:00:00:aa"}, {"wait_ns", uint64(2000000), "2ms"},
		{"comm", []byte("ls\x00\x00"), "ls"}, {"addr", uint64(1) << 40, "1099511627776"}, {"x", uint64(7), "7"}, {"zip", uint64(7), "7"}, {"skip", uint64(7), "7"},
	} {
		if got := s.value(c.field, c.v); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.field, c.v, got, c.want)
		}
	}
	names, values := s.cells("value", []load.Field{{Name: "k", Value: []load.Field{{Name: "saddr", Value: uint64(0x0100007f)}}}, {Name: "n", Value: uint64(3)}})
	if len(names) != 2 || names[0] != "k.saddr" || values[0] != "127.0.0.1" || values[1] != "3" {
		t.Errorf("%v %v", names, values)
	}
}
