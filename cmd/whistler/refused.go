package main

import (
	"fmt"
	"sort"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// refused is a refusal of the verifier as a diagnostic: at the form, in the
// words of the language, with what is known of the way there. src is nil for
// objects.
func refused(r *load.Refusal, src *whistler.Object, verbose bool) *source.Error {
	reason := r.Reason
	if reason == "" {
		reason = r.Err.Error()
	}
	e := &source.Error{What: fmt.Sprintf("the kernel's verifier refuses `%s`: %s", r.Program, reason), Code: "verifier"}
	if c := r.Cause; c != nil {
		if c.What != "" {
			e.What = fmt.Sprintf("the kernel's verifier refuses `%s`: %s (%s)", r.Program, c.What, reason)
		}
		e.Expected, e.Hint = c.Expected, c.Hint
	} else if r.Suggestion != "" { // the kernel's own
		e.Expected = r.Suggestion
	}
	if src != nil {
		if e.Pos = insnPos(src, r.Program, r.Insn, r.File, r.Line); !e.Pos.Known() {
			e.Pos = src.FindLine(r.File, r.Line)
		}
		if p := insnPos(src, r.Program, r.Origin, "", 0); p.Known() && p != e.Pos {
			e.WithNote(p, "the value is made here")
		}
		said := map[source.Pos]bool{e.Pos: true}
		for _, b := range r.Branches {
			p := insnPos(src, r.Program, b.Insn, "", 0)
			if !p.Known() || said[p] {
				continue
			}
			said[p] = true
			if len(said) > 4 {
				break
			}
			e.WithNote(p, "the way leads over this test")
		}
	}
	if !e.Pos.Known() && r.Line > 0 {
		e.What = fmt.Sprintf("%s:%d: %s", r.File, r.Line, e.What)
	}
	if e.Hint == "" && !verbose {
		e.Hint = "-v shows the verifier's whole log"
	}
	return e
}

// insnPos is the form that an instruction of a program is from. Functions
// stand behind the program in the order in which the loader put them, which
// is not known here: for their instructions it is unknown. Where the log
// names a line it must be that.
func insnPos(src *whistler.Object, program string, insn int, file string, line int) (pos source.Pos) {
	for _, p := range src.Result().Programs {
		if p.Name != program || insn < 0 || insn >= len(p.Insns) {
			continue
		}
		i := sort.Search(len(p.Lines), func(i int) bool { return p.Lines[i].Slot > insn })
		if i == 0 {
			return pos
		}
		pos = p.Lines[i-1].Pos
		if n, _ := pos.LineCol(); line > 0 && n != line {
			return source.Pos{}
		}
	}
	return pos
}
