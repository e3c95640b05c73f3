package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A costChange is a form in two objects; one of them may not have it.
type costChange struct{ old, new *costForm }

// form is the one to show: the new one if there is one.
func (c costChange) form() *costForm {
	if c.new != nil {
		return c.new
	}
	return c.old
}

// by is how much each column grew.
func (c costChange) by() (n counts) {
	for i := range columns {
		if c.new != nil {
			n[i] += c.new.n[i]
		}
		if c.old != nil {
			n[i] -= c.old.n[i]
		}
	}
	return n
}

// changes pairs forms of the same text: those at the same place first, the
// others as they stand.
func changes(old, forms []*costForm) (out []costChange) {
	left := map[string][]*costForm{} // old ones by their text
	for _, f := range old {
		left[f.text] = append(left[f.text], f)
	}
	out = make([]costChange, len(forms))
	for _, same := range []func(a, b *costForm) bool{
		func(a, b *costForm) bool { return a.place() == b.place() },
		func(a, b *costForm) bool { return true },
	} {
		for i, f := range forms {
			all := left[f.text]
			at := slices.IndexFunc(all, func(o *costForm) bool { return out[i].old == nil && same(o, f) })
			out[i].new = f
			if at >= 0 {
				out[i].old = all[at]
				left[f.text] = slices.Delete(all, at, at+1)
			}
		}
	}
	for _, f := range old {
		if slices.Contains(left[f.text], f) {
			out = append(out, costChange{old: f})
		}
	}
	return out
}

// diff shows what became of each program.
func (c *costCmd) diff(a *app, old, progs []*costed) error {
	find := func(list []*costed, name string) *costed {
		for _, p := range list {
			if p.name == name {
				return p
			}
		}
		return &costed{name: name, stack: -1}
	}
	var grown []string
	for _, p := range progs {
		o := find(old, p.name)
		c.program(a, o, p)
		if n := p.total[slotsColumn] - o.total[slotsColumn]; n > 0 && o.has[slotsColumn] {
			grown = append(grown, fmt.Sprintf("%s by %d slots", p.name, n))
		}
	}
	for _, o := range old {
		if p := find(progs, o.name); !p.has[slotsColumn] {
			c.program(a, o, p)
		}
	}
	if c.FailOnGrowth && len(grown) > 0 {
		return fmt.Errorf("growth: %s", strings.Join(grown, ", "))
	}
	return nil
}

// program shows what became of one, of which old or p may have nothing.
func (c *costCmd) program(a *app, old, p *costed) {
	if !old.has[slotsColumn] || !p.has[slotsColumn] {
		what, one := "new", p
		if !p.has[slotsColumn] {
			what, one = "gone", old
		}
		if c.JSON {
			a.line(map[string]any{"program": p.name, "what": what, "slots": one.total[slotsColumn]})
			return
		}
		fmt.Fprintf(a.out, "%s: %s, %d slots\n", p.name, what, one.total[slotsColumn])
		return
	}
	var shown []costChange
	var columnsShown []int // that both have by form
	for i := range columns {
		if old.has[i] && p.has[i] {
			columnsShown = append(columnsShown, i)
		}
	}
	for _, x := range changes(old.forms, p.forms) {
		if by := x.by(); slices.ContainsFunc(columnsShown, func(i int) bool { return by[i] != 0 }) {
			shown = append(shown, x)
		}
	}
	if column, ok := sortColumns[c.Sort]; ok {
		slices.SortStableFunc(shown, func(x, y costChange) int { return cmp.Compare(y.by()[column], x.by()[column]) })
	}
	if c.JSON {
		a.line(diffJSON(old, p, shown, columnsShown))
		return
	}
	var all []string
	for _, t := range totals(old, p) {
		if t.old == t.new {
			all = append(all, fmt.Sprintf("%d %s", t.new, t.words))
		} else {
			all = append(all, fmt.Sprintf("%d -> %d %s (%+d)", t.old, t.new, t.words, t.new-t.old))
		}
	}
	fmt.Fprintf(a.out, "%s: %s\n", p.name, strings.Join(all, ", "))
	if len(shown) == 0 {
		return
	}
	rows := [][]string{nil}
	for _, i := range columnsShown {
		rows[0] = append(rows[0], strings.ToUpper(columnNames[i]))
	}
	rows[0] = append(rows[0], "PLACE", "FORM")
	for _, x := range shown {
		var row []string
		for _, i := range columnsShown {
			row = append(row, signed(x.by()[i]))
		}
		text := shortened(x.form().text)
		switch {
		case x.old == nil:
			text += "  (new)"
		case x.new == nil:
			text += "  (gone)"
		}
		rows = append(rows, append(row, x.form().place(), text))
	}
	table(a, rows)
}

func signed(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%+d", n)
}

// A costTotal is a number of a program that both objects tell.
type costTotal struct {
	name, words string
	old, new    int
}

func totals(old, p *costed) (out []costTotal) {
	for i, name := range columnNames {
		if o, n := old.total[i], p.total[i]; o > 0 && n > 0 {
			out = append(out, costTotal{name, name, o, n})
		}
	}
	if old.stack >= 0 && p.stack >= 0 && old.stackSeen == p.stackSeen {
		out = append(out, costTotal{"stack", "bytes of stack", old.stack, p.stack})
	}
	return out
}

// diffJSON has numbers as {"old": n, "new": n}.
func diffJSON(old, p *costed, shown []costChange, columnsShown []int) map[string]any {
	both := func(o, n int) map[string]int { return map[string]int{"old": o, "new": n} }
	forms := []map[string]any{}
	for _, x := range shown {
		f := x.form()
		j := map[string]any{"text": f.text}
		if f.file != "" {
			j["file"], j["line"], j["column"] = f.file, f.line, f.col
		}
		for _, i := range columnsShown {
			var o, n int
			if x.old != nil {
				o = x.old.n[i]
			}
			if x.new != nil {
				n = x.new.n[i]
			}
			j[columnNames[i]] = both(o, n)
		}
		forms = append(forms, j)
	}
	out := map[string]any{"program": p.name, "forms": forms}
	for _, t := range totals(old, p) {
		out[t.name] = both(t.old, t.new)
	}
	return out
}
