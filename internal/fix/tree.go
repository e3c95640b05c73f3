// Package fix knows how mistakes are mended where that is mechanical: it
// proposes edits of the text. A proposal is a guess from the text alone; only
// a compilation of what the edits make tells whether it is right (compile.Mend).
//
// tree.go is the text as forms with their places, fix.go the table of what is
// proposed for which mistake; a file per group of them. names.go names the
// pointers of messages.
package fix

import (
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A node is a form of the text, or an atom.
type node struct {
	pos   source.Pos
	sym   string // a symbol's name
	num   int64
	isNum bool
	list  bool
	kids  []*node
	up    *node
	index int // in up
}

// read gives the forms of f as the kids of a node without a place. What cannot
// be read is left out.
func read(f *source.File) *node {
	root := &node{}
	forms, _ := sexp.ReadAll(f, sexp.NewTable(nil), nil)
	for _, x := range forms {
		root.add(x.V, x.Pos)
	}
	return root
}

func (n *node) add(v sexp.Value, pos source.Pos) {
	k := &node{pos: pos, up: n, index: len(n.kids)}
	n.kids = append(n.kids, k)
	switch v := v.(type) {
	case *sexp.Symbol:
		k.sym = v.Name
		if v.Keyword {
			k.sym = ":" + v.Name
		}
	case int64:
		k.num, k.isNum = v, true
	case *sexp.Cons:
		k.list = true
		for c := v; c != nil; c, _ = c.Cdr.(*sexp.Cons) {
			k.add(c.Car, c.At)
		}
	}
}

// find gives the form at exactly pos.
func (n *node) find(pos source.Pos) *node {
	for _, k := range n.kids {
		switch {
		case k.pos == pos:
			return k
		case k.pos.Start <= pos.Start && pos.End <= k.pos.End:
			if x := k.find(pos); x != nil {
				return x
			}
		}
	}
	return nil
}

func (n *node) text() string { return n.pos.Text() }

// head is the name of the operator, "" where there is none.
func (n *node) head() string {
	if n == nil || !n.list || len(n.kids) == 0 {
		return ""
	}
	return n.kids[0].sym
}

// is reports whether n is a call of one of names.
func (n *node) is(names ...string) bool {
	h := n.head()
	for _, name := range names {
		if h == name && h != "" {
			return true
		}
	}
	return false
}

// kid gives argument i, nil where there is none.
func (n *node) kid(i int) *node {
	if n == nil || i < 0 || i >= len(n.kids) {
		return nil
	}
	return n.kids[i]
}

// holds reports whether pos is inside of n.
func (n *node) holds(pos source.Pos) bool {
	return n != nil && pos.Known() && pos.File == n.pos.File && n.pos.Start <= pos.Start && pos.End <= n.pos.End
}

// each visits n and all inside of it, from the outside.
func (n *node) each(f func(*node)) {
	f(n)
	for _, k := range n.kids {
		k.each(f)
	}
}

// top is the declaration that n stands in.
func (n *node) top() *node {
	for n.up != nil && n.up.up != nil {
		n = n.up
	}
	return n
}

// mentions reports whether the symbol stands in n, but as an operator.
func (n *node) mentions(sym string) (found bool) {
	n.each(func(k *node) {
		found = found || k.sym == sym && (k.index > 0 || k.up == nil || k == n)
	})
	return found
}

// bodies says where the body of a form begins; what begins with WITH- has it at 2.
var bodies = map[string]int{"PROGN": 1, "WHEN": 2, "UNLESS": 2, "LET": 2, "LET*": 2, "WHEN-LET": 2, "WHEN-LET*": 2, "BLOCK": 2,
	"DOTIMES": 2, "WHILE": 2, "BPF-LOOP": 2, "DEFPROG": 3, "DEFSUBPROG": 4}

// body is where the body of n begins, 0 if it has none.
func (n *node) body() int {
	h := n.head()
	if strings.HasPrefix(h, "WITH-") {
		return 2
	}
	return bodies[h]
}

// last reports whether n is the last form of its body.
func (n *node) last() bool { return n.index == len(n.up.kids)-1 }

// statement reports whether nobody wants the value of n.
func (n *node) statement() bool {
	p := n.up
	switch b := p.body(); {
	case p.up == nil:
		return true
	case b > 0 && n.index >= b:
		if p.is("DOTIMES", "WHILE", "BPF-LOOP") || !n.last() {
			return true
		}
		return !p.is("DEFPROG", "DEFSUBPROG") && p.statement()
	case p.is("IF", "IF-LET") && n.index >= 2:
		return p.statement()
	}
	return false
}

// result reports whether the value of n is what its program gives.
func (n *node) result() bool {
	p := n.up
	switch b := p.body(); {
	case p.up == nil:
		return false
	case p.is("RETURN"):
		return true
	case b > 0 && n.index >= b && n.last():
		return p.is("DEFPROG") || !p.is("DEFSUBPROG", "DOTIMES", "WHILE", "BPF-LOOP", "BLOCK") && p.result()
	case p.is("IF", "IF-LET") && n.index >= 2:
		return p.result()
	}
	return false
}

// A binding is a variable that is known somewhere.
type binding struct {
	name  *node
	value *node // what it is bound to; may be nil
	form  *node // that binds it
}

// scope lists the variables that n may use, the nearest first.
func (n *node) scope() (out []binding) {
	for k, p := n, n.up; p != nil && p.up != nil; k, p = p, p.up {
		switch {
		case p.is("LET", "LET*", "WHEN-LET", "WHEN-LET*", "IF-LET"):
			vars := p.kid(1)
			if vars == nil {
				continue
			}
			for i := len(vars.kids) - 1; i >= 0; i-- {
				b := vars.kids[i]
				if k == vars && (p.is("LET", "WHEN-LET", "IF-LET") || !before(b, n)) {
					continue
				}
				switch {
				case b.sym != "":
					out = append(out, binding{b, nil, p})
				case len(b.kids) > 1:
					out = append(out, binding{b.kids[0], b.kids[len(b.kids)-1], p})
				}
			}
		case strings.HasPrefix(p.head(), "WITH-") || p.is("DOTIMES", "BPF-LOOP"):
			if vars := p.kid(1); vars != nil && k != vars {
				for i := len(vars.kids) - 1; i >= 0; i-- {
					if b := vars.kids[i]; b.sym != "" && b.sym[0] != ':' && (i == 0 || strings.HasPrefix(p.head(), "WITH-")) {
						out = append(out, binding{b, nil, p})
					}
				}
			}
		case p.is("DEFPROG"):
			if o := p.kid(2); o != nil {
				for i, k := range o.kids {
					if k.sym == ":ARGS" && i+1 < len(o.kids) {
						for _, a := range o.kids[i+1].kids {
							if a.list && len(a.kids) > 0 {
								a = a.kids[0]
							}
							out = append(out, binding{a, nil, p})
						}
					}
				}
			}
		}
	}
	return out
}

// before reports whether a ends before b begins.
func before(a, b *node) bool { return a.pos.End <= b.pos.Start }

// free makes of name one that stands nowhere in n's declaration.
func (n *node) free(name string) string {
	for i := 1; ; i++ {
		x := name
		if i > 1 {
			x += strconv.Itoa(i)
		}
		if !n.top().mentions(strings.ToUpper(x)) {
			return x
		}
	}
}

// made reports whether n stands in what makes other text: the definition of a
// macro, or a quotation.
func (n *node) made() bool {
	for p := n; p != nil; p = p.up {
		if p.is("DEFMACRO", "DEFUN", "QUASIQUOTE", "QUOTE", "MACROLET") {
			return true
		}
	}
	return false
}

// Edits.

func replace(n *node, text string) source.Edit { return source.Edit{Pos: n.pos, Text: text} }

func insert(file *source.File, at int32, text string) source.Edit {
	return source.Edit{Pos: source.Pos{File: file, Start: at, End: at}, Text: text}
}

func ahead(n *node, text string) source.Edit { return insert(n.pos.File, n.pos.Start, text) }

func behind(n *node, text string) source.Edit { return insert(n.pos.File, n.pos.End, text) }

// wrap puts n between before and after; the lines of n move with its first.
func wrap(n *node, before, after string) []source.Edit {
	edits := []source.Edit{ahead(n, before)}
	text := n.text()
	for i, c := range text {
		if c != '\n' {
			continue
		}
		if at := n.pos.Start + int32(i) + 1; !n.splits(at) && !strings.HasPrefix(text[i+1:], "\n") {
			edits = append(edits, insert(n.pos.File, at, strings.Repeat(" ", len(before))))
		}
	}
	return append(edits, behind(n, after))
}

// splits reports whether at is inside of an atom, such as a string.
func (n *node) splits(at int32) (in bool) {
	n.each(func(k *node) { in = in || !k.list && k.pos.Start < at && at < k.pos.End })
	return in
}

// remove takes n out, with the space before it; a line that has nothing else goes as well.
func remove(n *node) source.Edit {
	text, p := n.pos.File.Text, n.pos
	for p.Start > 0 && (text[p.Start-1] == ' ' || text[p.Start-1] == '\t') {
		p.Start--
	}
	alone := p.Start == 0 || text[p.Start-1] == '\n'
	rest := text[p.End:]
	trimmed := strings.TrimLeft(rest, " \t")
	switch {
	case alone && (trimmed == "" || trimmed[0] == '\n' || n.up.up == nil && trimmed[0] == ';'):
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			p.End += int32(i) + 1
		} else {
			p.End = int32(len(text))
		}
	case alone && trimmed[0] == ')' && p.Start > 0: // the parentheses go to the line before, unless that ends in a comment
		if prev := text[strings.LastIndexByte(text[:p.Start-1], '\n')+1 : p.Start-1]; !strings.Contains(prev, ";") {
			p.Start--
		}
	}
	return source.Edit{Pos: p}
}

// line puts text on a line of its own before n, or before it on its line
// where others stand there.
func line(n *node, text string) source.Edit {
	all := n.pos.File.Text
	at := n.pos.Start
	begin := int32(strings.LastIndexByte(all[:at], '\n') + 1)
	if indent := all[begin:at]; strings.TrimSpace(indent) == "" {
		return ahead(n, text+"\n"+indent)
	}
	return ahead(n, text+" ")
}
