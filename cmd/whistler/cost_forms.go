package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/cilium/ebpf"
)

// Columns of what is counted by form.
const (
	slotsColumn     = iota // instructions of 8 bytes
	processedColumn        // instructions that the verifier processed
	executedColumn         // instructions executed in one run
	columns
)

var columnNames = [columns]string{"slots", "processed", "executed"}

type counts [columns]int

// A costed is a program with what it costs, in all and by form.
type costed struct {
	name, section string
	total         counts
	has           [columns]bool
	stack         int  // bytes, -1 where nobody says
	stackSeen     bool // by the verifier, whose kernel may add to what the compiler needs
	walked        int  // about what the verifier will process, where no kernel says; 0 if that is not known
	ns, emptyNs   int  // of a run, and of a run of an empty program of the type; -1 where there are none
	forms         []*costForm
	at            []*costForm // the form of each slot
}

// A costForm is the place that line records give to some slots, which need
// not be together.
type costForm struct {
	file      string // "" where no record says
	line, col int
	text      string
	n         counts
}

func (f *costForm) place() string {
	if f.file == "" {
		return "-"
	}
	return fmt.Sprintf("%s:%d:%d", f.file, f.line, f.col)
}

// formsOf counts a program's slots by form.
func formsOf(s *ebpf.ProgramSpec) *costed {
	p := &costed{name: s.Name, section: s.SectionName, stack: -1, ns: -1, emptyNs: -1}
	type place struct {
		file      string
		line, col uint32
	}
	forms := map[place]*costForm{}
	files := map[string]int{"": -1} // in the order in which the code names them
	var here place
	var text string
	for _, ins := range s.Instructions {
		if l, ok := ins.Source().(interface {
			FileName() string
			LineNumber() uint32
			LineColumn() uint32
			Line() string
		}); ok && l.LineNumber() > 0 {
			here, text = place{l.FileName(), l.LineNumber(), l.LineColumn()}, l.Line()
		}
		f := forms[here]
		if f == nil {
			f = &costForm{here.file, int(here.line), int(here.col), formText(here.file, text, int(here.col)), counts{}}
			if here.file == "" {
				f.text = "(no line record)"
			}
			forms[here] = f
			p.forms = append(p.forms, f)
			if _, ok := files[here.file]; !ok {
				files[here.file] = len(files)
			}
		}
		for range ins.Size() / 8 {
			p.at = append(p.at, f)
			p.count(slotsColumn, len(p.at)-1)
		}
	}
	p.has[slotsColumn] = true
	slices.SortStableFunc(p.forms, func(a, b *costForm) int {
		return cmp.Or(files[a.file]-files[b.file], a.line-b.line, a.col-b.col)
	})
	return p
}

// count adds one to a column of the form of a slot, and to the program's. It
// is false if the program has no such slot.
func (p *costed) count(column, slot int) bool {
	if slot < 0 || slot >= len(p.at) {
		return false
	}
	p.total[column]++
	p.at[slot].n[column]++
	return true
}

// drop takes back a column that cannot be had by form.
func (p *costed) drop(column int) {
	p.has[column] = false
	p.total[column] = 0
	for _, f := range p.forms {
		f.n[column] = 0
	}
}

// formText is what stands in a line from a column on: in Lisp a form up to its
// last parenthesis, or an atom; in other languages the rest.
//
//	"  (incf (getmap m 0))) ; one more", 3  =>  "(incf (getmap m 0))"
func formText(file, line string, col int) string {
	all := []rune(line)
	text := all[min(max(col-1, 0), len(all)):]
	depth, quoted := 0, false
	for i, r := range text {
		switch {
		case path.Ext(file) != ".lisp" && file != "<stdin>":
		case r == '"' && (i == 0 || text[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case depth == 0 && (r == ')' || unicode.IsSpace(r)):
			return string(text[:i])
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth == 0 {
				return string(text[:i+1])
			}
		}
	}
	return strings.TrimSpace(string(text))
}

// shortened is a text for a column of a table.
func shortened(text string) string {
	const most = 56
	if r := []rune(text); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return text
}
