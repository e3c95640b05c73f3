package lang

import (
	"testing"

	"github.com/whistler-lang/whistler/internal/prelude"
	"github.com/whistler-lang/whistler/internal/sexp"
)

// TestDefinitions: the list of the prelude's definitions, each of which is
// read by itself, is what a reader of the whole files finds.
func TestDefinitions(t *testing.T) {
	ds := prelude.Definitions()
	base := preludeBase()
	for _, f := range prelude.Files() {
		whole := sexp.NewTable(base.table)
		forms, errs := sexp.ReadAll(f, whole, nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, form := range forms {
			if len(ds) == 0 {
				t.Fatalf("%s is missing", sexp.Print(form.V))
			}
			def := form.V.(*sexp.Cons)
			name := def.Cdr.(*sexp.Cons).Car.(*sexp.Symbol)
			head := sexp.Print(def.Car)
			if ds[0].Name != name.Display() || ds[0].Macro != (head == "defmacro") || head != "defmacro" && head != "defun" {
				t.Errorf("%s %s is listed as %v", head, name.Display(), ds[0])
			}
			v, err := sexp.ReadAt(ds[0].At, whole)
			if err != nil || sexp.Print(v) != sexp.Print(def) || sexp.PosOf(v) != def.Pos {
				t.Errorf("%s is read as %s: %v", sexp.Print(def), sexp.Print(v), err)
			}
			ds = ds[1:]
		}
	}
	if len(ds) > 0 {
		t.Errorf("%v are in no file", ds)
	}
}

// BenchmarkPrelude reads all definitions; a program pays for those that it
// uses.
func BenchmarkPrelude(b *testing.B) {
	for b.Loop() {
		base := preludeBase()
		table := sexp.NewTable(base.table)
		for _, d := range base.all {
			base.read(d.sym.Name, table)
		}
	}
}
