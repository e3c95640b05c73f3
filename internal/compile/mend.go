package compile

import (
	"github.com/whistler-lang/whistler/internal/fix"
	"github.com/whistler-lang/whistler/internal/source"
)

// mostTrials is how many ways to mend one mistake are tried.
const mostTrials = 120

// Mend gives the errors and warnings of said, which is what a compilation of
// files says, the fixes that are right: after them the sources compile without
// the mistake, and without one of the same sort that was not there before. With
// first it stops at the first that can be mended.
func Mend(files []*source.File, said source.List, o Options, first bool) *source.Error {
	o.Trace = nil
	for _, warnings := range []bool{false, true} { // a warning may go with an error
		for _, e := range said {
			if (e.Severity == source.SevWarning) != warnings {
				continue
			}
			if x := mend(files, said, e, o); x != nil {
				if e.Fixes = []source.Fix{*x}; first {
					return e
				}
			}
		}
	}
	return nil
}

func mend(files []*source.File, said source.List, e *source.Error, o Options) (second *source.Fix) {
	m, _ := e.Cause.(fix.Mistake)
	m.Error = e
	out := 0 // a group that the language refuses
	for i, p := range fix.Propose(m) {
		if i == mostTrials {
			break
		}
		if p.Group != 0 && p.Group == out {
			continue
		}
		edited, ok := edit(files, &p.Fix)
		if !ok {
			return nil // of a file that is included
		}
		now := try(edited, o)
		if better(said, now, e) {
			return &p.Fix
		}
		if second == nil && onward(said, now, e, &p.Fix) {
			second = &p.Fix
		}
		if spoken(now) > 0 {
			out = p.Group
		}
	}
	return second
}

// edit makes the edits; ok is false where they are of another file.
func edit(files []*source.File, x *source.Fix) (out []*source.File, ok bool) {
	for _, f := range files {
		g := source.NewFile(f.Name, f.Text)
		g.Path = f.Path
		if f == x.Edits[0].Pos.File {
			g.Text, ok = x.Apply(f), true
		}
		out = append(out, g)
	}
	return out, ok
}

// try is what a compilation of files says. One that fails in another way says so.
func try(files []*source.File, o Options) (said source.List) {
	defer func() {
		if recover() != nil {
			said = source.List{{Severity: source.SevBug}}
		}
	}()
	r, said := Compile(files, o)
	if r != nil {
		said = append(said, r.Warnings...)
	}
	return said.Sorted()
}

// spoken counts the errors that the language finds, before the flow analysis.
func spoken(l source.List) (n int) {
	for _, e := range l.Errors() {
		if e.Cause == nil {
			n++
		}
	}
	return n
}

// warnings counts those of l; that a fix leaves a map without a use is none of its faults.
func warnings(l source.List) (n int) {
	for _, e := range l {
		if e.Severity == source.SevWarning && e.Code != "unused-map" {
			n++
		}
	}
	return n
}

// better reports whether now, after a fix of e, says less than before.
func better(before, now source.List, e *source.Error) bool {
	same := func(l source.List) (n int) {
		for _, x := range l {
			if x.Code == e.Code && x.What == e.What && x.Severity == e.Severity {
				n++
			}
		}
		return n
	}
	switch {
	case e.Severity == source.SevWarning:
		return len(now.Errors()) <= len(before.Errors()) && warnings(now) < warnings(before)
	case e.Meant != "": // what stands around it is looked at only now
		for _, x := range now.Errors() {
			if x.Pos.Known() && x.Pos.Start == e.Pos.Start && x.Pos.Text() == e.Meant {
				return false
			}
		}
		return same(now) < same(before)
	case e.Cause == nil: // the language may find the next mistake only when this is mended
		return same(now) < same(before) && spoken(now) <= spoken(before)
	}
	return len(now.Errors()) < len(before.Errors()) && spoken(now) <= spoken(before) && warnings(now) <= warnings(before)
}

// hides are the mistakes behind which the analysis sees no other of the same value.
var hides = map[string]bool{"null-dereference": true, "null-arithmetic": true, "packet-bounds": true, "memory-bounds": true,
	"stack-bounds": true, "pointer-offset": true, "size-argument": true, "misaligned": true}

// onward reports whether now, after the fix x of e, says as much as before, but
// not the same: what was hidden behind e.
func onward(before, now source.List, e *source.Error, x *source.Fix) bool {
	errs := now.Errors()
	if e.Cause == nil || !hides[e.Code] || len(errs) > len(before.Errors()) || spoken(now) > spoken(before) || warnings(now) > warnings(before) {
		return false
	}
	start, end := e.Pos.Start, e.Pos.End // where the form of e is now
	for _, d := range x.Edits {
		more := int32(len(d.Text)) - (d.Pos.End - d.Pos.Start)
		if d.Pos.Start < e.Pos.Start {
			start += more
		}
		if d.Pos.Start <= e.Pos.End {
			end += more
		}
	}
	old := map[string]int{}
	for _, y := range before.Errors() {
		old[y.Code+y.What]++
	}
	for _, y := range errs {
		if old[y.Code+y.What]--; old[y.Code+y.What] >= 0 && !(y.Code == e.Code && y.What == e.What) {
			continue // as before
		}
		inside := start <= y.Pos.Start && y.Pos.End <= end
		if !hides[y.Code] || y.Pos.Start < start || y.Code == e.Code && inside {
			return false
		}
	}
	return true
}
