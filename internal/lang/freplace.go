package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// replacement makes p the replacement of a function in another program: it
// has the function's parameters and result, which the kernel compares, and
// may do what a program of the other's type may.
//
//	(defprog p (:section "freplace/decide" :extends :xdp :args ((len u32)) :result u32) ...)
func (c *compiler) replacement(p *Program, d *decl, opts map[string]option, body sexp.Value) {
	want := func(e *source.Error) *source.Error {
		return e.WithExpected("(:section \"freplace/FUNCTION\" :extends TYPE [:args ((arg type)...)] [:result type])").WithCode("bad-replacement")
	}
	if abi.SectionTarget(p.Section) == "" {
		panic(want(source.Errorf(p.sectionPos.Or(p.Pos), "the program `%s` does not say which function it replaces", p.Name)))
	}
	o, ok := opts["EXTENDS"]
	if !ok {
		panic(want(source.Errorf(p.sectionPos.Or(p.Pos), "the program `%s` does not say what type of program it replaces a function of", p.Name)))
	}
	p.Type = progTypeNamed(o)
	if p.Type.Keyword == "freplace" {
		panic(want(source.Errorf(o.at, "a replacement cannot be replaced")))
	}
	s := &Sub{Name: p.Name, Result: types.I32, Global: true, Pos: p.Pos, prog: p, body: body, form: d.form, env: d.env}
	places := []source.Pos{p.Pos}
	if args, ok := opts["ARGS"]; ok {
		places = c.subParams(s, d, args.value, args.at, want)
	} else {
		s.Params = []SubParam{{"ctx", types.PtrTo(nil, types.PtrCtx), &sexp.Symbol{Name: "CTX"}}}
	}
	result := opts["RESULT"]
	if result.value != nil {
		s.Result = c.paramType(result.value, result.at, d.env)
	}
	s.checkGlobal(places, result.at)
	p.Replaces = s
}

// progTypeNamed reads a keyword for a program type.
func progTypeNamed(o option) *abi.ProgType {
	s, isSym := o.value.(*sexp.Symbol)
	if isSym && s.Keyword {
		if t := abi.ProgTypeByKeyword(strings.ToLower(s.Name)); t != nil {
			return t
		}
	}
	e := source.Errorf(o.at, "unknown program type `%s`", strings.ToLower(sexp.Print(o.value))).WithExpected(":xdp :tc :tracepoint :kprobe :cgroup-skb ...").WithCode("unknown-program-type")
	if isSym {
		var names []string
		for _, t := range abi.ProgTypes() {
			names = append(names, t.Keyword)
		}
		if m := didYouMean(s.Name, names); m != "" {
			e.DidYouMean(":" + m)
		}
	}
	panic(e)
}

// dropContext takes away the context that every function is lowered with,
// from a replacement: its own parameters are all it has.
func (c *compiler) dropContext(p *Program) {
	entry := p.Func.Blocks[0]
	implicit := entry.Params[0]
	for _, b := range p.Func.Blocks {
		for _, v := range b.Values {
			for _, a := range v.Args {
				if a == implicit {
					c.errs = append(c.errs, source.Errorf(v.Pos, "`%s` uses the context, and the function that it replaces is not given it", p.Name).
						WithHint("if it is: :args ((ctx ctx) ...)").WithCode("bad-replacement"))
					return
				}
			}
		}
	}
	entry.Params = entry.Params[1:]
}
