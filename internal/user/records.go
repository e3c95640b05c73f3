package user

import (
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// part is what an accessor reaches in its record: of an array the element
// that further arguments name.
func part(in *lisp.Interp, name string, a lang.Accessor, args []sexp.Value) (r *Record, t *types.Type, off int) {
	r, ok := args[0].(*Record)
	if !ok || r.S != a.Struct {
		in.Fail(source.Errorf(in.Pos(), "`%s`: %s is no `%s`", name, sexp.Print(args[0]), a.Struct.Name))
	}
	t, off = a.Field.Type, a.Field.Offset
	for _, v := range args[1:] {
		i, isInt := v.(int64)
		if t.Kind != types.Array || !isInt || i < 0 || int(i) >= t.Len {
			in.Fail(source.Errorf(in.Pos(), "`%s`: %s is no index of a %v", name, sexp.Print(v), t))
		}
		t, off = t.Elem, off+int(i)*t.Elem.Size
	}
	return r, t, off
}
