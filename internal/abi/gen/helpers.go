//go:build linux

package main

import (
	"log"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// helper is a row of bpf_helper_defs.h with what rules and probe add.
type helper struct {
	id                 int32
	c, name, proto     string
	params             []param
	variadic           bool
	doc, returns       string
	resultC            string
	result             string
	resultType         string
	kinds              []string
	progs              uint64
	gpl, sleeps        bool
	changes            bool
	acquires, releases bool
	expected           []string // what the verifier says it expects, by argument
	r0                 string   // what the verifier holds of the result
	allowed            []variant
}

type param struct{ typ, name string }

var (
	helperRE = regexp.MustCompile(`(?s)/\*\n \* (bpf_\w+)\n \*\n(.*?)\*/\nstatic (.*?)\(\*bpf_\w+\)\((.*?)\) = \(void \*\) (\d+);`)
	paramRE  = regexp.MustCompile(`^(.*?[ *])(\w+)$`)
)

func readHelpers(src *sources) []*helper {
	var out []*helper
	for _, m := range helperRE.FindAllStringSubmatch(src.helperDefs, -1) {
		id, _ := strconv.Atoi(m[5])
		h := &helper{id: int32(id), c: m[1], name: strings.ReplaceAll(strings.TrimPrefix(m[1], "bpf_"), "_", "-")}
		h.resultC = strings.TrimSpace(m[3])
		h.proto = strings.ReplaceAll(m[3]+m[1]+"("+m[4]+")", "\t", " ")
		h.doc, h.returns = docText(m[2])
		for p := range strings.SplitSeq(m[4], ", ") {
			switch p {
			case "void":
			case "...":
				h.variadic = true
			default:
				pm := paramRE.FindStringSubmatch(p)
				if pm == nil {
					log.Fatalf("%s: parameter %q", h.c, p)
				}
				h.params = append(h.params, param{strings.TrimSpace(pm[1]), pm[2]})
			}
		}
		h.deriveKinds()
		h.deriveResult()
		h.acquires, h.releases = acquires[h.c], releases[h.c]
		parsedHelpers[h.c] = h
		out = append(out, h)
	}
	if n := strings.Count(src.helperDefs, "= (void *)"); n != len(out) {
		log.Fatalf("%d helpers of %d parsed", len(out), n)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

// docText turns a comment of bpf_helper_defs.h (reStructuredText) into plain
// paragraphs: the description and what is returned.
func docText(comment string) (doc, returns string) {
	var parts [2][]string
	at := 0
	for line := range strings.SplitSeq(comment, "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "*")
		line = strings.TrimPrefix(line, " ")
		if line == "Returns" {
			at = 1
			continue
		}
		parts[at] = append(parts[at], strings.TrimPrefix(line, "\t"))
	}
	return plain(parts[0]), plain(parts[1])
}

var markup = strings.NewReplacer("**", "", "``", "", "\\ ", "", "\\/", "/", "\\*", "*", "::", ":", "\t", "    ")
var emphasis = regexp.MustCompile(`\*([/A-Za-z_][\w\->.\[\]/ ]*)\*`)

// plain removes markup and joins the lines of a paragraph; lists and indented
// code keep their lines.
func plain(lines []string) string {
	var out []string
	open := false
	for _, l := range lines {
		l = strings.TrimRight(emphasis.ReplaceAllString(markup.Replace(l), "$1"), " ")
		t := strings.TrimSpace(l)
		switch {
		case t == ":": // "::" on its own line announces code
		case t == "":
			if len(out) > 0 && out[len(out)-1] != "" {
				out = append(out, "")
			}
			open = false
		case open && l == t && !strings.HasPrefix(t, "- ") && !strings.HasPrefix(t, "* "):
			out[len(out)-1] += " " + t
		default:
			out = append(out, l)
			open = l == t
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func (h *helper) deriveResult() {
	if r, ok := resultOverrides[h.c]; ok {
		h.result = r
	} else {
		switch t := h.resultC; {
		case t == "void":
			h.result = "ResultVoid"
		case t == "__u64":
			h.result = "ResultU64"
		case t == "__u32":
			h.result = "ResultU32"
		case t == "long" || t == "int" || t == "__s64":
			h.result = "ResultInt"
		case t == "void *":
			h.result = "ResultMapValueOrNull"
		case t == "struct bpf_sock *" || t == "struct bpf_tcp_sock *":
			h.result = "ResultSockOrNull"
		case strings.HasPrefix(t, "struct "):
			h.result = "ResultPtrOrNull"
		default:
			log.Fatalf("%s: result %q", h.c, t)
		}
	}
	if t, ok := strings.CutPrefix(h.resultC, "struct "); ok {
		h.resultType = strings.TrimSuffix(t, " *")
	}
}

func emitHelpers(w *buf, hs []*helper) {
	w.p("var helpers = [...]Helper{\n")
	for _, h := range hs {
		w.p("{Name:%q,C:%q,ID:%d,\nProto:%q,\nParams:[]string{", h.name, h.c, h.id, h.proto)
		for _, p := range h.params {
			w.p("%q,", p.name)
		}
		w.p("},\nArgs:[]ArgKind{%s},Result:%s", strings.Join(h.kinds, ","), h.result)
		for _, f := range []struct {
			name string
			on   bool
		}{{"Variadic", h.variadic}, {"GPL", h.gpl}, {"ChangesPacket", h.changes}, {"Sleeps", h.sleeps}, {"Acquires", h.acquires}, {"Releases", h.releases}} {
			if f.on {
				w.p(",%s:true", f.name)
			}
		}
		if h.resultType != "" {
			w.p(",ResultType:%q", h.resultType)
		}
		w.p(",Progs:%#x,\nDoc:%q,\nReturns:%q},\n", h.progs, h.doc, h.returns)
	}
	w.p("}\n\n// helpersByID are the places in helpers by ascending id.\nvar helpersByID = [...]uint8{")
	order := make([]int, len(hs))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return hs[order[i]].id < hs[order[j]].id })
	for i, o := range order {
		if i%20 == 0 {
			w.p("\n")
		}
		w.p("%d,", o)
	}
	w.p("\n}\n")
}

// emitExpected writes the verifier's words for a test that compares them with
// the argument kinds.
func emitExpected(w *buf, hs []*helper) {
	w.p("var expectedArgs = map[string][]string{\n")
	for _, h := range hs {
		if len(h.expected) > 0 {
			w.p("%q:{", h.name)
			for _, e := range h.expected {
				w.p("%q,", e)
			}
			w.p("},\n")
		}
	}
	w.p("}\n")
	w.p("\nvar expectedResults = map[string]string{\n")
	for _, h := range hs {
		if h.r0 != "" {
			w.p("%q:%q,\n", h.name, h.r0)
		}
	}
	w.p("}\n")
}
