package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// offsetOf follows a path of fields, which may be written a.b as in C, and
// indices from t on.
func offsetOf(t *types.Type, path []sexp.Value) int64 {
	off := int64(0)
	fail := func(x sexp.Value, format string, args ...any) {
		e := source.Errorf(source.Pos{}, format, args...).WithCode("unknown-field")
		e.Culprit = x
		panic(e)
	}
	for _, x := range path {
		if n, ok := x.(int64); ok {
			if t.Kind != types.Array || n < 0 || n > int64(t.Len) {
				fail(x, "`%v` has no element %d", t, n)
			}
			t = t.Elem
			off += n * int64(t.Size)
			continue
		}
		s, ok := x.(*sexp.Symbol)
		if !ok {
			fail(x, "`%v` has no field `%s`", t, sexp.Display(x))
		}
		for _, name := range strings.Split(s.Name, ".") {
			var f *types.Field
			if t.Kind == types.StructKind {
				f = t.Struct.Field(name)
			}
			switch {
			case f == nil:
				fail(x, "`%v` has no field `%s`", t, toLower(name))
			case f.Bits > 0:
				fail(x, "the field `%s` of `%v` is a bit-field and has no offset in bytes", toLower(name), t)
			}
			off += int64(f.Offset)
			t = f.Type
		}
	}
	return off
}
