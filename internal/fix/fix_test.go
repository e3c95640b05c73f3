package fix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/ir/facts"
	"github.com/whistler-lang/whistler/internal/source"
)

// TestAnywhere proposes for every mistake at every form of the wrong programs:
// most make no sense, none may panic, and all edits are inside of the text and apart.
func TestAnywhere(t *testing.T) {
	files, _ := filepath.Glob("../compile/testdata/wrong/*.lisp")
	more, _ := filepath.Glob("../lang/testdata/errors/*.lisp")
	n := 0
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := source.NewFile(file, string(text))
		root := read(f)
		var all []*node
		root.each(func(k *node) {
			if k != root {
				all = append(all, k)
			}
		})
		for i, k := range all {
			origin := all[i*7%len(all)].pos
			for kind := range byKind {
				if (i+int(kind))%41 != 0 { // each kind at some forms
					continue
				}
				x := &facts.Finding{Kind: kind, Pos: k.pos, Origin: origin, By: "ringbuf-reserve", Null: i%2 == 0, Variable: i%3 == 0,
					Proven: int64(i % 5), Needed: int64(i%9) - 1, Least: int64(i%7) - 3, Most: 64, Way: []facts.Branch{{Pos: origin}}}
				if i%4 == 0 {
					x.To = "map-update-elem"
				}
				n += sound(t, f, Propose(Mistake{Error: &source.Error{Pos: k.pos}, Finding: x, Pass: "XDP_PASS"}))
				Texts{f: root}.Pointer(x)
			}
			for code := range byCode {
				if i%7 != 0 {
					continue
				}
				n += sound(t, f, Propose(Mistake{Error: &source.Error{Pos: k.pos, Code: code}}))
			}
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d proposals", n)
}

func sound(t *testing.T, f *source.File, all []Proposal) int {
	for _, p := range all {
		last := int32(0)
		text := p.Fix.Apply(f)
		for _, e := range p.Edits {
			if e.Pos.Start < 0 || e.Pos.End > int32(len(f.Text)) || e.Pos.Start > e.Pos.End {
				t.Errorf("%s: %s: an edit at %d to %d", f.Name, p.Title, e.Pos.Start, e.Pos.End)
			}
			last = max(last, e.Pos.End)
		}
		if p.Title == "" || !strings.HasSuffix(text, f.Text[last:]) {
			t.Errorf("%s: %s: the end is lost", f.Name, p.Title)
		}
	}
	return len(all)
}
