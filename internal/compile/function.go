package compile

import (
	"fmt"
	"slices"
	"sort"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/emit"
	"github.com/whistler-lang/whistler/internal/fix"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/ir/facts"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/obj"
	"github.com/whistler-lang/whistler/internal/opt"
	"github.com/whistler-lang/whistler/internal/regalloc"
	"github.com/whistler-lang/whistler/internal/source"
)

// A function is a program or a subprogram on its way through the compiler.
type function struct {
	name, c, section, typ string
	pos                   source.Pos
	cpu                   int
	f                     *ir.Func
	ctx                   *abi.ProgType        // nil where no program calls it
	sub                   *lang.Sub            // nil for a program
	maps                  map[string]*lang.Map // of the unit, by their names in the object
	calls                 []string             // see callees; as improve has left it
	texts                 fix.Texts            // see names
	count                 bool                 // make it with fewer paths
	code                  *emit.Code           // when it is emitted
	prog                  *bpf.Program         // and what became of it
}

// gather lists the functions of a unit: those that are called before those
// that call them, and programs last, in the order of the source.
func gather(u *lang.Unit) (out []*function) {
	maps := make(map[string]*lang.Map, len(u.Maps))
	for _, m := range u.Maps {
		maps[m.C] = m
	}
	byName := map[string]*lang.Sub{}
	for _, s := range u.Subs {
		byName[s.C] = s
	}
	seen := map[*lang.Sub]bool{}
	var visit func(s *lang.Sub)
	visit = func(s *lang.Sub) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		for _, name := range callees(s.Func) {
			visit(byName[name])
		}
		cpu := 0
		for _, p := range u.Programs {
			cpu = p.CPU
		}
		out = append(out, &function{name: s.Name, c: s.C, section: obj.TextSection, pos: s.Pos, cpu: cpu, f: s.Func, ctx: s.ProgType(), sub: s, maps: maps})
	}
	for _, s := range u.Subs {
		visit(s)
	}
	for _, p := range u.Programs {
		out = append(out, &function{name: p.Name, c: p.C, section: p.Section, typ: p.Type.Keyword, pos: p.Pos, cpu: p.CPU, f: p.Func, ctx: p.Type, maps: maps})
	}
	return out
}

// callees lists what f calls or hands out as a callback.
func callees(f *ir.Func) (names []string) {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpCallSub || v.Op == ir.OpMapAddr && v.Type == ir.PtrFunc {
				names = append(names, v.Sym)
			}
		}
	}
	return names
}

// reached leaves out the subprograms that nothing calls any more: those
// that were inlined everywhere, and those that no program ever called.
func reached(funcs []*function) (out []*function) {
	byName := map[string]*function{}
	for _, f := range funcs {
		byName[f.c] = f
	}
	live := map[*function]bool{}
	var visit func(f *function)
	visit = func(f *function) {
		if f == nil || live[f] {
			return
		}
		live[f] = true
		for _, name := range callees(f.f) {
			visit(byName[name])
		}
	}
	for _, f := range funcs {
		if f.sub == nil || f.sub.Global {
			visit(f)
		}
	}
	for _, f := range funcs {
		if live[f] {
			out = append(out, f)
		}
	}
	return out
}

// unaligned are the architectures whose kernels are configured with
// HAVE_EFFICIENT_UNALIGNED_ACCESS, which is what the verifier goes by.
var unaligned = map[string]bool{"amd64": true, "arm64": true}

func (fn *function) config(o Options) *opt.Config {
	c := &opt.Config{CPU: fn.cpu, Count: fn.count, Short: o.Short, Unaligned: unaligned[o.Arch], Off: o.Off}
	if o.Trace != nil {
		c.Trace = func(pass string, f *ir.Func) { fn.trace(o, "after "+pass, f) }
	}
	return c
}

func (fn *function) trace(o Options, stage string, what fmt.Stringer) {
	if o.Trace != nil {
		o.Trace(fn.name, stage, what)
	}
}

// improve looks for what is written to no purpose, optimises the function and
// puts those in it that are worth it. The list may hold warnings only.
func (fn *function) improve(u *lang.Unit, in *opt.Inliner, o Options) (said source.List) {
	c := fn.config(o)
	fn.trace(o, "lowered", fn.f)
	said = fn.warn(u, o)
	// What is called once is improved where it is put.
	once := in.Funcs[fn.c] != nil && in.Calls[fn.c] == 1
	improve := func() error {
		if once {
			return nil
		}
		return opt.Improve(fn.f, c)
	}
	err := improve()
	if err == nil && len(callees(fn.f)) > 0 {
		var changed bool
		if changed, err = opt.Inline(fn.f, in); err == nil && changed {
			fn.trace(o, "after inline", fn.f)
			err = improve()
		}
	}
	fn.recount(in)
	if err != nil {
		return source.List{fn.bug("the optimiser", err)}
	}
	return said
}

// warn gives what the function says to no purpose.
func (fn *function) warn(u *lang.Unit, o Options) (said source.List) {
	if o.Off["facts"] {
		return nil
	}
	for _, x := range facts.Warnings(fn.f) {
		said = append(said, message(fn, &x))
	}
	return said
}

// judge gives the mistakes in the code when it is ready for the allocator,
// which is what the verifier sees: what the optimiser takes away, such as a
// load that nobody uses, is none. If there are some, the sources are lowered
// again: a mistake of the same kind in a function as it was written says it at
// its form.
func judge(files []*source.File, u *lang.Unit, emitted []*function, o Options, tooMany map[string]bool) (said source.List) {
	if o.Off["facts"] {
		return nil
	}
	after, walked := map[string][]facts.Finding{}, map[string]int{}
	bodies := map[string]*facts.Body{} // of callbacks
	for _, g := range emitted {
		env := g.machine(environment(u, g))
		env.Plain = o.Off["shortcuts"]
		root := g.sub == nil || !g.sub.Callback || g.sub.Later // others are walked where they are called
		if root && len(bodies) > 0 {
			env.Callback = func(name string) *facts.Body { return bodies[name] }
		}
		env.Walked = func(name string) int { return walked[name] }
		found, n := facts.Check(g.f, env)
		g.f.Done()
		if g.prog != nil {
			g.prog.Walked = n
		}
		for _, x := range found {
			if x.Kind == facts.TooComplex {
				tooMany[g.c] = true
				for _, name := range callees(g.f) {
					tooMany[name] = tooMany[name] || bodies[name] != nil
				}
			}
		}
		if len(found) > 0 {
			after[g.c] = found
		}
		switch {
		case g.sub != nil && g.sub.Callback:
			bodies[g.c] = &facts.Body{Func: g.f, Shape: env.Shape}
		case g.sub != nil && !g.sub.Global:
			walked[g.c] = n
		}
	}
	if len(after) == 0 {
		return nil
	}
	type place struct {
		kind facts.Kind
		pos  source.Pos
	}
	have := map[place]bool{}
	say := func(fn *function, x *facts.Finding) {
		if at := (place{x.Kind, x.Pos}); !have[at] {
			have[at] = true
			said = append(said, message(fn, x))
		}
	}
	type mistake struct {
		function string
		kind     facts.Kind
	}
	spoken := map[mistake]bool{}
	if again, errs := lang.Lower(files, o.Options); errs.Errors() == nil {
		left := map[string]bool{}
		for _, g := range emitted {
			left[g.c] = true
		}
		for _, fn := range gather(again) {
			mistakes, _ := facts.Check(fn.f, environment(again, fn))
			for _, x := range mistakes {
				confirmed := false
				for name, found := range after {
					// What was inlined everywhere is in any of them.
					if (name == fn.c || !left[fn.c]) && slices.ContainsFunc(found, func(y facts.Finding) bool { return y.Kind == x.Kind }) {
						confirmed, spoken[mistake{name, x.Kind}] = true, true
					}
				}
				if confirmed {
					say(fn, &x)
				}
			}
		}
	}
	for _, g := range emitted {
		for _, y := range after[g.c] {
			if !spoken[mistake{g.c, y.Kind}] {
				say(g, &y)
			}
		}
	}
	return said
}

// inliner says which functions may be put into others.
func inliner(funcs []*function, o Options) *opt.Inliner {
	in := &opt.Inliner{Funcs: map[string]*ir.Func{}, Calls: map[string]int{}}
	for _, g := range funcs {
		g.recount(in)
		if g.sub != nil && !g.sub.Global && !g.sub.Callback && !o.Off["inline"] {
			in.Funcs[g.c] = g.f
		}
	}
	return in
}

// recount counts the calls of a function that has changed.
func (fn *function) recount(in *opt.Inliner) {
	for _, name := range fn.calls {
		in.Calls[name]--
	}
	fn.calls = callees(fn.f)
	for _, name := range fn.calls {
		in.Calls[name]++
	}
}

// lower brings the function into the machine's form.
func (fn *function) lower(o Options) *source.Error {
	if err := opt.Lower(fn.f, fn.config(o)); err != nil {
		return fn.bug("the optimiser", err)
	}
	return nil
}

// emit takes the function through the allocator and the emitter.
func (fn *function) emit(o Options) (*bpf.Program, *source.Error) {
	defer fn.f.Done()
	alloc, err := regalloc.Run(fn.f)
	if err != nil {
		return nil, fn.bug("register allocation", err)
	}
	fn.trace(o, "allocated", alloc)
	code, err := emit.Func(alloc, fn.cpu, o.Off)
	if o.Trace == nil {
		alloc.Free()
	}
	fn.code = code
	if err != nil {
		if l := source.AsList(err); l[0].Pos.Known() {
			return nil, l[0]
		}
		return nil, fn.bug("emission", err)
	}
	if code.Stack > emit.MaxStack {
		return nil, fn.stackError(code)
	}
	fn.prog = &bpf.Program{Name: fn.c, Lisp: fn.name, Pos: fn.pos, Section: fn.section, Type: fn.typ,
		Insns: code.Insns, Lines: code.Lines, Refs: code.Refs, Stack: code.Stack}
	return fn.prog, nil
}

// stackError says who uses the stack.
func (fn *function) stackError(code *emit.Code) *source.Error {
	what := "program"
	if fn.sub != nil {
		what = "subprogram"
	}
	e := source.Errorf(fn.pos, "the %s `%s` needs %d bytes of stack", what, fn.name, code.Stack).
		WithExpected("at most %d", emit.MaxStack).WithHint("keep large structs in a per-CPU array of one entry").WithCode("stack-size")
	for _, u := range code.Uses {
		if u.Pos.Known() {
			e.WithNote(u.Pos, "%d bytes for %s", u.Bytes, u.Name)
		} else {
			e.WithNote(fn.pos, "%d bytes for %s", u.Bytes, u.Name)
		}
	}
	return e
}

func (fn *function) bug(stage string, err error) *source.Error {
	e := source.Errorf(fn.pos, "%s failed on `%s`: %v", stage, fn.name, err).WithHint("this is a bug of the compiler; please report it with the source").WithCode("bug")
	e.Severity = source.SevBug
	return e
}

// frame is what a function's stack counts for in the kernel's sum over a
// chain of calls (round_up_stack_depth of kernel/bpf/verifier.c, without JIT).
func frame(p *bpf.Program) int { return (max(p.Stack, 1) + 31) / 32 * 32 }

// checkStack adds up the stack along the calls of each program: the kernel
// gives all of them together what it gives one.
func checkStack(r *Result) (errs source.List) {
	subs := map[string]*bpf.Program{}
	roots := r.Programs
	for _, s := range r.Subs {
		if s.Later {
			roots = append(roots[:len(roots):len(roots)], s.Program)
		} else {
			subs[s.Name] = s.Program
		}
	}
	var deepest func(p *bpf.Program) (int, []*bpf.Program)
	deepest = func(p *bpf.Program) (int, []*bpf.Program) {
		depth, path := 0, []*bpf.Program(nil)
		for _, ref := range p.Refs {
			if s := subs[ref.Name]; s != nil && (ref.Kind == bpf.RefSubprog || ref.Kind == bpf.RefFunc) {
				if d, q := deepest(s); d > depth {
					depth, path = d, q
				}
			}
		}
		return depth + frame(p), append([]*bpf.Program{p}, path...)
	}
	for _, p := range roots {
		depth, path := deepest(p)
		if depth <= emit.MaxStack || len(path) < 2 {
			continue
		}
		e := source.Errorf(p.Pos, "the program `%s` and what it calls need %d bytes of stack", p.Lisp, depth).
			WithExpected("at most %d", emit.MaxStack).WithHint("keep large structs in a per-CPU array of one entry").WithCode("stack-size")
		sort.SliceStable(path, func(i, j int) bool { return path[i].Stack > path[j].Stack })
		for _, q := range path {
			e.WithNote(q.Pos, "%d bytes for `%s`", frame(q), q.Lisp)
		}
		errs = append(errs, e)
	}
	return errs
}

// subprogram is what the object says of a subprogram.
func subprogram(s *lang.Sub, p *bpf.Program) *obj.Sub {
	out := &obj.Sub{Program: p, Global: s.Global, Later: s.Later, Result: s.Result}
	if s.Context {
		ctx := ""
		if t := s.ProgType(); t != nil {
			ctx = t.Ctx
		}
		out.Params = append(out.Params, obj.Param{Name: "ctx", Context: true, CtxStruct: ctx})
	}
	for _, q := range s.Params {
		x := obj.Param{Name: q.C(), Type: q.Type}
		if q.Type.Space == ir.PtrCtx {
			x.Context = true
			if t := s.ProgType(); t != nil {
				x.CtxStruct = t.Ctx
			}
		}
		out.Params = append(out.Params, x)
	}
	return out
}
