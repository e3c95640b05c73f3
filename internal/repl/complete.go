package repl

import (
	"slices"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/lang"
)

// A Candidate is what a word may become.
type Candidate struct {
	Text, Doc string
}

// most bounds how many candidates are given: nobody reads more.
const most = 400

// Complete gives what the word before position pos of a text may become, and
// where that word begins.
func (r *REPL) Complete(text string, pos int) (from int, out []Candidate) {
	from = pos
	for from > 0 && !strings.ContainsRune(" \t\n()'`,\"#;", rune(text[from-1])) {
		from--
	}
	word := strings.ToLower(text[from:pos])
	add := func(name, doc string) {
		if len(out) < most && strings.HasPrefix(strings.ToLower(name), word) {
			out = append(out, Candidate{name, doc})
		}
	}
	form := strings.Fields(enclosing(text[:from]))
	head := ""
	if len(form) > 0 {
		head = strings.ToLower(form[0])
	}
	switch {
	case head == "deftracepoint" && len(form) == 1 && r.o.Tracepoints != nil:
		for _, name := range r.o.Tracepoints(strings.ReplaceAll(word, "-", "_")) {
			add(strings.ReplaceAll(name, "_", "-"), "tracepoint")
		}
	case head == "import-kernel-struct":
		if t := r.types(); t != nil && len(form) == 1 {
			for _, name := range t.Names(btf.Struct) {
				add(strings.ReplaceAll(name, "_", "-"), "struct")
			}
		} else if t != nil {
			if id, ok := t.FindOne(strings.ReplaceAll(form[1], "-", "_"), btf.Struct); ok {
				for _, name := range fieldNames(t, id, 0) {
					add(strings.ReplaceAll(name, "_", "-"), "field")
				}
			}
		}
	case strings.HasPrefix(word, ":"):
		for _, t := range r.topics() {
			if strings.HasPrefix(t.Name, ":") {
				add(t.Name, t.Kind)
			}
		}
		for _, k := range r.keywords(head) {
			add(k, "option")
		}
	default:
		for _, t := range r.topics() {
			if !strings.HasPrefix(t.Name, ":") {
				add(t.Name, t.Kind)
			}
		}
		for _, m := range r.obj.Maps() {
			add(m.Lisp, "map")
		}
		for _, p := range r.obj.Programs() {
			add(p.Lisp, "program")
		}
		for n, c := range builtin() {
			add(strings.ToLower(n), c.Doc)
		}
		for n, c := range r.o.Commands {
			add(strings.ToLower(n), c.Doc)
		}
		for _, n := range r.prompt.Names() {
			add(n, "")
		}
		for _, v := range r.prompt.Variables() {
			add(strings.ToLower(v.Name), "variable")
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Text < out[j].Text })
	return from, slices.CompactFunc(out, func(a, b Candidate) bool { return a.Text == b.Text })
}

// enclosing is the text of the innermost form that is open at the end.
func enclosing(text string) string {
	depth := 0
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case ')':
			depth++
		case '(':
			if depth == 0 {
				return text[i+1:]
			}
			depth--
		}
	}
	return ""
}

// fieldNames are a struct's, with those of anonymous members.
func fieldNames(t *btf.Types, id btf.ID, depth int) (out []string) {
	for _, f := range t.Fields(id) {
		switch {
		case f.Name != "":
			out = append(out, f.Name)
		case depth < 4:
			out = append(out, fieldNames(t, t.Strip(f.Type), depth+1)...)
		}
	}
	return out
}

// types are the kernel's, read once.
func (r *REPL) types() *btf.Types {
	if r.kernel == nil && r.o.Compile.Kernel != nil && !r.noKernel {
		b, err := r.o.Compile.Kernel.BTF()
		if err == nil {
			r.kernel, err = btf.Read(b)
		}
		r.noKernel = err != nil
	}
	return r.kernel
}

// topics are all that help knows.
func (r *REPL) topics() []lang.Topic {
	if r.known == nil && r.o.Topics != nil {
		r.known = r.o.Topics()
	}
	return r.known
}

// keywords are those in the syntax of a form.
func (r *REPL) keywords(head string) (out []string) {
	for _, t := range r.topics() {
		if !strings.EqualFold(t.Name, head) {
			continue
		}
		after := false
		for _, w := range strings.FieldsFunc(t.Syntax, func(c rune) bool { return strings.ContainsRune(" []()|", c) }) {
			switch {
			case w == "&key":
				after = true
			case strings.HasPrefix(w, ":"):
				out = append(out, w)
			case after:
				out = append(out, ":"+w)
			}
		}
	}
	return out
}

// Colours of a highlighted text, as escape sequences.
const (
	colourComment = "\x1b[90m"
	colourString  = "\x1b[32m"
	colourKeyword = "\x1b[36m"
	colourNumber  = "\x1b[33m"
	colourHead    = "\x1b[1;34m"
	colourOff     = "\x1b[0m"
)

// Highlight colours a text. Without the colours it is the same text.
func (r *REPL) Highlight(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		j := i + 1
		colour := ""
		switch c := text[i]; {
		case c == ';':
			for j < len(text) && text[j] != '\n' {
				j++
			}
			colour = colourComment
		case c == '"':
			for j < len(text) && text[j] != '"' {
				if text[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j+1, len(text))
			colour = colourString
		case strings.IndexByte(" \t\n()'`,@", c) >= 0:
		default:
			for j < len(text) && strings.IndexByte(" \t\n()\";", text[j]) < 0 {
				j++
			}
			switch word := text[i:j]; {
			case c == ':':
				colour = colourKeyword
			case c >= '0' && c <= '9' || c == '#' || c == '-' && len(word) > 1 && word[1] >= '0' && word[1] <= '9':
				colour = colourNumber
			case i > 0 && text[i-1] == '(' && r.isName(word):
				colour = colourHead
			}
		}
		if colour != "" {
			b.WriteString(colour + text[i:j] + colourOff)
		} else {
			b.WriteString(text[i:j])
		}
		i = j
	}
	return b.String()
}

// isName reports whether a form may begin with a word.
func (r *REPL) isName(word string) bool {
	if r.names == nil {
		r.names = map[string]bool{}
		for _, t := range r.topics() {
			r.names[strings.ToLower(t.Name)] = true
		}
		for n := range builtin() {
			r.names[strings.ToLower(n)] = true
		}
		for n := range r.o.Commands {
			r.names[strings.ToLower(n)] = true
		}
		for _, n := range r.prompt.Names() {
			r.names[n] = true
		}
	}
	return r.names[strings.ToLower(word)]
}
