package lang

import (
	"github.com/whistler-lang/whistler/internal/prelude"
	"github.com/whistler-lang/whistler/internal/types"
)

// signedOps are the operators to use where signs are mixed and a signed
// meaning is wanted.
var signedOps = map[string]string{"<": "s<", "<=": "s<=", ">": "s>", ">=": "s>=", "/": "s/", "MOD": "smod"}

// warnSigns warns of an unsigned operation on signed numbers: somebody
// expects -1 to be less than 1. Equality has one meaning, but a narrow
// unsigned number never equals a negative one.
func (l *lowerer) warnSigns(c *call, vs []val) {
	if p := c.form.Pos; (!p.Known() || prelude.IsPrelude(p.File)) && l.internal > 0 || l.c.mixed[c.form.Pos.Or(l.pos)] {
		return
	}
	op, ordered := signedOps[c.head.Name]
	equality := c.head.Name == "=" || c.head.Name == "/="
	if !ordered && !equality {
		return
	}
	signed, unsigned, negative, narrow := -1, -1, -1, -1
	for i, v := range vs {
		switch {
		case v.t.Kind == types.Int && v.t.Signed:
			signed = i
		case v.t.Kind == types.Int:
			if _, isConst := v.v.IsConst(); isConst {
				continue // its bits are what the source says
			}
			unsigned = i
			if v.t.Size < 8 {
				narrow = i
			}
		case v.t.Kind == types.Literal && v.t != types.ULit:
			if n, ok := v.v.IsConst(); ok && n < 0 {
				negative = i
			}
		}
	}
	switch {
	case ordered && signed >= 0 && unsigned >= 0:
		w := l.warn(c.args[signed], "`%s` compares as unsigned: one operand is %v, another %v", c.head.Display(), vs[signed].t, vs[unsigned].t)
		if c.head.Name == "/" || c.head.Name == "MOD" {
			w.What = "`" + c.head.Display() + "` is unsigned here: one operand is " + vs[signed].t.String() + ", another " + vs[unsigned].t.String()
		}
		w.WithHint("use `%s`, or cast one of them", op).WithCode("mixed-signs").Pos = c.at(signed).Or(w.Pos)
	case ordered && unsigned >= 0 && negative >= 0:
		n, _ := vs[negative].v.IsConst()
		l.warn(c.args[negative], "`%s` is unsigned here, and to it %d is a large number", c.head.Display(), n).
			WithHint("use `%s`", op).WithCode("mixed-signs").Pos = c.at(negative).Or(l.pos)
	case equality && narrow >= 0 && negative >= 0:
		n, _ := vs[negative].v.IsConst()
		l.warn(c.args[negative], "a %v is never %d", vs[narrow].t, n).
			WithHint("(cast i%d ...) takes the other side as signed", 8*vs[narrow].t.Size).WithCode("mixed-signs").Pos = c.at(negative).Or(l.pos)
	default:
		return
	}
	l.c.mixed[c.form.Pos.Or(l.pos)] = true
}
