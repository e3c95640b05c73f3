package packet

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A Difference is a field, or the bytes behind the headers, that two packets
// do not share.
type Difference struct {
	Header, Field string // C names; "" and "" for bytes behind the headers, Header "length" for that
	Want, Have    string
}

// Diff compares two packets field by field, where both have the same headers
// in the same places, and else byte by byte.
func Diff(want, have []byte, start string) (ds []Difference) {
	if len(want) != len(have) {
		ds = append(ds, Difference{"length", "", fmt.Sprintf("%d bytes", len(want)), fmt.Sprintf("%d bytes", len(have))})
	}
	a, b := Dissect(want, start), Dissect(have, start)
	at := 0
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i].Header != b[i].Header || a[i].Header == nil || a[i].Size != b[i].Size || a[i].Offset != b[i].Offset {
			break
		}
		at = a[i].Offset + a[i].Size
		ds = append(ds, fields(a[i], want[a[i].Offset:at], have[a[i].Offset:at])...)
	}
	if rest := bytesDiff(want, have, at); rest != nil {
		ds = append(ds, *rest)
	}
	return ds
}

// fields compares a header with its options.
func fields(p Part, want, have []byte) (ds []Difference) {
	covered := make([]bool, p.Size*8)
	for i := range p.Header.Fields {
		f := &p.Header.Fields[i]
		first, n := 8*f.Offset+f.BitOffset, 8*f.Size*f.Count
		if f.BitSize > 0 {
			n = f.BitSize
		}
		if covered[first] { // another member of a union
			continue
		}
		for j := range n {
			covered[first+j] = true
		}
		if w, h := Text(p.Header, f, want), Text(p.Header, f, have); w != h {
			ds = append(ds, Difference{p.Header.Name, f.Name, w, h})
		}
	}
	if size := p.Header.Size; size < p.Size && !bytes.Equal(want[size:], have[size:]) {
		ds = append(ds, Difference{p.Header.Name, "options", fmt.Sprintf("%x", want[size:]), fmt.Sprintf("%x", have[size:])})
	}
	return ds
}

// bytesDiff shows where two packets differ from byte at on.
func bytesDiff(want, have []byte, at int) *Difference {
	for i := at; i < len(want) && i < len(have); i++ {
		if want[i] != have[i] {
			return &Difference{"", fmt.Sprintf("byte %d on", i), excerpt(want[i:]), excerpt(have[i:])}
		}
	}
	return nil
}

func excerpt(b []byte) string {
	if len(b) > 16 {
		return fmt.Sprintf("% x ...", b[:16])
	}
	return fmt.Sprintf("% x", b)
}

// Text is a field's value as people write it; b begins at the header.
func Text(h *abi.Header, f *abi.HeaderField, b []byte) string {
	raw := b[f.Offset : f.Offset+f.Size*f.Count]
	switch {
	case h.Name == "eth" && f.Count == 6:
		return strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", ":")
	case f.Name == "saddr" || f.Name == "daddr":
		if a, ok := netip.AddrFromSlice(raw); ok {
			return a.String()
		}
	case f.Count > 1:
		return fmt.Sprintf("%x", raw)
	}
	v := Number(f, b)
	switch {
	case f.BitSize > 0 || f.Size == 1 || strings.HasPrefix(f.Name, "tot_len") || f.Name == "source" || f.Name == "dest" || f.Name == "len" || f.Name == "window":
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%#x", v)
}
