package lang

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/types"
)

// void reports whether the member's function gives no result.
func (m *opsMember) void(t *btf.Types) bool {
	f, ok := proto(t, m.typ)
	return ok && t.Ref(f) == 0
}

// signature is what a program is given that is the member.
func (m *opsMember) signature(t *btf.Types) *signature {
	f, _ := proto(t, m.typ)
	of := t.Name(m.of.Struct)
	sig := &signature{result: t.Ref(f), what: "member `" + m.name + "` of `" + of + "`"}
	slot := 0
	rule := opsRuleOf(t, m.of)
	for i, p := range m.params(t, f) {
		a := argument{name: p.Name, typ: p.Type, slot: slot}
		// Of an argument that may be null, or that the program owns, the
		// kernel's own function says so (Documentation/bpf/kfuncs.rst has
		// the manner).
		a.name, a.null = strings.CutSuffix(a.name, "__nullable")
		a.name = strings.TrimSuffix(a.name, "__ref")
		if e := pointee(t, p.Type); e != nil && e.Kind == types.StructKind {
			a.as = rule.points[e.Struct.C]
		}
		if a.name == "" {
			a.name = "arg" + string(rune('0'+i%10))
		}
		sig.args = append(sig.args, a)
		slot += max(1, (t.Size(p.Type)+7)/8)
	}
	return sig
}

// params gives the parameters of a function their names. Types of pointers to
// functions have none: the kernel's stand-in for the member has, which is
// named after struct and member, and else the table.
func (m *opsMember) params(t *btf.Types, f btf.ID) []btf.Param {
	params := t.Params(f)
	for _, id := range t.Find(t.Name(m.of.Struct)+"__"+m.name, btf.Func) {
		if ps := t.Params(t.Ref(id)); len(ps) == len(params) {
			return ps
		}
	}
	out := slices.Clone(params)
	for _, row := range opsRuleOf(t, m.of).args {
		words := strings.Fields(row)
		if words[0] != m.name || len(words) != len(out)+1 {
			continue
		}
		for i := range out {
			out[i].Name = words[i+1]
		}
	}
	return out
}
