package fix

import (
	"fmt"
	"math/bits"

	"github.com/whistler-lang/whistler/internal/source"
)

// operands lists what in n may be a number: variables of numbers and calls.
func operands(n *node) (out []*node) {
	vars := map[string]bool{}
	for _, b := range n.scope() {
		vars[b.name.sym] = true
	}
	n.each(func(k *node) {
		if k == n || k.up == nil {
			return
		}
		if k.list && k.head() != "" || k.sym != "" && k.index > 0 && vars[k.sym] {
			out = append(out, k)
		}
	})
	return out
}

// numeric reports whether k may be a number that is compared: what stands where
// pointers do, or is bound to what gives them, is none.
func numeric(k *node) bool {
	u := k.up
	if k.index == 1 && !u.is("*", "<<", ">>", "LOGAND", "-", "MOD", "CAST") || k.index == 2 && u.is("LOAD", "STORE") {
		return false
	}
	for _, b := range k.scope() {
		if b.name.sym == k.sym {
			return !b.pointer()
		}
	}
	return true
}

// narrower proposes smaller masks where n has some, or where its variables have.
func (p *proposals) narrower(n *node) {
	try := func(in *node) {
		in.each(func(k *node) {
			if !k.isNum || k.num < 1 || !k.up.is("LOGAND") {
				return
			}
			for m := k.num >> 1; m > 0; m >>= 1 {
				p.add(fmt.Sprintf("a mask that fits: %d", m), replace(k, fmt.Sprint(m)))
			}
		})
	}
	try(n)
	for _, b := range variables(n) {
		if b.value != nil {
			try(b.value)
		}
	}
}

// masks proposes a mask for each number of n, of at most most.
func (p *proposals) masks(n *node, most int64) {
	if most < 0 {
		return
	}
	p.narrower(n)
	for _, k := range operands(n) {
		p.mask(k, most)
	}
	for _, b := range variables(n) {
		if b.value == nil || !b.value.list {
			continue
		}
		for _, k := range append(operands(b.value), b.value) {
			p.mask(k, most)
		}
	}
}

// mask proposes masks for k, of at most most.
func (p *proposals) mask(k *node, most int64) {
	p.groups++
	for m := int64(1)<<(bits.Len64(uint64(most)+1)-1) - 1; m > 0; m >>= 1 {
		p.number(fmt.Sprintf("mask `%s`", short(k)), source.Edit{Pos: k.pos, Text: fmt.Sprintf("(logand %s %d)", k.text(), m)})
	}
}

// short is n's text for titles.
func short(n *node) string {
	if t := n.text(); len(t) <= 30 {
		return t
	}
	return "(" + n.kids[0].text() + " ...)"
}

// tests are the conditions that govern n, and the counts of loops.
func tests(n *node) (out []*node) {
	for k, u := n, n.up; u != nil && u.up != nil; k, u = u, u.up {
		if u.is("WHEN", "UNLESS", "IF", "DOTIMES", "BPF-LOOP") && k.index > 1 {
			out = append(out, u.kids[1])
		}
	}
	return out
}

// memoryBounds keeps an offset inside of its memory.
func memoryBounds(p *proposals) {
	x, n := p.Finding, p.n
	base := x.Least
	if !x.Variable || base < 0 {
		base = 0
	}
	most := x.Proven - x.Needed - base // that a variable offset may be
	if x.To != "" && !x.Variable {     // the offset is right, the size is not
		most = x.Proven - x.Least
		for _, k := range n.kids { // a size
			if left := x.Proven - x.Least; k.isNum && k.num == x.Needed && left > 0 {
				p.add(fmt.Sprintf("no more than the %d bytes that are there", left), replace(k, fmt.Sprint(left)))
			}
		}
	}
	for _, t := range tests(n) {
		if !t.up.is("DOTIMES", "BPF-LOOP") && most >= 0 {
			t.each(func(k *node) {
				if k.isNum && k.up.is("<", "<=", ">", ">=") && k.num > most {
					p.add("compare with the size", replace(k, fmt.Sprint(most)))
					p.add("compare with the size", replace(k, fmt.Sprint(most+1)))
				}
			})
		} else if k := t.kid(1); k != nil && k.isNum && !x.Variable {
			if left := k.num - (x.Least + x.Needed - x.Proven); left > 0 {
				p.add(fmt.Sprintf("%d turns", left), replace(k, fmt.Sprint(left)))
			}
		}
	}
	compare := func() {
		for _, k := range operands(n) {
			if k.sym != "" && most >= 0 && numeric(k) {
				p.guarded(fmt.Sprintf("compare `%s` first", k.text()), fmt.Sprintf("(< %s %d)", k.text(), most+1))
			}
		}
	}
	n.each(func(k *node) { // (- (+ v 8) i), where i may be too large
		if !k.is("-") || len(k.kids) != 3 || !k.kids[1].is("+") || len(k.kids[1].kids) != 3 || !k.kids[1].kids[2].isNum {
			return
		}
		if at := k.kids[1].kids[2].num; at <= 0 || at > x.Proven {
			return
		}
		a, m := k.kids[1], int64(1)
		for ; 2*m-1 <= a.kids[2].num; m *= 2 {
		}
		p.add("compute the offset first", replace(k, fmt.Sprintf("(+ %s (- %s (logand %s %d)))", a.kids[1].text(), a.kids[2].text(), k.kids[2].text(), m-1)))
	})
	p.narrower(n)
	if most > 0 && (most+1)&most == 0 {
		p.masks(n, most)
		compare()
	} else {
		compare()
		p.masks(n, most)
	}
}

// pointerOffset bounds the number that is added.
func pointerOffset(p *proposals) { p.masks(p.n, 4095) }

// pointerArithmetic adds to the pointer what was subtracted.
func pointerArithmetic(p *proposals) {
	if p.n.is("-") && len(p.n.kids) == 3 {
		if a, k := p.n.kids[1], p.n.kids[2]; a.is("+") && len(a.kids) == 3 {
			p.add("compute the offset first", replace(p.n, fmt.Sprintf("(+ %s (- %s %s))", a.kids[1].text(), a.kids[2].text(), k.text())))
		}
		if u := p.n.up; u.is("<", "<=", ">", ">=") && len(u.kids) == 3 {
			other := u.kids[3-p.n.index]
			p.add("add to the other pointer", replace(other, fmt.Sprintf("(+ %s %s)", other.text(), p.n.kids[2].text())), replace(p.n, p.n.kids[1].text()))
		}
	}
}

// misaligned clears the low bits of a masked index.
func misaligned(p *proposals) {
	size := p.Finding.Needed
	p.n.each(func(k *node) {
		if m := k.num &^ (size - 1); k.isNum && m > 0 && m != k.num && k.up.is("LOGAND") {
			p.add(fmt.Sprintf("a mask of multiples of %d", size), replace(k, fmt.Sprint(m)))
		}
	})
}

// sizeArgument bounds a size.
func sizeArgument(p *proposals) {
	x, n := p.Finding, p.n
	i := int(x.Needed)
	args := operands(n)
	if a := n.kid(i); a != nil {
		args = append([]*node{a}, args...)
	}
	if x.Null {
		for _, a := range args {
			if a.is("LOGAND") {
				p.add("a size that is never 0", replace(a, "(+ 1 "+a.text()+")"))
				a.each(func(k *node) {
					for m := k.num >> 1; k.isNum && k.up == a && m > 0; m >>= 1 {
						p.add("a size that is never 0", ahead(a, "(+ 1 "), replace(k, fmt.Sprint(m)), behind(a, ")"))
					}
				})
			} else if a.sym != "" {
				p.guarded(fmt.Sprintf("not where `%s` is 0", a.text()), fmt.Sprintf("(> %s 0)", a.text()))
			}
		}
		return
	}
	p.narrower(n)
	for _, a := range args {
		p.mask(a, 4095)
	}
}

// resultRange narrows the result.
func resultRange(p *proposals) {
	x, n := p.Finding, p.n
	if n.is("RETURN") && len(n.kids) > 1 {
		n = n.kids[1]
	}
	p.narrower(n)
	p.groups++
	for m := x.Needed; m > 0; m >>= 1 {
		if m&(m+1) == 0 {
			p.number("a result in the range", wrap(n, "(logand ", fmt.Sprintf(" %d)", m))...)
		}
	}
	p.add("a result in the range", wrap(n, "(if (= ", fmt.Sprintf(" %d) %d %d)", x.Proven, x.Proven, x.Needed))...)
	if p.Pass != "" {
		p.add("the type's pass verdict", replace(n, p.Pass))
	}
}
