package fix

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/ir/facts"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Mistake is what is to be mended.
type Mistake struct {
	Error   *source.Error
	Finding *facts.Finding // nil where the language found it
	Pass    string         // the verdict of the program's type that lets a packet pass; "" where there is none
}

// A Proposal is a fix that may be right. Of those with one Group, the others
// are out as soon as the language refuses one: they differ in a number only.
type Proposal struct {
	source.Fix
	Group int
}

// proposals for one mistake, the best first.
type proposals struct {
	Mistake
	root   *node
	n      *node // the form of the mistake, or what setf or incf changes there
	out    []Proposal
	groups int
}

func (p *proposals) add(title string, edits ...source.Edit) {
	p.out = append(p.out, Proposal{source.Fix{Title: title, Edits: edits}, 0})
}

// number adds a proposal of the last group that was begun.
func (p *proposals) number(title string, edits ...source.Edit) {
	p.add(title, edits...)
	p.out[len(p.out)-1].Group = p.groups
}

// byKind is what is proposed for what the analysis finds.
var byKind = map[facts.Kind]func(p *proposals){
	facts.NullDereference:   nullPointer,
	facts.NullArithmetic:    nullPointer,
	facts.PacketBounds:      packetBounds,
	facts.StalePointer:      stalePointer,
	facts.MemoryBounds:      memoryBounds,
	facts.StackBounds:       memoryBounds,
	facts.PointerOffset:     pointerOffset,
	facts.PointerArithmetic: pointerArithmetic,
	facts.Misaligned:        misaligned,
	facts.SizeArgument:      sizeArgument,
	facts.ContextArgument:   contextArgument,
	facts.PacketArgument:    packetArgument,
	facts.AtomicPacket:      atomicPacket,
	facts.ResultRange:       resultRange,
	facts.MapDirection:      mapDirection,
	facts.ReferenceLeak:     referenceLeak,
	facts.UseAfterRelease:   useAfterRelease,
	facts.DynptrUnset:       dynptrUnset,
	facts.LockHeld:          lockHeld,
	facts.LockCall:          lockCall,
	facts.LockFree:          lockFree,
	facts.TimerMap:          timerMap,
}

// byCode is what is proposed for what the language finds.
var byCode = map[string]func(p *proposals){
	"unused-variable": unusedVariable,
	"unreachable":     removed,
	"duplicate-key":   duplicateKey,
	"helper-license":  licence,
	"mixed-signs":     mixedSigns,
}

// Propose lists edits that may mend m, the best first. Nothing is proposed for
// what a macro has made.
func Propose(m Mistake) []Proposal {
	e := m.Error
	if !e.Pos.Known() || len(e.Expansion) > 0 && m.Finding == nil && e.Meant == "" {
		return nil
	}
	p := &proposals{Mistake: m}
	if e.Meant != "" {
		if text := e.Pos.Text(); text != "" && !strings.ContainsAny(text, " \n()\"'") {
			p.add(fmt.Sprintf("write `%s`", e.Meant), source.Edit{Pos: e.Pos, Text: e.Meant})
		}
		return p.out
	}
	f := byCode[e.Code]
	if m.Finding != nil {
		f = byKind[m.Finding.Kind]
	}
	if f == nil {
		return nil
	}
	p.root = read(e.Pos.File)
	if p.n = p.root.find(e.Pos); p.n == nil || p.n.made() {
		return nil
	}
	if u := p.n.up; p.n.index == 1 && u.is("SETF", "INCF", "DECF") {
		p.n = u
	}
	f(p)
	return p.out
}

// otherwise is what stands for a value that cannot be had.
func (p *proposals) otherwise(n *node) string {
	if n.result() && p.Pass != "" {
		return p.Pass
	}
	return "0"
}

// guard adds that n is evaluated only where test holds.
func (p *proposals) guard(title string, n *node, test string) {
	if n.statement() {
		p.add(title, wrap(n, "(when "+test+" ", ")")...)
	} else {
		p.add(title, wrap(n, "(if "+test+" ", " "+p.otherwise(n)+")")...)
	}
}

// guarded is guard at the form of the mistake.
func (p *proposals) guarded(title, test string) { p.guard(title, p.n, test) }

// variables lists those that stand in n, the first first.
func variables(n *node) (out []binding) {
	seen := map[string]bool{}
	for _, b := range n.scope() {
		if b.name.sym != "" && !seen[b.name.sym] && n.mentions(b.name.sym) {
			seen[b.name.sym] = true
			out = append(out, b)
		}
	}
	return out
}

// pointers lists the variables of the form that may be the pointer of the
// finding: those that its origin is bound to, then the others.
func (p *proposals) pointers() (out []binding) {
	vars := variables(p.n)
	for _, b := range vars {
		if b.value.holds(p.Finding.Origin) {
			out = append(out, b)
		}
	}
	for _, b := range vars {
		if !b.value.holds(p.Finding.Origin) {
			out = append(out, b)
		}
	}
	return out
}

// nullPointer puts the form behind a test of the pointer.
func nullPointer(p *proposals) {
	x := p.Finding
	if x.Null && len(x.Way) > 0 { // a test is the wrong way round
		turn(p, p.root.find(x.Way[len(x.Way)-1].Pos))
	}
	for _, b := range p.pointers() {
		p.guarded(fmt.Sprintf("test `%s` first", b.name.text()), b.name.text())
	}
	p.n.each(func(k *node) {
		if !k.list || k == p.n || k.up.is("LET", "LET*") || k.head() == "" {
			return
		}
		if x.Origin.Known() && p.n.holds(x.Origin) && k.pos != x.Origin {
			return
		}
		name := p.n.free("p")
		form, rest := "(if-let", " "+p.otherwise(p.n)+")"
		if p.n.statement() {
			form, rest = "(when-let", ")"
		}
		edits := wrap(p.n, fmt.Sprintf("%s ((%s %s)) ", form, name, k.text()), rest)
		p.add("test the pointer first", append(edits, replace(k, name))...)
	})
}

// turn proposes the opposite of the test that the branch at t takes.
func turn(p *proposals, t *node) {
	const title = "turn the test round"
	if t == nil {
		return
	}
	if !t.is("WHEN", "UNLESS") {
		for t.up.is("NOT") {
			t = t.up
		}
		if t = t.up; !t.is("WHEN", "UNLESS") {
			return
		}
	}
	switch test := t.kid(1); {
	case test == nil || len(t.kids) < 3:
	case test.is("NOT") && len(test.kids) == 2:
		p.add(title, replace(test, test.kids[1].text()))
	case t.is("WHEN"):
		p.add(title, replace(t.kids[0], "unless"))
	default:
		p.add(title, replace(t.kids[0], "when"))
	}
}

// ends lists what the end of the packet is called at n, and what its start is.
func ends(n *node, field string) (out []string) {
	for _, b := range n.scope() {
		with := strings.HasPrefix(b.form.head(), "WITH-") && b.form.kid(1) == b.name.up
		switch {
		case with && (field == "data" && b.name.index == 0 || field == "data-end" && b.name.index == 1),
			b.value != nil && strings.EqualFold(b.value.text(), "(ctx "+field+")"):
			out = append(out, b.name.text())
		}
	}
	return append(out, "(ctx "+field+")")
}

// packetBounds proves more of the packet: with the test that governs, or with one of its own.
func packetBounds(p *proposals) {
	x, n := p.Finding, p.n
	if x.Needed <= 0 || x.Variable && x.Far {
		if x.Variable {
			p.masks(n, 0x7fff)
		}
		return
	}
	need := fmt.Sprint(x.Needed)
	if !x.Variable {
		for w := n.up; w != nil; w = w.up {
			if !w.is("WITH-PACKET", "WITH-TC-PACKET") || w.kid(1) == nil {
				continue
			}
			args := w.kids[1]
			for i, k := range args.kids {
				if (k.sym == ":MIN-LEN" || k.sym == ":MIN-SIZE") && i+1 < len(args.kids) {
					p.add(fmt.Sprintf("ask for %s bytes", need), replace(args.kids[i+1], need))
				}
			}
		}
		n.top().each(func(k *node) {
			if !k.is("<", "<=", ">", ">=") || k.pos.Start > n.pos.Start {
				return
			}
			k.each(func(c *node) {
				if c.isNum && c.up.is("+") && c.num < x.Needed && x.Needed-c.num < 4096 && (c.num == x.Proven || c.num == x.Proven-1) {
					p.add(fmt.Sprintf("compare %s bytes", need), replace(c, need))
				}
			})
		})
	}
	title := "compare with the end of the packet first"
	for _, end := range ends(n, "data-end") {
		if !x.Variable {
			for _, start := range ends(n, "data") {
				p.guarded(title, fmt.Sprintf("(<= (+ %s %s) %s)", start, need, end))
			}
		} else {
			for _, b := range variables(n) {
				p.guarded(title, fmt.Sprintf("(<= (+ %s %s) %s)", b.name.text(), need, end))
			}
			n.each(func(k *node) {
				if k.is("+") && k != n {
					name := n.free("q")
					edits := wrap(n, fmt.Sprintf("(let ((%s %s)) (if (<= (+ %s %s) %s) ", name, k.text(), name, need, end), " "+p.otherwise(n)+"))")
					p.add(title, append(edits, replace(k, name))...)
				}
			})
		}
	}
}

// stalePointer reads the pointers again.
func stalePointer(p *proposals) {
	n := p.n
	for w := n.up; w != nil && w.up != nil; w = w.up {
		if !strings.HasPrefix(w.head(), "WITH-") || w.kid(1) == nil || len(w.kids[1].kids) < 2 {
			continue
		}
		p.add("read the pointers again", wrap(n, fmt.Sprintf("(%s %s ", w.kids[0].text(), w.kids[1].text()), ")")...)
	}
}
