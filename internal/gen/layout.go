package gen

import "github.com/whistler-lang/whistler/internal/types"

// A part is some bytes of a struct, as languages without bit-fields have it:
// a field, bytes that hold bit-fields, or padding.
type part struct {
	Offset, Size int
	Field        *types.Field // nil: bits or padding
	Bits         bool
}

// parts cuts a struct into all its bytes, in order.
func parts(s *types.Struct) (ps []part) {
	end := 0
	pad := func(to int) {
		if to > end {
			ps = append(ps, part{Offset: end, Size: to - end})
			end = to
		}
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Bits == 0 {
			pad(f.Offset)
			ps = append(ps, part{f.Offset, f.Type.Size, f, false})
			end = f.Offset + f.Type.Size
			continue
		}
		from, to := bitsOf(f)
		if n := len(ps); n > 0 && ps[n-1].Bits && from/8 <= end {
			ps[n-1].Size = max(end, (to+7)/8) - ps[n-1].Offset
			end = ps[n-1].Offset + ps[n-1].Size
			continue
		}
		pad(from / 8)
		end = (to + 7) / 8
		ps = append(ps, part{from / 8, end - from/8, nil, true})
	}
	pad(s.Size)
	return ps
}

// bitsOf is where a bit-field begins in its struct and ends, in bits.
func bitsOf(f *types.Field) (from, to int) {
	from = 8*f.Offset + f.Shift
	return from, from + f.Bits
}

// bitFields lists the bit-fields of s.
func bitFields(s *types.Struct) (fs []*types.Field) {
	for i := range s.Fields {
		if s.Fields[i].Bits > 0 {
			fs = append(fs, &s.Fields[i])
		}
	}
	return fs
}

// hasBits reports whether some struct has bit-fields.
func (m *Module) hasBits() bool {
	for _, s := range m.Structs {
		if s.HasBits() {
			return true
		}
	}
	return false
}
