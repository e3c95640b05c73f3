package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/whistler-lang/whistler/load"
)

// A shower writes values as people read them: by the hints of :show, or by
// the names of fields.
type shower struct {
	hints map[string]string // by field; "key" and "value" of what has no fields
	boot  time.Time         // when the clock of ktime-get-ns was 0
}

// hintOf is the hint for a field: the source's, or what its name and value
// suggest.
func (s *shower) hintOf(field string, v any) string {
	if h := s.hints[field]; h != "" {
		return h
	}
	name := strings.ToLower(field)
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' })
	has := func(names ...string) bool {
		for _, w := range words {
			for _, n := range names {
				if w == n {
					return true
				}
			}
		}
		return false
	}
	bytes, _ := v.([]byte)
	n, number := v.(uint64)
	switch {
	case has("mac", "hwaddr") && len(bytes) == 6:
		return "mac"
	case has("ip", "ip4", "ip6", "ipv4", "ipv6", "addr", "saddr", "daddr") && (len(bytes) == 4 || len(bytes) == 16 || number && n <= 1<<32-1 && !has("mac", "hw")):
		return "ip"
	case has("comm", "filename", "path", "name") && bytes != nil:
		return "text"
	case number && (strings.HasSuffix(name, "_ns") || strings.HasSuffix(name, "-ns") || has("latency", "duration", "elapsed")):
		return "ns"
	}
	return ""
}

// value writes one value, which has no fields.
func (s *shower) value(field string, v any) string {
	n, number := v.(uint64)
	b, _ := v.([]byte)
	switch s.hintOf(field, v) {
	case "hex":
		if number {
			return fmt.Sprintf("%#x", n)
		}
	case "ip":
		if number && n <= 1<<32-1 { // as it stands in the packet
			var a [4]byte
			binary.NativeEndian.PutUint32(a[:], uint32(n))
			return netip.AddrFrom4(a).String()
		}
		if a, ok := netip.AddrFromSlice(b); ok {
			return a.String()
		}
	case "mac":
		if len(b) == 6 {
			return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":")
		}
	case "port": // in network order
		if number && n <= 1<<16-1 {
			return fmt.Sprint(n&0xff<<8 | n>>8)
		}
	case "ns":
		if number && n < 1<<63 {
			return time.Duration(n).String()
		}
	case "time":
		if number && n < 1<<63 {
			return s.boot.Add(time.Duration(n)).Format("15:04:05.000000")
		}
	case "bytes":
		if number {
			return byteCount(n)
		}
	case "text":
		if b != nil {
			text, _, _ := strings.Cut(string(b), "\x00")
			return strings.ToValidUTF8(text, "?")
		}
	}
	return load.Format(v)
}

// byteCount is a number of bytes in the unit that suits it.
func byteCount(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"} {
		if f /= 1024; f < 1024 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}

// cells are a value's columns: its fields, or the value itself under head.
func (s *shower) cells(head string, v any) (names, values []string) {
	fs, ok := v.([]load.Field)
	if !ok {
		return []string{head}, []string{s.value(head, v)}
	}
	for _, f := range fs {
		if inner, ok := f.Value.([]load.Field); ok {
			n, x := s.cells(f.Name, inner)
			for i := range n {
				names, values = append(names, f.Name+"."+n[i]), append(values, x[i])
			}
			continue
		}
		names, values = append(names, f.Name), append(values, s.value(f.Name, f.Value))
	}
	return names, values
}

// weight is the number that entries are sorted by: a value's own, or of the
// first field that is a number.
func weight(v any) (float64, bool) {
	switch v := v.(type) {
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	case []load.Field:
		for _, f := range v {
			if w, ok := weight(f.Value); ok {
				return w, true
			}
		}
	}
	return 0, false
}
