package fix

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/ir/facts"
	"github.com/whistler-lang/whistler/internal/source"
)

// Texts are the files that were read, for the names of several messages.
type Texts map[*source.File]*node

func (t Texts) at(pos source.Pos) *node {
	if !pos.Known() {
		return nil
	}
	root := t[pos.File]
	if root == nil {
		root = read(pos.File)
		t[pos.File] = root
	}
	if n := root.find(pos); n != nil && !n.made() {
		return n
	}
	return nil
}

// Pointer is the name of the variable that has the pointer of x in the form
// that is wrong, "" where none is named there.
func (t Texts) Pointer(x *facts.Finding) string {
	n := t.at(x.Pos)
	if n == nil {
		return ""
	}
	if u := n.up; n.index == 1 && u.is("SETF", "INCF", "DECF") {
		n = u
	}
	if origin := t.at(x.Origin); origin != nil {
		if origin.holds(n.pos) || n.holds(origin.pos) && x.Kind == facts.NullDereference {
			return "" // it stands there itself
		}
		for _, b := range variables(n) {
			switch {
			case x.Kind == facts.UseAfterRelease: // what was given back, if it stands in both
				if k := origin.kid(1); k != nil && k.sym == b.name.sym {
					return b.name.text()
				}
			case x.Kind != facts.StalePointer && (b.value.holds(origin.pos) || origin.setTo(b)):
				return b.name.text()
			}
		}
	}
	if x.To != "" { // any argument may be the one: a name only where no other can be
		if all := variables(n); len(all) == 1 && all[0].pointer() {
			return all[0].name.text()
		}
		return ""
	}
	if k := n.pointer(x.Write); k != nil {
		for _, b := range n.scope() {
			if b.name.sym == k.sym {
				return k.text()
			}
		}
	}
	return ""
}

// pointer reports whether what b is bound to is a pointer, as far as the text tells.
func (b binding) pointer() bool {
	switch {
	case b.form.is("DOTIMES", "BPF-LOOP"):
		return false
	case b.value == nil || b.form.is("WHEN-LET", "WHEN-LET*", "IF-LET"):
		return true
	}
	return b.value.is("+", "MAP-LOOKUP", "MAP-LOOKUP-PTR", "STRUCT-ALLOC", "RINGBUF-RESERVE", "STACK-ADDR", "DYNPTR-DATA") ||
		b.value.is("CTX") && len(b.value.kids) == 2 && (b.value.kids[1].sym == "DATA" || b.value.kids[1].sym == "DATA-END")
}

// setTo reports whether n is what a setf gives to b.
func (n *node) setTo(b binding) bool {
	u := n.up
	return u.is("SETF") && n.index > 1 && u.kids[n.index-1].sym == b.name.sym
}

// pointer is the symbol in n that stands where the pointer does that it writes
// through, or reads.
func (n *node) pointer(writes bool) *node {
	k := n.kid(1)
	switch h := n.head(); {
	case h == "LOAD" || h == "STORE":
		k = n.kid(2)
	case (h == "SETF" || h == "INCF" || h == "DECF") && k != nil && k.list:
		return k.pointer(writes)
	case h == "MEMCPY" && !writes:
		k = n.kid(3)
	case strings.HasPrefix(h, "WITH-") && k != nil:
		k = k.kid(0)
	}
	for k.is("+", "-") {
		k = k.kid(1)
	}
	if k == nil || k.sym == "" || k.sym[0] == ':' {
		return nil
	}
	return k
}

// Ends are the names that the source has for the start and the end of the packet at pos.
func (t Texts) Ends(pos source.Pos) (data, end string) {
	data, end = "data", "data-end"
	if n := t.at(pos); n != nil {
		if a := ends(n, "data"); len(a) > 1 {
			data = a[0]
		}
		if b := ends(n, "data-end"); len(b) > 1 {
			end = b[0]
		}
	}
	return data, end
}
