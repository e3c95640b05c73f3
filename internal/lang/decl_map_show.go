package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// ShowHints are the words of :show: how values are shown.
var ShowHints = []string{"number", "hex", "text", "ip", "mac", "port", "ns", "time", "bytes"}

// ShowLog2 is the word of :show for a whole map: its keys are powers of two,
// and it is drawn as a histogram.
const ShowLog2 = "log2"

// showHint reads :show: :log2, one hint for the value, or a list of field and
// hint. It gives them as objects carry them: "log2", "value=hex",
// "src=ip,dport=port".
func (d *decl) showHint(m *Map, o option) string {
	hint := func(v sexp.Value) string {
		s, ok := v.(*sexp.Symbol)
		name := ""
		if ok && s.Keyword {
			name = toLower(s.Name)
		}
		if !slices.Contains(ShowHints, name) {
			e := source.Errorf(o.at, "unknown hint %s of :show", shorten(sexp.Print(v))).WithExpected(":log2 for the map, or for values :%s", strings.Join(ShowHints, " :")).WithCode("show")
			if n := didYouMean(name, append([]string{ShowLog2}, ShowHints...)); n != "" {
				e.WithHint("did you mean `:%s`?", n)
			}
			panic(e)
		}
		return name
	}
	list, ok := o.value.(*sexp.Cons)
	if !ok {
		if s, isSym := o.value.(*sexp.Symbol); isSym && s.Keyword && toLower(s.Name) == ShowLog2 {
			if m.Type.Ring || m.KeySize == 0 || m.KeySize > 8 {
				panic(source.Errorf(o.at, ":show :log2 is for maps whose keys are numbers, the powers of two").WithExpected("an array or hash with a number as key").WithCode("show"))
			}
			return ShowLog2
		}
		return "value=" + hint(o.value)
	}
	items, proper := sexp.Slice(list)
	if !proper || len(items)%2 != 0 {
		panic(source.Errorf(o.at, "malformed :show %s", shorten(sexp.Print(o.value))).WithExpected("(:field :hint ...)").WithCode("show"))
	}
	var out []string
	for i := 0; i < len(items); i += 2 {
		s, isSym := items[i].(*sexp.Symbol)
		if !isSym || !m.hasField(s.Name) {
			panic(source.Errorf(o.at, "%s is no field of what `%s` holds", shorten(sexp.Print(items[i])), m.Name).WithExpected("a field of its key, value or event, or :key or :value where they are numbers").WithCode("show"))
		}
		out = append(out, fmt.Sprintf("%s=%s", strings.ReplaceAll(toLower(s.Name), "-", "_"), hint(items[i+1])))
	}
	return strings.Join(out, ",")
}

// hasField reports whether keys, values or events of m have a field.
func (m *Map) hasField(name string) bool {
	if name == "KEY" || name == "VALUE" {
		return true
	}
	in := func(s *types.Struct) bool { return s != nil && s.Field(name) != nil }
	for _, t := range []*types.Type{m.Key, m.Value} {
		if t != nil && t.Kind == types.StructKind && in(t.Struct) {
			return true
		}
	}
	return slices.ContainsFunc(m.Events, in)
}
