package user

import (
	"fmt"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/packet"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// checks are the operators that note what does not hold. The test goes on
// after them.
var checks = []special{
	{"is", "form &optional message", "Checks that a form is true. Of a comparison that does not hold the values of both sides are shown.", isTrue},
	{"is-verdict", "verdict form", "Checks the result of a program, and shows the names of the one that was wanted and the one that came: (is-verdict XDP_DROP (run p :packet q)).", isVerdict},
	{"is-packet", "expected &optional packet", "Checks a packet, by default the one that the last run left, and shows the header fields that differ.", isPacket},
	{"is-map", "map entries", "Checks that a map has exactly the entries of a list of (key value), and shows those that differ, field by field.", isMap},
	{"is-error", "form", "Checks that evaluating a form is an error, such as an update of a map that is full.", isError},
}

// eval evaluates an argument where the operator stands.
func (c *call) eval(form sexp.Value, env *lisp.Env) sexp.Value {
	v, err := c.in.Eval(form, env)
	if err != nil {
		panic(source.AsList(err)[0])
	}
	return v
}

// failed notes that a check does not hold.
func (c *call) failed(pos source.Pos, format string, args ...any) {
	r := c.s.run
	r.failures = append(r.failures, source.Errorf(pos.Or(c.in.Pos()), format, args...))
}

// comparisons are the functions of whose calls both sides are shown. EQ and
// its kin compare records, too.
var comparisons = map[string]bool{"=": true, "/=": true, "<": true, ">": true, "<=": true, ">=": true, "EQ": true, "EQL": true, "EQUAL": true, "EQUALP": true, "STRING=": true}

func isTrue(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	c.s.run.checks++
	what := shown(c.args[0])
	note := ""
	x, isCall := c.args[0].(*sexp.Cons)
	var head *sexp.Symbol
	var operands []sexp.Value
	if isCall {
		head, _ = x.Car.(*sexp.Symbol)
		operands, _ = sexp.Slice(x.Cdr)
	}
	var ok bool
	if head != nil && comparisons[head.Name] && len(operands) == 2 {
		a, b := c.eval(operands[0], env), c.eval(operands[1], env)
		if name := head.Name; strings.HasPrefix(name, "EQ") {
			ok = same(a, b)
		} else {
			v, err := c.in.Apply(head, []sexp.Value{a, b})
			if err != nil {
				panic(source.AsList(err)[0])
			}
			ok = c.in.Truthy(v)
		}
		var lines []string
		for i, v := range []sexp.Value{a, b} {
			if !literal(operands[i]) {
				lines = append(lines, fmt.Sprintf("%s is %s", shown(operands[i]), sexp.Print(v)))
			}
		}
		note = strings.Join(lines, ", and ")
		if ra, both := a.(*Record); both {
			if rb, both := b.(*Record); both && ra.S == rb.S {
				note = "the records differ in " + strings.Join(recordDiff(ra, rb), ", ")
			}
		}
	} else {
		ok = c.in.Truthy(c.eval(c.args[0], env))
	}
	if ok {
		return sexp.T
	}
	text := what + " does not hold"
	if len(c.args) > 1 {
		text = sexp.Display(c.eval(c.args[1], env)) + ": " + text
	}
	if note != "" {
		text += ": " + note
	}
	c.failed(form.Pos, "%s", text)
	return sexp.Nil
}

func literal(v sexp.Value) bool {
	switch v := v.(type) {
	case *sexp.Cons:
		s, ok := v.Car.(*sexp.Symbol)
		return ok && s == sexp.Quote
	case *sexp.Symbol:
		return v.Keyword || v == sexp.Nil || v == sexp.T
	}
	return true
}

func shown(v sexp.Value) string {
	s := sexp.Print(v)
	if r := []rune(s); len(r) > 80 {
		s = string(r[:77]) + "..."
	}
	return s
}

func isVerdict(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	c.s.run.checks++
	want := c.eval(c.args[0], env)
	have := c.eval(c.args[1], env)
	if same(want, have) {
		return sexp.T
	}
	name := verdictName(c.s.run.program, want)
	c.failed(form.Pos, "the verdict should be %s, and is %s", name, verdictName(c.s.run.program, have))
	return sexp.Nil
}

// verdicts are the names of results by program type, for messages: the values
// are those of the kernel's headers, where other constants have them too.
var verdicts = map[string]string{
	"xdp":       "XDP_ABORTED XDP_DROP XDP_PASS XDP_TX XDP_REDIRECT",
	"tc":        "TC_ACT_UNSPEC TC_ACT_OK TC_ACT_RECLASSIFY TC_ACT_SHOT TC_ACT_PIPE TC_ACT_STOLEN TC_ACT_QUEUED TC_ACT_REPEAT TC_ACT_REDIRECT TC_ACT_TRAP",
	"netkit":    "TCX_NEXT TCX_PASS TCX_DROP TCX_REDIRECT",
	"netfilter": "NF_DROP NF_ACCEPT",
	"sk-skb":    "SK_DROP SK_PASS", "sk-msg": "SK_DROP SK_PASS", "sk-lookup": "SK_DROP SK_PASS", "sk-reuseport": "SK_DROP SK_PASS",
}

// verdictName is a result as people write it.
func verdictName(p *lang.Program, v sexp.Value) string {
	if p != nil {
		for _, name := range strings.Fields(verdicts[p.Type.Keyword]) {
			if x, ok := abi.Constant(name); ok && sexp.Value(x) == v {
				return name
			}
		}
	}
	return sexp.Print(v)
}

// start is where the packets of the last program begin.
func (c *call) start() string {
	if p := c.s.run.program; p != nil && p.Type.PacketL3 {
		return "ip"
	}
	return "eth"
}

func isPacket(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	c.s.run.checks++
	want := c.bytes(c.eval(c.args[0], env), "the expected packet")
	var have []byte
	if len(c.args) > 1 {
		have = c.bytes(c.eval(c.args[1], env), "the packet")
	} else {
		have = c.last().Packet
	}
	ds := packet.Diff(want, have, c.start())
	if len(ds) == 0 {
		return sexp.T
	}
	var lines []string
	for _, d := range ds {
		name := d.Field
		switch {
		case d.Header == "length":
			name = "length"
		case d.Header != "":
			name = lang.HeaderFieldName(d.Header, d.Field)
		}
		lines = append(lines, fmt.Sprintf("\n  %s should be %s, and is %s", name, d.Want, d.Have))
	}
	c.failed(form.Pos, "the packet is not as expected:%s", strings.Join(lines, ""))
	return sexp.Nil
}

// recordDiff names the fields in which two records differ.
func recordDiff(a, b *Record) (out []string) {
	for i := range a.S.Fields {
		f := &a.S.Fields[i]
		if f.Type.Object() != nil {
			continue
		}
		x, y := fieldValue(f, f.Type, f.Offset, a.B), fieldValue(f, f.Type, f.Offset, b.B)
		if !same(x, y) {
			out = append(out, fmt.Sprintf("%s: %s and %s", strings.ToLower(f.Name), sexp.Print(x), sexp.Print(y)))
		}
	}
	if out == nil {
		out = []string{"bytes between the fields"}
	}
	return out
}

func isMap(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	c.s.run.checks++
	c.args[0] = c.eval(c.args[0], env)
	m := c.mapArg(0)
	list := c.eval(c.args[1], env)
	items, ok := sexp.Slice(list)
	if !ok {
		c.fail("%s is no list of (key value)", sexp.Print(list))
	}
	want := map[string][]byte{}
	for _, x := range items {
		pair, ok := sexp.Slice(x)
		if !ok || len(pair) != 2 {
			c.fail("%s is no (key value)", sexp.Print(x))
		}
		want[string(c.key(m, pair[0]))] = c.value(m, pair[1])
	}
	keys, err := c.s.run.host.Keys(m)
	c.must(err)
	var lines []string
	seen := map[string]bool{}
	for _, k := range keys {
		have, found := c.lookup(m, k, -1)
		if !found {
			continue
		}
		seen[string(k)] = true
		w, wanted := want[string(k)]
		switch {
		case !wanted && m.Type.Array && len(strings.Trim(string(have), "\x00")) == 0:
		case !wanted:
			lines = append(lines, fmt.Sprintf("\n  %s is there, with %s", printed(m.Key, k), printed(m.Value, have)))
		case string(w) != string(have):
			a, b := fromBytes(m.Value, w), fromBytes(m.Value, have)
			text := fmt.Sprintf("should be %s, and is %s", sexp.Print(a), sexp.Print(b))
			if ra, ok := a.(*Record); ok {
				text = "should differ nowhere, and does in " + strings.Join(recordDiff(ra, b.(*Record)), ", ") + " (wanted and found)"
			}
			lines = append(lines, fmt.Sprintf("\n  %s %s", printed(m.Key, k), text))
		}
	}
	for k := range want {
		if !seen[k] {
			lines = append(lines, fmt.Sprintf("\n  %s is not there", printed(m.Key, []byte(k))))
		}
	}
	if lines == nil {
		return sexp.T
	}
	sort.Strings(lines)
	c.failed(form.Pos, "the map %s is not as expected:%s", m.Name, strings.Join(lines, ""))
	return sexp.Nil
}

func isError(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	c.s.run.checks++
	v, err := c.in.Eval(c.args[0], env)
	if err == nil {
		c.failed(form.Pos, "%s should be an error, and gives %s", shown(c.args[0]), sexp.Print(v))
		return sexp.Nil
	}
	if e := source.AsList(err)[0]; e.Culprit != nil {
		if _, skipped := e.Culprit.(*skip); skipped {
			panic(e)
		}
	}
	return sexp.T
}
