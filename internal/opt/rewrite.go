package opt

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/source"
)

//go:embed rules.lisp
var rulesText string

// A rule says that two expressions are equal and that the right one is the
// better.
type rule struct{ left, right *term }

// A term is an op on terms, a number, or a variable: ?name binds constants
// only, any other name whatever stands there.
type term struct {
	op    ir.Op
	size  uint8
	args  []*term
	num   *int64
	at    int // where a binding has the variable
	konst bool
}

// A binding is what the variables of a rule stand for, nil while that is open.
type binding [MostVariables]*ir.Value

// MostVariables is how many a rule may have.
const MostVariables = 5

var rules = sync.OnceValue(func() *[math.MaxUint8 + 1][]rule {
	var byOp [math.MaxUint8 + 1][]rule
	rs, err := readRules(rulesText)
	if err != nil {
		panic("rules.lisp: " + err.Error())
	}
	for _, r := range rs {
		byOp[r.left.op] = append(byOp[r.left.op], r)
	}
	return &byOp
})

// rewrite applies the rules of rules.lisp, to values and to the conditions
// of branches.
func rewrite(f *ir.Func, _ *Config) bool {
	changed := false
	byOp := rules()
	// What a comparison holds the verifier does not learn of a number that it no
	// longer compares: one that is a size or an offset afterwards stays what is
	// compared.
	var bounded []bool
	var count []int32
	keeps := func(r rule, args []*ir.Value, env *binding) bool {
		if r.right.wide(env) && !r.left.wide(env) {
			return true
		}
		if !r.left.op.Compares() || r.left.args[0].op == ir.OpInvalid {
			return false
		}
		x := args[0]
		if r.right.op != ir.OpTest { // saves nothing where others want what was computed
			if count == nil {
				count = useCounts(f)
			}
			return x.ID >= len(count) || count[x.ID] != 1 || x.Op == ir.OpCopy
		}
		if bounded == nil {
			bounded = offsets(f)
		}
		for x.Op == ir.OpCopy {
			x = x.Args[0]
		}
		return x.ID < len(bounded) && bounded[x.ID]
	}
	for _, b := range f.Blocks {
		for i := 0; i < len(b.Values); i++ {
			v := b.Values[i]
			for again := true; again; {
				again = false
				for _, r := range byOp[v.Op] {
					if !r.left.begins(v) {
						continue
					}
					env := &binding{}
					if !r.left.matchOp(v, v.Op, env) || allConst(v.Args) || keeps(r, v.Args, env) {
						continue
					}
					i += r.apply(f, b, i, v, env)
					changed, again = true, true
					break
				}
			}
		}
		t := b.Term
		if t.Op != ir.OpBr || t.HasImm {
			continue
		}
		for again := true; again; {
			again = false
			for _, r := range byOp[t.Cmp] {
				if !r.left.begins(t) {
					continue
				}
				env := &binding{}
				if !r.left.matchOp(t, t.Cmp, env) || allConst(t.Args) || keeps(r, t.Args, env) {
					continue
				}
				switch {
				case r.right.num != nil:
					c := f.Const(*r.right.num, t.Pos)
					z := f.Const(0, t.Pos)
					b.Append(c)
					b.Append(z)
					t.Cmp, t.Args = ir.OpNe, []*ir.Value{c, z}
				case r.right.op.Compares():
					var args []*ir.Value
					for _, a := range r.right.args {
						v, _ := a.build(f, b, len(b.Values), t.Pos, env)
						args = append(args, v)
					}
					t.Cmp, t.Size, t.Args = r.right.op, r.right.size, args
				default:
					continue
				}
				changed, again = true, true
				break
			}
		}
	}
	return changed
}

func allConst(vs []*ir.Value) bool {
	for _, v := range vs {
		if _, ok := v.IsConst(); !ok {
			return false
		}
	}
	return true // fold's work
}

// apply makes v, value i of b, compute the right side; it returns how many
// values it put before it.
func (r rule) apply(f *ir.Func, b *ir.Block, i int, v *ir.Value, env *binding) (added int) {
	right := r.right
	if n, ok := right.constant(env); ok {
		v.MakeConst(n)
		return 0
	}
	if right.op == ir.OpInvalid {
		f.MakeCopy(v, env[right.at])
		return 0
	}
	var args []*ir.Value
	for _, a := range right.args {
		x, n := a.build(f, b, i+added, v.Pos, env)
		args = append(args, x)
		added += n
	}
	v.Op, v.Size, v.Args = right.op, right.size, args
	return added
}

// build puts what t computes before value i of b.
func (t *term) build(f *ir.Func, b *ir.Block, i int, pos source.Pos, env *binding) (v *ir.Value, added int) {
	if n, ok := t.constant(env); ok {
		v = f.Const(n, pos)
		b.Insert(i, v)
		return v, 1
	}
	if t.op == ir.OpInvalid {
		return env[t.at], 0
	}
	var args []*ir.Value
	for _, a := range t.args {
		x, n := a.build(f, b, i+added, pos, env)
		args = append(args, x)
		added += n
	}
	v = f.NewValue(t.op, pos, args...)
	v.Size = t.size
	b.Insert(i+added, v)
	return v, added + 1
}

// constant computes t where env makes all its leaves constant.
func (t *term) constant(env *binding) (int64, bool) {
	switch {
	case t.num != nil:
		return *t.num, true
	case t.op == ir.OpInvalid:
		if v := env[t.at]; v != nil {
			return v.IsConst()
		}
		return 0, false
	}
	var c [2]int64
	for i, a := range t.args {
		n, ok := a.constant(env)
		if !ok {
			return 0, false
		}
		c[i] = n
	}
	return int64(t.op.Eval(t.size, uint64(c[0]), uint64(c[1]))), true
}

// begins reports whether v has the size of t, and its first argument the op that t
// wants: most rules are left out by that.
func (t *term) begins(v *ir.Value) bool {
	return v.Size == t.size && len(v.Args) > 0 && (t.args[0].op == ir.OpInvalid || plain(v.Args[0]).Op == t.args[0].op)
}

// match binds the variables of t so that it becomes v.
func (t *term) match(v *ir.Value, env *binding) bool {
	for v.Op == ir.OpCopy {
		v = v.Args[0]
	}
	n, isConst := v.IsConst()
	switch {
	case t.num != nil:
		return isConst && n == *t.num
	case t.op != ir.OpInvalid:
		return t.matchOp(v, v.Op, env)
	case t.konst && !isConst:
		return false
	}
	if old := env[t.at]; old != nil {
		m, oldConst := old.IsConst()
		return old == v || isConst && oldConst && m == n
	}
	env[t.at] = v
	return true
}

func (t *term) matchOp(v *ir.Value, op ir.Op, env *binding) bool {
	if op != t.op || v.Size != t.size || len(v.Args) != len(t.args) || v.HasImm {
		return false
	}
	for i, a := range t.args {
		if a.op != ir.OpInvalid && op.Compares() && v.Args[i].Type != ir.Scalar {
			return false // addresses are compared as they are
		}
		if !a.match(v.Args[i], env) {
			return false
		}
	}
	return true
}

// wide reports whether t has a constant that takes an instruction of two slots.
func (t *term) wide(env *binding) bool {
	for _, a := range t.args {
		if n, ok := a.constant(env); ok {
			if t.size == 8 && n != int64(int32(n)) {
				return true
			}
		} else if a.wide(env) {
			return true
		}
	}
	return false
}

// A ruleReader reads rules from their text itself: a reader of Lisp would make
// cells of it first, in every process that compiles.
type ruleReader struct {
	text  string
	names []string // of the rule's variables
}

// next gives a parenthesis or an atom; "" is the end.
func (r *ruleReader) next() (token string) {
	for {
		r.text = strings.TrimLeft(r.text, " \n")
		if !strings.HasPrefix(r.text, ";") {
			break
		}
		_, r.text, _ = strings.Cut(r.text, "\n")
	}
	end := strings.IndexAny(r.text, " \n();")
	switch {
	case end < 0:
		end = len(r.text)
	case end == 0:
		end = 1
	}
	token, r.text = r.text[:end], r.text[end:]
	return token
}

// Rules gives the rules of a text in one form, whatever they call their variables
// and however they write their ops; or what is wrong with them.
func Rules(text string) (lines []string, err error) {
	rs, err := readRules(text)
	for _, r := range rs {
		lines = append(lines, r.String())
	}
	return lines, err
}

func (r rule) String() string { return fmt.Sprintf("(rule %v %v)", r.left, r.right) }

func (t *term) String() string {
	switch {
	case t.num != nil:
		return fmt.Sprint(*t.num)
	case len(t.args) == 0 && t.konst:
		return "?" + "abcde"[t.at:t.at+1]
	case len(t.args) == 0:
		return "xyzwv"[t.at : t.at+1]
	}
	s := "(" + t.op.String()
	if t.size != 8 {
		s += fmt.Sprintf(".%d", t.size)
	}
	for _, a := range t.args {
		s += " " + a.String()
	}
	return s + ")"
}

func readRules(text string) (rs []rule, err error) {
	r := &ruleReader{text: text}
	for t := r.next(); t != ""; t = r.next() {
		if t != "(" || r.next() != "rule" {
			return nil, fmt.Errorf("not a rule: %s", t)
		}
		var rl rule
		r.names = r.names[:0]
		if rl.left, err = r.term(r.next()); err != nil {
			return nil, err
		}
		if rl.right, err = r.term(r.next()); err != nil {
			return nil, err
		}
		if t := r.next(); t != ")" {
			return nil, fmt.Errorf("not the end of a rule: %s", t)
		}
		rs = append(rs, rl)
	}
	return rs, nil
}

func (r *ruleReader) term(token string) (*term, error) {
	if token == "(" {
		head := r.next()
		name, size, _ := strings.Cut(head, ".")
		t := &term{op: ir.OpNamed(name), size: 8}
		if n, err := strconv.Atoi(size); err == nil {
			t.size = uint8(n)
		}
		for x := r.next(); x != ")"; x = r.next() {
			a, err := r.term(x)
			if err != nil {
				return nil, err
			}
			t.args = append(t.args, a)
		}
		if t.op == ir.OpInvalid || t.op.Arity() != len(t.args) {
			return nil, fmt.Errorf("no such op: %s", head)
		}
		return t, nil
	}
	if strings.IndexAny(token, "-0123456789") == 0 {
		n, err := strconv.ParseInt(token, 10, 64)
		return &term{num: &n}, err
	}
	name := strings.TrimPrefix(token, "?")
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" {
		return nil, fmt.Errorf("not a term: %s", token)
	}
	at := slices.Index(r.names, token)
	if at < 0 {
		at = len(r.names)
		r.names = append(r.names, token)
	}
	if at >= MostVariables {
		return nil, fmt.Errorf("more than %d variables: %s", MostVariables, token)
	}
	return &term{at: at, konst: name != token}, nil
}
