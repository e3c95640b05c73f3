package btf

import "github.com/whistler-lang/whistler/internal/types"

// StructOf adds a declared struct or union once. Where it has bit-fields,
// the kind flag says that a member's offset is bits, and in its upper byte
// the width of a bit-field.
func (b *Builder) StructOf(s *types.Struct) ID {
	if id, ok := b.structs[s]; ok {
		return id
	}
	kind := kindStruct
	if s.Union {
		kind = kindUnion
	}
	typs := make([]ID, len(s.Fields))
	for i, f := range s.Fields {
		if f.Bits > 0 {
			typs[i] = b.Type(f.Of)
		} else {
			typs[i] = b.Type(f.Type)
		}
	}
	id := b.head(s.C, kind, len(s.Fields), s.HasBits(), uint32(s.Size))
	for i, f := range s.Fields {
		off := uint32(8*f.Offset + f.Shift)
		b.put(b.Str(f.C), uint32(typs[i]), off|uint32(f.Bits)<<24)
	}
	b.structs[s] = id
	return id
}

// EnumOf adds a declared enumeration once.
func (b *Builder) EnumOf(e *types.Enum) ID {
	return b.Once(Key{What: "enum", Name: e.C}, func() ID {
		kind := kindEnum
		if e.Type.Size == 8 {
			kind = kindEnum64
		}
		id := b.head(e.C, kind, len(e.Values), e.Type.Signed, uint32(e.Type.Size))
		for _, v := range e.Values {
			b.put(b.Str(v.C), uint32(v.Value))
			if kind == kindEnum64 {
				b.put(uint32(v.Value >> 32))
			}
		}
		return id
	})
}
