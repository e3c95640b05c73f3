package lang

import (
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/source"
)

// withMacros lowers a body in an environment with more macros.
func (l *lowerer) withMacros(c *call, add func(*lisp.Env, lisp.Value) (*lisp.Env, error)) val {
	env, err := add(l.env(), c.args[0])
	if err != nil {
		e := source.AsList(err)[0]
		e.Pos = e.Pos.Or(l.pos)
		panic(e)
	}
	saved := l.scope
	l.scope = &scope{up: l.scope, env: env}
	v := l.body(l.declarations(c.rest(1), nil))
	l.scope = saved
	return v
}
