package user

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"

	"github.com/whistler-lang/whistler/internal/packet"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Record is a struct in a test: (make-flow :src 1), (flow-src r).
type Record struct {
	S *types.Struct
	B []byte
}

// PrintLisp prints #<flow src=1 dst=2>.
func (r *Record) PrintLisp() string {
	return "#<" + r.S.Name + " " + strings.Join(r.texts(), " ") + ">"
}

// texts are the fields as name=value.
func (r *Record) texts() (out []string) {
	for i := range r.S.Fields {
		if f := &r.S.Fields[i]; f.Type.Object() == nil {
			out = append(out, strings.ToLower(f.Name)+"="+sexp.Display(fieldValue(f, f.Type, f.Offset, r.B)))
		}
	}
	return out
}

// little reads a number.
func little(b []byte, signed bool) sexp.Value {
	v := packet.Little(b)
	if signed {
		shift := 64 - 8*len(b)
		return int64(v<<shift) >> shift
	}
	return number(v)
}

func number(v uint64) sexp.Value { return sexp.Integer(new(big.Int).SetUint64(v)) }

// fieldValue is the value of a field of type t at off, which for an element
// of an array is not the field's own.
func fieldValue(f *types.Field, t *types.Type, off int, b []byte) sexp.Value {
	if f.Bits > 0 {
		v := packet.Little(b[f.Offset:f.Offset+f.Type.Size]) >> f.Shift & (1<<f.Bits - 1)
		if f.Type.Signed {
			return int64(v<<(64-f.Bits)) >> (64 - f.Bits)
		}
		return number(v)
	}
	return fromBytes(t, b[off:off+t.Size])
}

// fromBytes is what b is as a value of type t; without a type, a number of 1,
// 2, 4 or 8 bytes, or a vector of bytes.
func fromBytes(t *types.Type, b []byte) sexp.Value {
	switch {
	case t == nil:
		switch len(b) {
		case 1, 2, 4, 8:
			return little(b, false)
		}
		return vectorOf(b)
	case t.Kind == types.StructKind:
		return &Record{t.Struct, append([]byte(nil), b[:t.Size]...)}
	case t.Kind == types.Array:
		v := &sexp.Vector{}
		for i := range t.Len {
			v.Items = append(v.Items, fromBytes(t.Elem, b[i*t.Elem.Size:(i+1)*t.Elem.Size]))
		}
		return v
	}
	return little(b[:t.Size], t.Signed)
}

func vectorOf(b []byte) sexp.Value {
	v := &sexp.Vector{Items: make([]sexp.Value, len(b))}
	for i, x := range b {
		v.Items[i] = int64(x)
	}
	return v
}

// toBytes is v as a value of type t, or without a type of size bytes.
func toBytes(t *types.Type, size int, v sexp.Value) ([]byte, error) {
	if t != nil {
		size = t.Size
	}
	b := make([]byte, size)
	switch v := v.(type) {
	case int64:
		return b, putInt(b, big.NewInt(v), t)
	case *big.Int:
		return b, putInt(b, v, t)
	case *Record:
		if t != nil && (t.Kind != types.StructKind || t.Struct != v.S) {
			return nil, fmt.Errorf("a `%s` is no %v", v.S.Name, t)
		}
		if len(v.B) != size {
			return nil, fmt.Errorf("a `%s` has %d bytes, and %d are wanted", v.S.Name, len(v.B), size)
		}
		return append([]byte(nil), v.B...), nil
	case *sexp.String:
		s := v.String()
		if t != nil && (t.Kind != types.Array || t.Elem.Size != 1) {
			return nil, fmt.Errorf("text is no %v", t)
		}
		if len(s) > size {
			return nil, fmt.Errorf("%q has %d bytes, and there is room for %d", s, len(s), size)
		}
		copy(b, s)
		return b, nil
	case *sexp.Vector:
		elem, n := types.U8, size
		if t != nil {
			if t.Kind != types.Array {
				return nil, fmt.Errorf("a vector is no %v", t)
			}
			elem, n = t.Elem, t.Len
		}
		if len(v.Items) > n {
			return nil, fmt.Errorf("the vector has %d elements, and there is room for %d", len(v.Items), n)
		}
		for i, x := range v.Items {
			e, err := toBytes(elem, elem.Size, x)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			copy(b[i*elem.Size:], e)
		}
		return b, nil
	case *sexp.Cons:
		if t == nil || t.Kind != types.StructKind {
			break
		}
		items, ok := sexp.Slice(v)
		if !ok {
			break
		}
		r := &Record{t.Struct, b}
		return b, r.fill(items)
	}
	what := "bytes"
	if t != nil {
		what = t.String()
	}
	return nil, fmt.Errorf("%s cannot be made %s", sexp.Print(v), what)
}

// fill sets the fields that a list of :field value gives.
func (r *Record) fill(args []sexp.Value) error {
	for i := 0; i < len(args); i += 2 {
		k, ok := args[i].(*sexp.Symbol)
		if !ok || !k.Keyword || i+1 == len(args) {
			return fmt.Errorf("the fields of a `%s` are given as :field value", r.S.Name)
		}
		f := r.S.Field(k.Name)
		if f == nil {
			return fmt.Errorf("`%s` has no field %s", r.S.Name, strings.ToLower(k.Name))
		}
		if err := r.set(f, f.Type, f.Offset, args[i+1]); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(k.Name), err)
		}
	}
	return nil
}

// set gives a field, or the part of type t at off of it, a value.
func (r *Record) set(f *types.Field, t *types.Type, off int, v sexp.Value) error {
	if f.Bits > 0 {
		n, ok := integer(v)
		if !ok || n.BitLen() > f.Bits {
			return fmt.Errorf("%s does not fit in %d bits", sexp.Print(v), f.Bits)
		}
		mask := uint64(1)<<f.Bits - 1
		u := new(big.Int).And(n, new(big.Int).SetUint64(mask)).Uint64()
		unit := r.B[f.Offset : f.Offset+f.Type.Size]
		old := packet.Little(unit)
		putLittle(unit, old&^(mask<<f.Shift)|u<<f.Shift)
		return nil
	}
	b, err := toBytes(t, t.Size, v)
	if err == nil {
		copy(r.B[off:off+t.Size], b)
	}
	return err
}

func integer(v sexp.Value) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// putInt writes n, which must have its place: between the least signed and
// the greatest unsigned number of that many bytes, or of the type's kind.
func putInt(b []byte, n *big.Int, t *types.Type) error {
	if t != nil && !t.IsInt() && t.Kind != types.Ptr {
		return fmt.Errorf("%v is no %v", n, t)
	}
	if len(b) > 8 || len(b) == 0 {
		return fmt.Errorf("%v cannot be made %d bytes; give a vector", n, len(b))
	}
	bits := uint(8 * len(b))
	low := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), bits-1))
	high := new(big.Int).Lsh(big.NewInt(1), bits)
	if t != nil && t.Kind == types.Int && t.Signed {
		high = new(big.Int).Neg(low)
	}
	if n.Cmp(low) < 0 || n.Cmp(high) >= 0 {
		return fmt.Errorf("%v does not fit in %d bits", n, bits)
	}
	putLittle(b, new(big.Int).And(n, new(big.Int).SetUint64(1<<63|(1<<63-1))).Uint64())
	return nil
}

func putLittle(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
}

// bytesOf is a packet or other bytes: a vector of numbers, a string of their
// characters, or a record.
func bytesOf(v sexp.Value) ([]byte, error) {
	switch v := v.(type) {
	case *sexp.Vector:
		b := make([]byte, len(v.Items))
		for i, x := range v.Items {
			n, ok := x.(int64)
			if !ok || n < 0 || n > 255 {
				return nil, fmt.Errorf("element %d is %s, which is no byte", i, sexp.Print(x))
			}
			b[i] = byte(n)
		}
		return b, nil
	case *sexp.String:
		return []byte(v.String()), nil
	case *Record:
		return append([]byte(nil), v.B...), nil
	}
	return nil, fmt.Errorf("%s is no bytes", sexp.Print(v))
}

// same reports whether two values are equal, records, vectors and numbers by
// what is in them.
func same(a, b sexp.Value) bool {
	switch x := a.(type) {
	case *Record:
		y, ok := b.(*Record)
		return ok && x.S == y.S && bytes.Equal(x.B, y.B)
	case *sexp.Vector:
		y, ok := b.(*sexp.Vector)
		if !ok || len(x.Items) != len(y.Items) {
			return false
		}
		for i := range x.Items {
			if !same(x.Items[i], y.Items[i]) {
				return false
			}
		}
		return true
	case *sexp.String:
		y, ok := b.(*sexp.String)
		return ok && x.String() == y.String()
	case *sexp.Cons:
		y, ok := b.(*sexp.Cons)
		return ok && same(x.Car, y.Car) && same(x.Cdr, y.Cdr)
	case *big.Int:
		y, ok := b.(*big.Int)
		return ok && x.Cmp(y) == 0
	}
	return a == b
}
