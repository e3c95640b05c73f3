package user

import (
	"fmt"
	"html"
	"slices"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/prelude"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Coverage counts how often the forms of programs are evaluated. It looks
// at functions as they are lowered, where every form of the source is still
// there.
type Coverage struct {
	funcs  map[string]*ir.Func
	forms  map[source.Pos]*formCount
	values map[*ir.Value]*valueCount
	ends   map[*ir.Block]*branchCount
}

type formCount struct {
	pos    source.Pos
	values []*valueCount
	n      int            // how often it was evaluated: the most that one of its values was
	arm    []*branchCount // branches of this form, in the order of the code
}

// A valueCount is how often a value was computed, or a block left by it.
type valueCount struct {
	form *formCount
	n    int
}

type branchCount struct{ taken [2]int }

// NewCoverage prepares counting for functions, which are lowered and not yet
// improved, by their names.
func NewCoverage(funcs map[string]*ir.Func) *Coverage {
	c := &Coverage{funcs: funcs, forms: map[source.Pos]*formCount{}, values: map[*ir.Value]*valueCount{}, ends: map[*ir.Block]*branchCount{}}
	names := make([]string, 0, len(funcs))
	for name := range funcs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f := funcs[name]
		for _, b := range reachable(f) {
			for _, v := range b.Values {
				c.add(v)
			}
			c.add(b.Term)
			if v := c.values[b.Term]; v != nil && b.Term.Op == ir.OpBr {
				e := &branchCount{}
				v.form.arm = append(v.form.arm, e)
				c.ends[b] = e
			}
		}
	}
	return c
}

func reachable(f *ir.Func) (out []*ir.Block) {
	seen := map[*ir.Block]bool{}
	var walk func(b *ir.Block)
	walk = func(b *ir.Block) {
		if seen[b] {
			return
		}
		seen[b] = true
		for _, e := range b.Succs {
			walk(e.To)
		}
	}
	walk(f.Blocks[0])
	for _, b := range f.Blocks {
		if seen[b] {
			out = append(out, b)
		}
	}
	return out
}

// add makes v's form one of those that count: it must be in the user's
// source.
func (c *Coverage) add(v *ir.Value) {
	if v == nil || !v.Pos.Known() || prelude.IsPrelude(v.Pos.File) {
		return
	}
	f := c.forms[v.Pos]
	if f == nil {
		f = &formCount{pos: v.Pos}
		c.forms[v.Pos] = f
	}
	n := &valueCount{form: f}
	f.values = append(f.values, n)
	c.values[v] = n
}

// computed notes a value that was computed; left a block that was left.
func (c *Coverage) computed(f *ir.Func, v *ir.Value, _ uint64) {
	if x := c.values[v]; x != nil {
		x.n++
	}
}

func (c *Coverage) left(_ *ir.Func, b *ir.Block, edge int) {
	if x := c.values[b.Term]; x != nil {
		x.n++
	}
	if x := c.ends[b]; x != nil && edge >= 0 {
		x.taken[edge]++
	}
}

// A FileCoverage is the coverage of one source file.
type FileCoverage struct {
	File         *source.File
	Forms, Seen  int
	Lines        []LineCoverage
	Branches     []BranchCoverage
	NotEvaluated []source.Pos // the outermost forms that never were, in order
	spans        []*formCount
}

// A LineCoverage is how often the forms that begin on a line were evaluated:
// the least of them.
type LineCoverage struct{ Line, Count int }

// A BranchCoverage is how often a branch went each way. Line is that of its
// form, and Index tells the branches of a line apart.
type BranchCoverage struct {
	Line, Index int
	Taken       [2]int
}

// Files gives the coverage by file, in the order of their names.
func (c *Coverage) Files() (out []*FileCoverage) {
	by := map[*source.File][]*formCount{}
	for _, f := range c.forms {
		f.n = 0
		for _, v := range f.values {
			f.n = max(f.n, v.n)
		}
		by[f.pos.File] = append(by[f.pos.File], f)
	}
	for file, forms := range by {
		slices.SortFunc(forms, func(a, b *formCount) int {
			if a.pos.Start != b.pos.Start {
				return int(a.pos.Start - b.pos.Start)
			}
			return int(b.pos.End - a.pos.End) // the outer one first
		})
		fc := &FileCoverage{File: file, Forms: len(forms), spans: forms}
		lines := map[int]int{}
		end := int32(-1) // of the last form that was not evaluated
		index := map[int]int{}
		for _, f := range forms {
			line, _ := f.pos.LineCol()
			if n, ok := lines[line]; !ok || f.n < n {
				lines[line] = f.n
			}
			for _, b := range f.arm {
				fc.Branches = append(fc.Branches, BranchCoverage{line, index[line], b.taken})
				index[line]++
			}
			if f.n > 0 {
				fc.Seen++
			} else if f.pos.Start >= end {
				fc.NotEvaluated = append(fc.NotEvaluated, f.pos)
				end = f.pos.End
			}
		}
		for line, n := range lines {
			fc.Lines = append(fc.Lines, LineCoverage{line, n})
		}
		sort.Slice(fc.Lines, func(i, j int) bool { return fc.Lines[i].Line < fc.Lines[j].Line })
		out = append(out, fc)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].File.Name < out[j].File.Name })
	return out
}

// LCOV writes the coverage in the format of lcov(1), as geninfo(1) describes
// it. path gives the path of a file.
func LCOV(files []*FileCoverage, path func(*source.File) string) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "TN:\nSF:%s\n", path(f.File))
		hit := 0
		for _, x := range f.Branches {
			for arm, n := range x.Taken {
				count := fmt.Sprint(n)
				if x.Taken[0]+x.Taken[1] == 0 {
					count = "-"
				}
				if n > 0 {
					hit++
				}
				fmt.Fprintf(&b, "BRDA:%d,%d,%d,%s\n", x.Line, x.Index, arm, count)
			}
		}
		fmt.Fprintf(&b, "BRF:%d\nBRH:%d\n", 2*len(f.Branches), hit)
		hit = 0
		for _, l := range f.Lines {
			fmt.Fprintf(&b, "DA:%d,%d\n", l.Line, l.Count)
			if l.Count > 0 {
				hit++
			}
		}
		fmt.Fprintf(&b, "LF:%d\nLH:%d\nend_of_record\n", len(f.Lines), hit)
	}
	return b.String()
}

// HTML shows the sources, each form in the colour that its count has.
func HTML(files []*FileCoverage) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Coverage</title>\n<style>\n" +
		"body{font-family:sans-serif;margin:2em}pre{line-height:1.4;font-size:14px}.n{background:#fdd;color:#900}.y{color:#064}.g{color:#666}\n" +
		"td{padding-right:2em}\n</style>\n<h1>Coverage</h1>\n<table>\n")
	for i, f := range files {
		fmt.Fprintf(&b, "<tr><td><a href=\"#f%d\">%s</a><td>%d of %d forms<td>%.1f %%\n", i, html.EscapeString(f.File.Name), f.Seen, f.Forms, f.Percent())
	}
	b.WriteString("</table>\n")
	for i, f := range files {
		fmt.Fprintf(&b, "<h2 id=\"f%d\">%s</h2>\n<pre>", i, html.EscapeString(f.File.Name))
		text := f.File.Text
		// The innermost form that a byte stands in decides.
		of := make([]*formCount, len(text))
		for _, s := range f.spans {
			for j := s.pos.Start; j < s.pos.End && int(j) < len(of); j++ {
				of[j] = s
			}
		}
		for j := 0; j < len(text); {
			k := j
			for k < len(text) && of[k] == of[j] {
				k++
			}
			piece := html.EscapeString(text[j:k])
			switch s := of[j]; {
			case s == nil:
				fmt.Fprintf(&b, "<span class=\"g\">%s</span>", piece)
			case s.n == 0:
				fmt.Fprintf(&b, "<span class=\"n\" title=\"never\">%s</span>", piece)
			default:
				fmt.Fprintf(&b, "<span class=\"y\" title=\"%d times\">%s</span>", s.n, piece)
			}
			j = k
		}
		b.WriteString("</pre>\n")
	}
	b.WriteString("</html>\n")
	return b.String()
}

// Percent is the share of forms that were evaluated.
func (f *FileCoverage) Percent() float64 {
	if f.Forms == 0 {
		return 100
	}
	return 100 * float64(f.Seen) / float64(f.Forms)
}

// Cover makes the suite count into c; its programs run as they are lowered.
func (s *Suite) Cover(c *Coverage) { s.cover = c }
