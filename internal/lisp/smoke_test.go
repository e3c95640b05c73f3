package lisp

import (
	"fmt"
	"os"
	"testing"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

func TestSmoke(t *testing.T) {
	text, err := os.ReadFile("/tmp/smoke.lisp")
	if err != nil {
		t.Skip()
	}
	table := sexp.NewTable(nil)
	in := New(Options{Table: table, Out: func(s string) { fmt.Print(s) }})
	forms, errs := sexp.ReadAll(source.NewFile("smoke", string(text)), table, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, f := range forms {
		v, err := in.EvalTop(f.V, f.Pos)
		if err != nil {
			for _, e := range source.AsList(err) {
				fmt.Println(e.Render(source.Style{}))
			}
			continue
		}
		fmt.Println(sexp.Print(f.V)[:min(60, len(sexp.Print(f.V)))], "=>", sexp.Print(v))
	}
}
