package ir

import "testing"

// TestClone changes a copy in every place, and the original stays.
func TestClone(t *testing.T) {
	const text = "func f\nslot s1 8 key\nb0(v0:ctx):\n\tv1 = const 5\n\tstore.4 s1+4 v1\n\tv2 = call 1 v0 v1\n\tbr.8 ne v2 #0 b1(v1) b2\nb1(v3):\n\tret v3\nb2:\n\tret v1"
	f, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := f.String()
	g := f.Clone()
	if g.String() != want {
		t.Fatalf("the copy is another:\n%v", g)
	}
	if err := Verify(g); err != nil {
		t.Fatal(err)
	}
	g.Slots[1].Size = 16
	for _, b := range g.Blocks {
		b.Depth++
		b.Uses(func(v **Value) { *v = g.Blocks[0].Params[0] })
		for _, v := range append(b.Values, b.Term) {
			v.Aux, v.ID = 77, v.ID+100
		}
		for i := range b.Succs {
			b.Succs[i].To = g.Blocks[0]
		}
	}
	g.NewValue(OpConst, f.Blocks[0].Values[0].Pos)
	if f.String() != want {
		t.Fatalf("the original changed:\n%v", f)
	}
	if f.NumValues() == g.NumValues() {
		t.Error("names are counted together")
	}
}
