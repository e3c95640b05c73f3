package user

import (
	"math/big"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A function is a row: what tests may call. The number of arguments follows
// from the lambda list.
type function struct {
	name, params, doc string
	run               func(c *call) sexp.Value
}

// A special is a row: an operator whose arguments are not all evaluated.
type special struct {
	name, params, doc string
	run               func(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value
}

// A call is a function being called.
type call struct {
	s    *Suite
	in   *lisp.Interp
	name string
	args []sexp.Value
}

// table is all that tests may call besides Lisp.
func table() []function {
	return slices.Concat(runFunctions, packetFunctions, mapFunctions, mockFunctions)
}

func specialTable() []special { return slices.Concat(checks, mockSpecials) }

func (s *Suite) functions() (out []lisp.Builtin) {
	for _, f := range table() {
		lo, hi := arity(f.params)
		out = append(out, lisp.Builtin{Name: strings.ToUpper(f.name), Min: lo, Max: hi, Params: f.params, Doc: f.doc, Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
			return f.run(s.call(in, f.name, args))
		}})
	}
	return append(append(out, s.accessors()...), s.kernelAccessors()...)
}

func (s *Suite) specials() (out []lisp.Special) {
	for _, f := range specialTable() {
		out = append(out, lisp.Special{Name: strings.ToUpper(f.name), Params: f.params, Doc: f.doc, Fn: func(in *lisp.Interp, form *sexp.Cons, env *lisp.Env) sexp.Value {
			args, _ := sexp.Slice(form.Cdr)
			lo, hi := arity(f.params)
			if len(args) < lo || hi >= 0 && len(args) > hi {
				in.Fail(source.Errorf(form.Pos, "`%s` with %d arguments", f.name, len(args)).WithExpected("(%s %s)", f.name, f.params))
			}
			return f.run(s.call(in, f.name, args), form, env)
		}})
	}
	return out
}

func (s *Suite) call(in *lisp.Interp, name string, args []sexp.Value) *call {
	if s.run == nil {
		in.Fail(source.Errorf(in.Pos(), "`%s` is for tests, and none runs", name).WithExpected("a call from a deftest, or from a function that one calls"))
	}
	return &call{s, in, name, args}
}

// arity reads a lambda list: plain words are required; &optional, &key and
// &rest have their meaning, as has a list.
func arity(params string) (lo, hi int) {
	optional := false
	depth := 0
	for _, w := range strings.Fields(params) {
		switch {
		case w == "&optional":
			optional = true
		case w == "&key" || w == "&rest" || w == "&body":
			return lo, -1
		case depth == 0 && optional:
			hi++
		case depth == 0:
			lo++
			hi++
		}
		depth += strings.Count(w, "(") - strings.Count(w, ")")
	}
	return lo, hi
}

// fail ends the test by an error at the call.
func (c *call) fail(format string, args ...any) {
	c.in.Fail(source.Errorf(c.in.Pos(), "`"+c.name+"`: "+format, args...))
}

func (c *call) must(err error) { c.s.must(c.in, err) }

// keys reads :name value pairs from argument i on, all of which must be among
// names.
func (c *call) keys(i int, names ...string) map[string]sexp.Value {
	out := map[string]sexp.Value{}
	for ; i < len(c.args); i += 2 {
		k, ok := c.args[i].(*sexp.Symbol)
		name := ""
		if ok && k.Keyword {
			name = strings.ToLower(k.Name)
		}
		if !slices.Contains(names, name) {
			c.fail("%s is no option of it; they are :%s", sexp.Print(c.args[i]), strings.Join(names, " :"))
		}
		if i+1 == len(c.args) {
			c.fail(":%s has no value", name)
		}
		out[name] = c.args[i+1]
	}
	return out
}

// uint is a number of at most bits bits; a negative one is taken in that many
// bits.
func (c *call) uint(v sexp.Value, bits uint, what string) uint64 {
	n, ok := integer(v)
	if !ok || uint(n.BitLen()) > bits {
		c.fail("%s is %s, and should be a number of %d bits", what, sexp.Print(v), bits)
	}
	return new(big.Int).And(n, new(big.Int).SetUint64(1<<63|(1<<63-1))).Uint64() & (1<<(bits-1) | (1<<(bits-1) - 1))
}

func (c *call) bytes(v sexp.Value, what string) []byte {
	b, err := bytesOf(v)
	if err != nil {
		c.fail("%s: %v", what, err)
	}
	return b
}

func (c *call) mapArg(i int) *lang.Map {
	r, ok := c.args[i].(*mapRef)
	if !ok {
		c.fail("%s is no map", sexp.Print(c.args[i]))
	}
	return r.m
}

func (c *call) program(v sexp.Value) *lang.Program {
	r, ok := v.(*progRef)
	if !ok {
		c.fail("%s is no program", sexp.Print(v))
	}
	return r.p
}

func boolean(b bool) sexp.Value {
	if b {
		return sexp.T
	}
	return sexp.Nil
}

// accessors are the constructors and accessors of the source's structs.
func (s *Suite) accessors() (out []lisp.Builtin) {
	for name, a := range s.r.Unit.Accessors() {
		lower := strings.ToLower(name)
		if a.Field == nil {
			out = append(out, lisp.Builtin{Name: name, Max: -1, Params: "[:field value]...", Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
				r := &Record{a.Struct, make([]byte, a.Struct.Size)}
				if err := r.fill(args); err != nil {
					in.Fail(source.Errorf(in.Pos(), "`%s`: %v", lower, err))
				}
				return r
			}})
			continue
		}
		out = append(out,
			lisp.Builtin{Name: name, Min: 1, Max: -1, Params: a.Struct.Name + " [index]...", Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
				r, t, off := part(in, lower, a, args)
				return fieldValue(a.Field, t, off, r.B)
			}},
			lisp.Builtin{Name: "(SETF " + name + ")", Min: 2, Max: -1, Params: "value " + a.Struct.Name + " [index]...", Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
				r, t, off := part(in, lower, a, args[1:])
				if err := r.set(a.Field, t, off, args[0]); err != nil {
					in.Fail(source.Errorf(in.Pos(), "`%s`: %v", lower, err))
				}
				return args[0]
			}})
	}
	slices.SortFunc(out, func(a, b lisp.Builtin) int { return strings.Compare(a.Name, b.Name) })
	return out
}
