package fix

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/source"
)

func contextArgument(p *proposals) {
	for i := 1; i < len(p.n.kids); i++ {
		if k := p.n.kids[i]; k.is("+", "-") && k.kid(1).is("CTX-PTR") {
			p.add("the context itself", replace(k, "(ctx-ptr)"))
		}
	}
}

// packetArgument copies the bytes for a helper that takes no packet.
func packetArgument(p *proposals) {
	n := p.n
	for _, size := range n.kids {
		if !size.isNum || size.num <= 0 || size.num > 256 {
			continue
		}
		for _, b := range variables(n) {
			n.each(func(k *node) {
				if k.sym == b.name.sym && k.up == n {
					name := n.free("bytes")
					edits := wrap(n, fmt.Sprintf("(let ((%s (struct-alloc %d))) (memcpy %s 0 %s 0 %d) ", name, size.num, name, k.text(), size.num), ")")
					p.add("copy the bytes first", append(edits, replace(k, name))...)
				}
			})
		}
	}
}

// atomicPacket does without the atomic operation: a packet belongs to one program at a time.
func atomicPacket(p *proposals) {
	n := p.n
	if !n.is("ATOMIC-ADD") || len(n.kids) < 4 {
		return
	}
	typ := "u64"
	if len(n.kids) > 4 {
		typ = n.kids[4].text()
	}
	at := n.kids[1].text() + " " + n.kids[2].text()
	p.add("load, add, store", replace(n, fmt.Sprintf("(store %s %s (+ (load %s %s) %s))", typ, at, typ, at, n.kids[3].text())))
}

// mapDirection takes out the flag of the map.
func mapDirection(p *proposals) {
	for _, d := range p.root.kids {
		if !d.is("DEFMAP") || d.kid(1) == nil || !strings.EqualFold(d.kids[1].text(), p.Finding.By) {
			continue
		}
		for i, k := range d.kids {
			if k.sym == ":MAP-FLAGS" && i+1 < len(d.kids) && strings.HasPrefix(d.kids[i+1].sym, "BPF_F_") {
				e := remove(k)
				e.Pos.End = d.kids[i+1].pos.End
				p.add("leave the flag out", e)
			}
		}
	}
}

// timerMap names the map that the timer is in.
func timerMap(p *proposals) {
	p.n.each(func(k *node) {
		if strings.EqualFold(k.sym, p.Finding.To) {
			p.add(fmt.Sprintf("write `%s`", p.Finding.By), replace(k, p.Finding.By))
		}
	})
}

// release is the form that gives back what by gave, or "".
func release(by, name string) string {
	switch {
	case by == "ringbuf-reserve-dynptr":
		return "(ringbuf-discard-dynptr " + name + " 0)"
	case strings.HasPrefix(by, "ringbuf"):
		return "(ringbuf-discard " + name + " 0)"
	case strings.HasPrefix(by, "bpf-"):
		return "(" + strings.TrimSuffix(by, "-acquire") + "-release " + name + ")"
	}
	return "(sk-release " + name + ")"
}

// referenceLeak gives back on the way that lacks it.
func referenceLeak(p *proposals) {
	x, n := p.Finding, p.n
	const title = "give it back"
	if x.By == "ringbuf-reserve-dynptr" && len(n.kids) > 0 {
		name := n.kids[len(n.kids)-1].text()
		p.leave(title, n, release(x.By, name), nil)
		if u := n.up; u.up.is("WHEN") && u.index == 1 && len(u.up.kids) == 3 { // where it has failed as well
			p.add(title, replace(u.up.kids[0], "if"), behind(u.up.kids[2], " "+release(x.By, name)))
		}
		return
	}
	b := n.up // the binding
	vars := b.up
	if !b.list || len(b.kids) < 2 || b.kids[0].sym == "" || vars == nil || !vars.up.is("LET", "LET*", "WHEN-LET", "WHEN-LET*", "IF-LET") {
		if n.statement() {
			name := n.free("r")
			p.add(title, wrap(n, fmt.Sprintf("(when-let ((%s ", name), fmt.Sprintf(")) %s)", release(x.By, name)))...)
		}
		return
	}
	name, free := b.kids[0].text(), release(x.By, b.kids[0].text())
	p.leave(title, vars.up, free, b.kids[0])
	p.leave(title, vars.up, fmt.Sprintf("(when %s %s)", name, free), b.kids[0])
}

// leave puts the form free before the end of the program that the finding names,
// or at the end of the form in which it was taken. of is the variable, if there is one.
func (p *proposals) leave(title string, taken *node, free string, of *node) {
	x := p.Finding
	if end := p.root.find(x.Origin); end != nil && (end.is("RETURN") || x.To != "") {
		u := end.up
		if b := u.body(); b > 0 && end.index >= b {
			p.add(title, line(end, free))
		} else {
			p.add(title, wrap(end, "(progn "+free+" ", ")")...)
		}
	}
	if of == nil {
		for taken.up != nil && (taken.up.body() == 0 || taken.index < taken.up.body()) {
			taken = taken.up
		}
		if u := taken.up; u != nil {
			p.atEnd(title, u, free)
		}
		return
	}
	for _, k := range taken.kids[2:] { // in the form that tests it
		if k.is("WHEN") && len(k.kids) > 2 && k.kids[1].sym == of.sym {
			p.add(title, behind(k.kids[len(k.kids)-1], " "+free))
		}
	}
	p.atEnd(title, taken, free)
}

// atEnd puts free at the end of form's body: behind the last form where that is
// a statement, else before it.
func (p *proposals) atEnd(title string, form *node, free string) {
	last := form.kids[len(form.kids)-1]
	if last.statement() {
		p.add(title, behind(last, " "+free))
	}
	p.add(title, line(last, free))
	if form.is("WHEN-LET", "WHEN-LET*", "LET", "LET*") {
		p.add(title, wrap(last, "(prog1 ", " "+free+")")...)
	}
}

// useAfterRelease takes out what is released twice, or uses it before.
func useAfterRelease(p *proposals) {
	n := p.n
	freed := p.root.find(p.Finding.Origin)
	if freed == nil || !n.statement() {
		p.before(freed)
		return
	}
	if strings.Contains(n.head(), "RELEASE") || strings.Contains(n.head(), "SUBMIT") || strings.Contains(n.head(), "DISCARD") {
		if u := freed.up; u.is("WHEN") && freed.index >= 2 && u.up == n.up && u.index+1 == n.index { // on one of two ways
			body := u.pos.File.Text[u.kids[2].pos.Start:u.kids[len(u.kids)-1].pos.End]
			if len(u.kids) > 3 {
				body = "(progn " + body + ")"
			}
			p.add("give it back on one of the ways each", replace(u, fmt.Sprintf("(if %s %s %s)", u.kids[1].text(), body, n.text())), remove(n))
		}
		p.add("give it back once", remove(n))
	}
	p.before(freed)
}

// before moves the form of the mistake before the release.
func (p *proposals) before(freed *node) {
	n := p.n
	if freed == nil {
		return
	}
	for n.up != nil && n.up != freed.up {
		n = n.up
	}
	if n.up == nil || !n.statement() || !before(freed, n) {
		return
	}
	p.add("use it before it is given back", line(freed, n.text()), remove(n))
}

// dynptrUnset uses a dynptr before it is given back, or not twice.
func dynptrUnset(p *proposals) {
	n := p.n
	if n.is("WITH-DYNPTR") {
		n.each(func(k *node) {
			if k.is("RINGBUF-SUBMIT-DYNPTR", "RINGBUF-DISCARD-DYNPTR") {
				if len(k.up.kids) > 3 {
					p.add("the form gives it back", remove(k))
				}
				p.add("the form gives it back", replace(k, "0"))
			}
		})
		return
	}
	if n.is("RINGBUF-SUBMIT-DYNPTR", "RINGBUF-DISCARD-DYNPTR") && n.statement() {
		p.add("give it back once", remove(n))
	}
	n.top().each(func(k *node) {
		if k.is("RINGBUF-SUBMIT-DYNPTR", "RINGBUF-DISCARD-DYNPTR") && before(k, n) {
			p.before(k)
		}
	})
}

// lockHeld lets the lock go on the way that lacks it.
func lockHeld(p *proposals) {
	if !p.n.is("SPIN-LOCK") || len(p.n.kids) < 2 {
		return
	}
	free := "(spin-unlock " + p.n.kids[1].text() + ")"
	for _, k := range p.n.up.kids { // which leaves as well, and is a call
		if k.is("TAIL-CALL") && before(p.n, k) {
			p.add("let the lock go", line(k, free))
		}
	}
	p.leave("let the lock go", p.n, free, nil)
}

// lockCall calls before the lock is taken.
func lockCall(p *proposals) {
	n := p.n
	held := p.root.find(p.Finding.Origin)
	for held != nil && !held.is("WITH-SPIN-LOCK", "SPIN-LOCK") {
		held = held.up
	}
	switch {
	case held == nil:
	case n.is("TAIL-CALL", "SETF", "INCF"):
		if held.is("SPIN-LOCK") && len(held.kids) > 1 {
			p.add("let the lock go before", line(n, "(spin-unlock "+held.kids[1].text()+")"))
		}
	default:
		at := held
		if b := n.up; b.list && b.up.up.is("WHEN-LET", "LET") && held.holds(b.pos) && b.kids[0].sym != "" && len(b.up.kids) == 1 && len(held.kids) == 3 && b.up.up.up == held { // a binding of its own
			form := b.up.up
			rest := form.pos.File.Text[b.up.pos.End : form.pos.End-1]
			head := held.pos.File.Text[held.pos.Start:held.kids[1].pos.End]
			p.add("call it before the lock is taken", replace(held, fmt.Sprintf("(%s %s %s%s))", form.kids[0].text(), b.up.text(), head, rest)))
		}
		name := n.free("now")
		edits := wrap(at, fmt.Sprintf("(let ((%s %s)) ", name, n.text()), ")")
		p.add("call it before the lock is taken", append(edits, replace(n, name))...)
	}
}

// lockFree takes out what lets a lock go that is not held, or names the one that is.
func lockFree(p *proposals) {
	if held := p.root.find(p.Finding.Origin); held != nil && held.is("SPIN-LOCK") && len(held.kids) > 1 && p.n.is("SPIN-UNLOCK") && len(p.n.kids) > 1 {
		p.add("let the lock go that is held", replace(p.n.kids[1], held.kids[1].text()))
	}
	p.n.each(func(k *node) {
		if k.is("SPIN-UNLOCK") {
			if u := k.up; u.is("WHEN") && len(u.kids) == 3 && u.statement() {
				p.add("leave it out", remove(u))
			}
			p.add("leave it out", remove(k))
		}
	})
}

// unusedVariable says that it is meant so.
func unusedVariable(p *proposals) {
	n := p.n // the name, or the binding
	if n.list && len(n.kids) > 0 {
		n = n.kids[0]
	}
	for form := n.up; form != nil; form = form.up {
		if b := form.body(); b == 2 && len(form.kids) > 2 {
			p.add("say that it is meant so", line(form.kids[2], fmt.Sprintf("(declare (ignore %s))", n.text())))
			return
		}
	}
}

func removed(p *proposals) { p.add("take it out", remove(p.n)) }

// duplicateKey takes out the key, or its clause if it is the only one.
func duplicateKey(p *proposals) {
	if p.n.up.up.is("CASE", "ECASE") {
		p.add("take the clause out", remove(p.n.up))
		return
	}
	p.add("take the key out", remove(p.n))
}

// licence gives the program one that the kernel wants.
func licence(p *proposals) {
	d := p.n.top()
	if !d.is("DEFPROG") || d.kid(2) == nil {
		return
	}
	o := d.kids[2]
	for i, k := range o.kids {
		if k.sym == ":LICENSE" && i+1 < len(o.kids) {
			p.add("a licence that the kernel wants", replace(o.kids[i+1], `"GPL"`))
			return
		}
	}
	text := `:license "GPL"`
	if len(o.kids) > 0 {
		text = " " + text
	}
	p.add("a licence that the kernel wants", insert(o.pos.File, o.pos.End-1, text))
}

// mixedSigns compares as signed.
func mixedSigns(p *proposals) {
	if p.n.is("<", "<=", ">", ">=") {
		p.add("compare as signed", source.Edit{Pos: p.n.kids[0].pos, Text: "s" + p.n.kids[0].text()})
	}
}
