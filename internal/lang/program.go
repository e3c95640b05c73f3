package lang

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A pendingProg is a program whose body waits until all declarations are read.
type pendingProg struct {
	p    *Program
	body sexp.Value
	form *sexp.Cons
	env  *lisp.Env
}

const progKeywords = ":type :section :license :attach :sleepable :cpu :args :extends :result"

func declareProgram(c *compiler, d *decl) sexp.Value {
	sym := d.name("program")
	p := &Program{Name: sym.Display(), Pos: d.at(0), License: "GPL", CPU: c.opt.cpu(c.opt.CPU)}
	if len(d.args) < 2 {
		panic(d.fail(nil, "the program `%s` has no options and no body", p.Name).WithExpected("(defprog %s (:type ...) body...)", p.Name).WithCode("bad-program"))
	}
	rest := d.form.Cdr.(*sexp.Cons).Cdr.(*sexp.Cons)
	if _, isList := sexp.Slice(rest.Car); !isList {
		e := d.fail(rest.Car, "the options of a program must be a list").WithExpected("(:type :xdp ...)").WithCode("bad-program")
		e.Pos = rest.At.Or(e.Pos)
		panic(e)
	}
	opts := d.options(rest.Car, progKeywords)
	body := rest.Cdr
	if x, ok := body.(*sexp.Cons); ok && x.Cdr != sexp.Value(sexp.Nil) {
		if doc, isStr := x.Car.(*sexp.String); isStr {
			p.Doc = doc.String()
			body = x.Cdr
		}
	}
	if o, ok := opts["SECTION"]; ok {
		s, isStr := o.value.(*sexp.String)
		if !isStr {
			panic(source.Errorf(o.at, ":section must be a string").WithCode("bad-program"))
		}
		p.Section = s.String()
		sec := abi.SectionMatch(p.Section)
		if sec == nil {
			e := source.Errorf(o.at, "unknown section %q", p.Section).WithExpected("a section name that libbpf knows").WithCode("unknown-section")
			var names []string
			for _, s := range abi.Sections() {
				names = append(names, strings.TrimSuffix(s.Pattern, "+"))
			}
			prefix, _, _ := strings.Cut(p.Section, "/")
			if m := didYouMean(prefix, names); m != "" {
				e.WithHint("did you mean %q?", m)
			}
			panic(e)
		}
		p.Type = sec.ProgType()
	}
	if o, ok := opts["TYPE"]; ok {
		t := progTypeNamed(o)
		if p.Type != nil && p.Type != t && p.Type.Type != t.Type {
			panic(source.Errorf(opts["SECTION"].at, "the section %q means a %s program, but :type is :%s", p.Section, p.Type.Keyword, t.Keyword).
				WithHint("leave one of the two out").WithCode("section-conflict"))
		}
		p.Type = t
	}
	if p.Type == nil {
		p.Type = abi.ProgTypeByKeyword("xdp")
	}
	p.Section = sectionFor(p, opts)
	for _, key := range []string{"SECTION", "ATTACH"} {
		if o, ok := opts[key]; ok {
			p.sectionPos = o.at
		}
	}
	if p.Type.Keyword == "freplace" {
		c.replacement(p, d, opts, body)
	} else {
		for _, key := range []string{"EXTENDS", "RESULT"} {
			if o, ok := opts[key]; ok {
				panic(source.Errorf(o.at, ":%s is for programs that replace a function of another (freplace)", strings.ToLower(key)).WithCode("bad-program"))
			}
		}
		if o, ok := opts["ARGS"]; ok {
			body = c.argBindings(o, body)
		}
	}
	if o, ok := opts["LICENSE"]; ok {
		s, isStr := o.value.(*sexp.String)
		if !isStr || s.String() == "" {
			panic(source.Errorf(o.at, ":license must be a string").WithExpected("\"GPL\", \"Dual MIT/GPL\", \"MIT\", ...").WithCode("bad-program"))
		}
		p.License = s.String()
	}
	p.Sleepable = abi.SectionMatch(p.Section).Sleepable()
	if o, ok := opts["CPU"]; ok {
		v, isSym := o.value.(*sexp.Symbol)
		n := int64(0)
		if isSym && len(v.Name) == 2 && v.Name[0] == 'V' {
			n = int64(v.Name[1] - '0')
		} else if !isSym {
			n = d.number(o, ":cpu")
		}
		if n < 2 || n > 4 {
			panic(source.Errorf(o.at, "unknown BPF cpu version %s", sexp.Print(o.value)).WithExpected("2, 3 or 4").WithCode("bad-program"))
		}
		p.CPU = c.opt.cpu(int(n))
	}
	if body == sexp.Value(sexp.Nil) {
		panic(d.fail(nil, "the program `%s` has no body", p.Name).WithCode("bad-program"))
	}
	p.C = c.objectName("program", sym, p.Pos)
	if p.Type.Keyword == "usdt" {
		c.usdtMaps(p.Pos)
	}
	c.progs[sym.Name] = p.Pos
	c.unit.Programs = append(c.unit.Programs, p)
	c.pending = append(c.pending, &pendingProg{p, body, d.form, d.env})
	return sym
}

// sectionFor is the section that the options name: :section itself, or that
// of the type, with :attach and :sleepable in it.
func sectionFor(p *Program, opts map[string]option) string {
	section := p.Section
	if section == "" {
		section = p.Type.Section
	}
	if o, ok := opts["ATTACH"]; ok {
		at := ""
		switch x := o.value.(type) {
		case *sexp.String:
			at = x.String()
		case *sexp.Symbol:
			if !x.Keyword && x != sexp.Nil {
				at = cName(x)
			}
		}
		switch {
		case at == "":
			panic(source.Errorf(o.at, ":attach must be a string or a name").WithExpected("what follows in the section: \"egress\", \"sched/sched_switch\", \"/bin/bash:readline\"").WithCode("bad-program"))
		case p.Section != "":
			panic(source.Errorf(o.at, ":section says where the program attaches").WithHint("leave one of the two out").WithCode("section-conflict"))
		}
		section = ""
		var ways []string
		for _, pattern := range p.Type.Sections {
			name, target := strings.CutSuffix(pattern, "+")
			_, way, _ := strings.Cut(name, "/")
			switch {
			case target && section == "":
				section = name + "/" + at
			case way != "":
				if !slices.Contains(ways, way) {
					ways = append(ways, way)
				}
				if way == at && section == "" {
					section = name
				}
			}
		}
		if section == "" {
			panic(source.Errorf(o.at, "a %s program cannot be attached to %q", p.Type.Keyword, at).WithExpected("%s", strings.Join(ways, ", ")).WithCode("bad-program"))
		}
	}
	if o, ok := opts["SLEEPABLE"]; ok && o.value != sexp.Value(sexp.Nil) && !abi.SectionMatch(section).Sleepable() {
		if p.Section != "" {
			panic(source.Errorf(o.at, "the section %q is for programs that do not sleep", section).WithHint("name the section for those that do, or leave :section out").WithCode("section-conflict"))
		}
		kind, target, _ := strings.Cut(section, "/")
		section = ""
		if target != "" {
			target = "/" + target
		}
		for _, pattern := range p.Type.Sections {
			if name := strings.TrimSuffix(pattern, "+"); name == kind+".s" {
				section = name + target
			}
		}
		if section == "" {
			panic(source.Errorf(o.at, "a %s program cannot sleep", p.Type.Keyword).WithCode("bad-program"))
		}
	}
	return section
}

// lowerPrograms lowers the bodies; all maps, structs and macros are known.
func (c *compiler) lowerPrograms() {
	c.resolveOps()
	for _, pp := range c.pending {
		if pp.p.Type.Keyword == structOps && pp.p.member == nil {
			continue // an error says so
		}
		c.lowerProgram(pp)
	}
	c.resolveValues()
	c.inferEvents()
}

func (c *compiler) lowerProgram(pp *pendingProg) {
	l := &lowerer{builder: c.newBuilder(pp.p.C), c: c, prog: pp.p, sub: pp.p.Replaces, user: pp.form}
	l.function(pp.body, pp.form, pp.env, func() {
		if pp.p.Replaces != nil {
			l.bindParams(pp.p.Replaces)
		}
		if c.opt.Pid != 0 {
			l.onlyFor(c.opt.Pid)
		}
	})
	pp.p.Func = l.f
}

// function lowers body as a function whose first parameter is the context;
// begin adds what comes before the body.
func (l *lowerer) function(body sexp.Value, form *sexp.Cons, env *lisp.Env, begin func()) {
	c := l.c
	l.free = map[int][]int{}
	l.pos = form.Pos.Or(l.prog.Pos)
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *source.Error:
			c.report(e, form, l.prog.Pos)
		default:
			panic(e)
		}
	}()
	if env != nil {
		l.scope = &scope{env: env}
	}
	c.prog = l.prog
	entry := l.block()
	l.seal(entry)
	l.start(entry)
	l.ctxVar = &variable{name: "context", typ: types.PtrTo(nil, types.PtrCtx), pos: l.pos, used: true}
	l.write(l.ctxVar, l.f.NewParam(entry, ir.PtrCtx, l.pos))
	begin()
	errs := len(c.errs)
	v := l.body(body)
	if len(c.errs) > errs {
		return
	}
	if l.reachable() || l.cur.Term == nil {
		for x, ok := body.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
			l.pos = sexp.PosOf(x.Car).Or(x.At).Or(l.pos) // the last form gives the result
		}
		l.result(v, nil)
	}
	l.f.Prune()
	if err := ir.Verify(l.f); err != nil {
		e := bug("lowering %s made a broken function: %v\n%v", l.prog.Name, err, l.f)
		e.Pos = l.prog.Pos
		c.errs = append(c.errs, e)
	}
}

// result ends the program or subprogram with v.
func (l *lowerer) result(v val, form sexp.Value) {
	if l.sub != nil {
		l.subResult(v, form)
		return
	}
	if m := l.prog.member; m != nil && m.void(l.btf()) {
		l.ret(l.constant(0, l.pos), l.pos)
		return
	}
	if v.t.IsPtr() && !v.t.Null && l.reachable() && v.t.Space != types.Scalar {
		panic(l.fail(form, "the result of the program is a %v", v.t).WithExpected("a number").WithCode("bad-result"))
	}
	if v.t.IsPtr() && l.reachable() {
		panic(l.fail(form, "the result of the program may be a %v, which the kernel does not let out", v.t).WithExpected("a number").WithCode("bad-result"))
	}
	if n, ok := v.v.IsConst(); ok && v.t.Kind == types.Literal {
		t := l.prog.Type
		lo, hi, has := t.RetMin, t.RetMax, t.HasRet
		if s := abi.SectionMatch(l.prog.Section); s != nil && s.HasRet {
			lo, hi, has = s.RetMin, s.RetMax, true
		}
		if has && (n < lo || n > hi) {
			panic(l.fail(form, "a %s program cannot return %d", t.Keyword, n).WithExpected("%d to %d", lo, hi).WithCode("bad-result"))
		}
	}
	l.ret(v.v, l.pos)
}

// tracing are the kinds of attachment that run in the context of a process.
var tracing = map[string]bool{"tracepoint": true, "kprobe": true, "uprobe": true, "perf-event": true, "raw-tracepoint": true, "tracing": true,
	"uprobe-multi": true, "usdt": true}

// Tracing reports whether p runs in the context of a process.
func (p *Program) Tracing() bool { return tracing[p.Type.AttachKind] }

// onlyFor leaves the program at once in every process but one.
func (l *lowerer) onlyFor(pid int) {
	if !l.prog.Tracing() {
		return
	}
	id := l.callHelper("get-current-pid-tgid")
	tgid := l.add(ir.OpShr, l.pos, id, l.constant(32, l.pos))
	here, other := l.block(), l.block()
	l.branch(ir.OpEq, tgid, l.constant(int64(pid), l.pos), here, other, l.pos)
	l.seal(here)
	l.seal(other)
	l.start(other)
	l.ret(l.constant(0, l.pos), l.pos)
	l.start(here)
}
