package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// objects are the kernel's objects that a struct may have as fields.
var objects = map[string]*types.Struct{"BPF-SPIN-LOCK": types.SpinLock, "BPF-TIMER": types.Timer, "BPF-DYNPTR": types.Dynptr}

// objectUse says what programs do with them.
var objectUse = map[*types.Struct]string{
	types.SpinLock: "(with-spin-lock (pointer) body...) takes the lock around body",
	types.Timer:    "give its address to timer-init, timer-set-callback, timer-start and timer-cancel",
	types.Dynptr:   "(with-dynptr (d (dynptr-from-mem ...)) ...) makes one, dynptr-read, dynptr-write and dynptr-data use it",
}

// refusedObjects are those that the language has no forms for, and what
// does instead.
var refusedObjects = map[string]string{
	"BPF-RB-ROOT":       "keep the entries in a hash or array map",
	"BPF-RB-NODE":       "keep the entries in a hash or array map",
	"BPF-LIST-HEAD":     "a map of type :queue or :stack holds entries in their order",
	"BPF-LIST-NODE":     "a map of type :queue or :stack holds entries in their order",
	"BPF-REFCOUNT":      "keep what is shared in a map value",
	"BPF-WQ":            "a bpf-timer calls back later",
	"BPF-RES-SPIN-LOCK": "use bpf-spin-lock",
	"KPTR":              "look the object up again, or keep data of it in a map of type :task-storage, :sk-storage, :inode-storage or :cgrp-storage",
}

// refuseObject makes e, which says that v is no type, an error about an
// object of the kernel that is not supported.
func (c *compiler) refuseObject(v sexp.Value, e *source.Error) {
	if x, isList := v.(*sexp.Cons); isList {
		v = x.Car
	}
	s, isSym := v.(*sexp.Symbol)
	if !isSym {
		return
	}
	if use := refusedObjects[s.Name]; use != "" {
		e.What = "fields of type `" + s.Display() + "` are not supported"
		e.Expected = ""
		panic(e.WithHint("%s", use).WithCode("unsupported-object"))
	}
}

// misplaced says that an object stands where the kernel has none.
func (c *compiler) misplaced(o *types.Struct, v sexp.Value, at source.Pos) *source.Error {
	e := source.Errorf(at, "a %s cannot stand here", o.Name).
		WithExpected("a field of the struct that is a map's value").WithCode("kernel-object")
	e.Culprit = v
	return e
}

// noObject refuses an object as the type of anything but a field.
func (c *compiler) noObject(t *types.Type, v sexp.Value, at source.Pos) {
	if o := t.Object(); o != nil {
		e := c.misplaced(o, v, at)
		if o == types.Dynptr {
			e.WithExpected("").WithHint("%s", objectUse[o])
		}
		panic(e)
	}
}

// fieldType is the type of a field of s, which may be an object.
func (d *decl) fieldType(s *types.Struct, v sexp.Value, at source.Pos) *types.Type {
	t := d.c.findType(v, at, d.env)
	o := t.Object()
	if o == nil || o == types.Dynptr {
		t = d.typeOf(v, at)
		if o := t.HasObject(); o != nil {
			panic(d.c.misplaced(o, v, at).WithExpected("a %s as a field of the map's value itself", o.Name))
		}
		return t
	}
	if s.Union {
		panic(d.c.misplaced(o, v, at).WithHint("the kernel does not look for one in a union"))
	}
	for _, f := range s.Objects() {
		if f.Type.Struct == o {
			panic(source.Errorf(at, "a second %s in one struct", o.Name).WithExpected("at most one: the kernel takes no more in a map value").
				WithNote(f.Pos, "the first is here").WithCode("kernel-object"))
		}
	}
	return t
}

// objectMaps are the types of maps whose values may have the objects, as
// map_check_btf of kernel/bpf/syscall.c has them.
var objectMaps = map[*types.Struct][]string{
	types.SpinLock: {"hash", "array", "cgroup-storage", "sk-storage", "inode-storage", "task-storage", "cgrp-storage"},
	types.Timer:    {"hash", "lru-hash", "array"},
}

// Objects are the fields of m's values that are objects of the kernel.
func (m *Map) Objects() []*types.Field {
	if m.Value == nil || m.Value.Kind != types.StructKind {
		return nil
	}
	return m.Value.Struct.Objects()
}

// checkObjects checks a map whose values have objects of the kernel.
func (d *decl) checkObjects(m *Map, opts map[string]option) {
	at := func(keys ...string) source.Pos {
		for _, k := range keys {
			if o, ok := opts[k]; ok {
				return o.at
			}
		}
		return d.at(0)
	}
	if o := m.Key.HasObject(); o != nil {
		panic(d.c.misplaced(o, nil, at("KEY")))
	}
	for _, s := range m.Events {
		if o := s.Type().HasObject(); o != nil {
			panic(d.c.misplaced(o, nil, at("EVENT")))
		}
	}
	for _, f := range m.Objects() {
		o := f.Type.Struct
		fits := false
		for _, kw := range objectMaps[o] {
			fits = fits || kw == m.Type.Keyword
		}
		switch {
		case !fits:
			panic(source.Errorf(at("TYPE"), "the values of %s map cannot have a %s", article(m.Type.Keyword), o.Name).
				WithExpected(":%s", strings.Join(objectMaps[o], " :")).WithNote(f.Pos, "the field is here").WithCode("kernel-object"))
		case m.Type.Array && (m.Key.Kind != types.Int || m.Key.Enum != nil):
			panic(source.Errorf(at("KEY"), "the kernel finds the %s in the values only where the key is a plain u32", o.Name).
				WithExpected("u32").WithNote(f.Pos, "the field is here").WithCode("kernel-object"))
		case m.Flags&objectFlags() != 0:
			panic(source.Errorf(at("MAP-FLAGS"), "a map whose values have a %s cannot be read-only or write-only for programs", o.Name).
				WithNote(f.Pos, "the field is here").WithCode("kernel-object"))
		}
	}
}

func objectFlags() uint32 {
	r, _ := abi.Constant("BPF_F_RDONLY_PROG")
	w, _ := abi.Constant("BPF_F_WRONLY_PROG")
	return uint32(r | w)
}

// interrupting are the types of programs that may run anywhere in the
// kernel: is_tracing_prog_type of kernel/bpf/verifier.c.
var interrupting = map[string]bool{"BPF_PROG_TYPE_KPROBE": true, "BPF_PROG_TYPE_TRACEPOINT": true, "BPF_PROG_TYPE_PERF_EVENT": true,
	"BPF_PROG_TYPE_RAW_TRACEPOINT": true, "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE": true}

// forbids gives an object in m's values that p may not use, nil if there is
// none (check_map_prog_compatibility of kernel/bpf/verifier.c).
func (m *Map) forbids(p *Program) *types.Field {
	for _, f := range m.Objects() {
		if interrupting[p.Type.C] || f.Type.Struct == types.SpinLock && p.Type.C == "BPF_PROG_TYPE_SOCKET_FILTER" {
			return f
		}
	}
	return nil
}

// objectProgram refuses a map whose objects programs of this type may not use.
func (l *lowerer) objectProgram(c *call, i int, m *Map) {
	if f := m.forbids(l.prog); f != nil {
		panic(l.failAt(c.at(i), c.args[i], "a %s program cannot use `%s`, whose values have a %s", l.prog.Type.Keyword, m.Name, f.Type.Struct.Name).
			WithNote(f.Pos, "the field is here").WithHint("fentry, fexit and tp-btf programs may; so may those of packets and cgroups").WithCode("kernel-object"))
	}
}

// mapOfObject finds a map by its name in objects.
func (c *compiler) mapOfObject(name string) *Map {
	for _, m := range c.unit.Maps {
		if m.C == name {
			return m
		}
	}
	return nil
}

// objectArgs are the objects that helpers take.
var objectArgs = map[abi.ArgKind]*types.Struct{abi.ArgSpinLock: types.SpinLock, abi.ArgTimer: types.Timer,
	abi.ArgDynptr: types.Dynptr, abi.ArgDynptrOut: types.Dynptr}

// takesObject checks the pointer to an object that a helper gets.
func (l *lowerer) takesObject(c *call, i int, kind abi.ArgKind, v val) {
	o := objectArgs[kind]
	if o == nil {
		if h := v.t.Elem.Object(); h != nil {
			panic(l.failAt(c.at(i), c.args[i], "`%s` would look into a %s, which only the kernel does", c.head.Display(), h.Name).
				WithHint("%s", objectUse[h]).WithCode("kernel-object"))
		}
		return
	}
	wrong := func(format string, args ...any) *source.Error {
		return l.failAt(c.at(i), c.args[i], format, args...).WithCode("kernel-object")
	}
	if e := v.t.Elem; e != nil && e.Object() != o {
		x := wrong("argument %d of `%s` must point to a %s, and this points to `%v`", i+1, c.head.Display(), o.Name, e).WithExpected("a pointer to a %s", o.Name)
		if e.Kind == types.StructKind {
			for _, f := range e.Struct.Objects() {
				if f.Type.Struct == o {
					x.WithHint("(%s-%s pointer) is the address of the field", toLower(e.Struct.Name), toLower(f.Name))
				}
			}
		}
		panic(x)
	}
	if s := v.t.Space; o != types.Dynptr && s != types.PtrValue && s != types.PtrAny {
		panic(wrong("a %s lives in the value of a map, and this points to %s", o.Name, s.Words()).
			WithExpected("the address of a field of what getmap gives"))
	}
}

// lowerLockIn is (%lock-in pointer): the address of the lock in a struct, or
// pointer if it points to one already.
func lowerLockIn(l *lowerer, c *call) val {
	p := c.arg(0)
	if p.t.Kind == types.Never {
		return p
	}
	if e := p.t.Elem; p.t.IsPtr() && e != nil && e.Kind == types.StructKind && !e.Struct.Object {
		for _, f := range e.Struct.Objects() {
			if f.Type.Struct == types.SpinLock {
				l.present(p)
				return l.pointTo(memPlace{p, int64(f.Offset), f.Type, f})
			}
		}
		panic(l.failAt(c.at(0), c.args[0], "`%s` has no field of type bpf-spin-lock", e.Struct.Name).WithNote(e.Struct.Pos, "it is declared here").WithCode("kernel-object"))
	}
	return p
}

// lowerWithDynptrRoom binds a variable to 16 bytes of the stack that only
// helpers touch.
func lowerWithDynptrRoom(l *lowerer, c *call) val {
	spec, ok := sexp.Slice(c.args[0])
	var name *sexp.Symbol
	if ok && len(spec) == 1 {
		name, _ = spec[0].(*sexp.Symbol)
	}
	if name == nil || name.Keyword || name == sexp.Nil || name == sexp.T {
		panic(l.fail(nil, "a dynptr needs a variable").WithExpected("(with-dynptr (var call) body...)").WithCode("bad-binding"))
	}
	saved := l.scope
	v := &variable{name: name.Display(), typ: types.PtrTo(types.Dynptr.Type(), types.PtrStack), pos: l.pos, used: true}
	l.write(v, l.slotAddr(l.f.NewSlot(types.Dynptr.Size, "the dynptr "+v.name, l.pos)))
	l.bind(name, v)
	r := l.body(c.rest(1))
	l.scope = saved
	return r
}
