package lang

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

const (
	opCore = ir.OpCore
	opOr   = ir.OpOr
)

// A kernelImport is an import-kernel-struct.
type kernelImport struct {
	sym  *sexp.Symbol
	pos  source.Pos
	id   btf.ID        // 0 where the kernel's BTF has no such struct
	decl *types.Struct // the fields that the source declares, nil if none
	c    string        // C name
	all  bool          // every field has an accessor
}

// A kernelAccess is an accessor of a struct of the kernel: a field, its
// address, or as-name.
type kernelAccess struct {
	of    *kernelImport
	steps []kernelStep
	field *types.Field // declared by the source, in place of steps
	ptr   bool
	as    bool
}

// importKernelStruct is (import-kernel-struct task-struct pid (state u32)).
func importKernelStruct(c *compiler, d *decl) sexp.Value {
	sym := d.name("struct")
	if old := c.imports[sym.Name]; old != nil {
		e := d.fail(sym, "the struct `%s` is imported twice", sym.Display()).WithNote(old.pos, "it is imported here first").WithHint("put all fields into one import-kernel-struct").WithCode("duplicate")
		e.Pos = d.at(0)
		panic(e)
	}
	if old, taken := c.typePos(sym.Name); taken {
		e := d.fail(sym, "`%s` is declared already", sym.Display()).WithNote(old, "it is declared here").WithCode("duplicate")
		e.Pos = d.at(0)
		panic(e)
	}
	at := d.at(0)
	t := c.btf(func(format string, args ...any) *source.Error {
		e := d.fail(sym, format, args...)
		e.Pos = at
		return e
	})
	im := &kernelImport{sym: sym, pos: at, c: cName(sym), all: len(d.args) == 1}
	id, found := findStruct(t, im.c)
	declared := 0
	for _, x := range d.args[1:] {
		if _, isList := x.(*sexp.Cons); isList {
			declared++
		}
	}
	if !found && (declared == 0 || declared < len(d.args)-1) {
		e := d.fail(sym, "the kernel has no struct `%s`", im.c).WithCode("unknown-struct")
		e.Pos = at
		if m := didYouMean(im.c, t.Names(structKinds...)); m != "" {
			e.DidYouMean(strings.ReplaceAll(m, "_", "-"))
		} else {
			e.WithHint("%s", btfHint)
		}
		panic(e)
	}
	if found {
		im.id, im.c = id, t.Name(id)
	}
	c.imports[sym.Name] = im
	c.kaccess["AS-"+sym.Name] = kernelAccess{of: im, as: true}
	for i := 1; i < len(d.args); i++ {
		c.importField(d, t, im, d.args[i], d.at(i))
	}
	if im.decl != nil {
		im.decl.Layout()
	}
	return sym
}

func (c *compiler) importField(d *decl, t *btf.Types, im *kernelImport, x sexp.Value, at source.Pos) {
	wrong := func(format string, args ...any) *source.Error {
		e := d.fail(x, format, args...)
		e.Pos = at
		return e
	}
	name, isSym := x.(*sexp.Symbol)
	var typ *types.Type
	if l, proper := sexp.Slice(x); proper && len(l) == 2 {
		if name, isSym = l[0].(*sexp.Symbol); isSym {
			typ = c.typeNamed(l[1], at, d.env)
		}
	}
	if !isSym || name.Keyword || name == sexp.Nil {
		panic(wrong("malformed field %s", shorten(sexp.Print(x))).WithExpected("field, or (field type)").WithCode("bad-field"))
	}
	suffix := strings.ReplaceAll(strings.ReplaceAll(name.Name, "->", "-"), ".", "-")
	full := im.sym.Name + "-" + suffix
	if old, taken := c.kaccess[full]; taken && !old.ptr {
		panic(wrong("the field `%s` is named twice", name.Display()).WithCode("duplicate"))
	}
	a := kernelAccess{of: im}
	if im.id != 0 {
		var miss string
		var in btf.ID
		a.steps, miss, in = resolve(t, im.id, pathNames(name))
		if a.steps == nil && typ == nil {
			panic(noField(wrong(""), t, in, miss))
		}
	}
	if a.steps == nil {
		if typ.Kind != types.Int && typ.Kind != types.Ptr {
			panic(wrong("a field that the kernel's BTF lacks can be a number or a pointer, and `%v` is neither", typ).WithCode("bad-field"))
		}
		if strings.ContainsAny(name.Name, ".>") {
			panic(wrong("`%s` cannot be declared: only a field of the struct itself can", name.Display()).WithCode("bad-field"))
		}
		if im.decl == nil {
			// What follows ___ makes it another description of the same struct.
			im.decl = &types.Struct{Name: im.sym.Display(), C: im.c + "___whistler", Pos: im.pos}
		}
		im.decl.Fields = append(im.decl.Fields, types.Field{Name: name.Name, C: cName(name), Type: typ, Pos: at})
		a.field = &types.Field{Name: name.Name} // placed by Layout
	}
	c.addKernelAccess(full, a)
}

func (c *compiler) addKernelAccess(full string, a kernelAccess) {
	c.kaccess[full] = a
	a.ptr = true
	if _, taken := c.kaccess[full+"-PTR"]; !taken {
		c.kaccess[full+"-PTR"] = a
	}
}

// kernelAccessor finds an accessor; those of a struct that is imported as a
// whole are made here.
func (c *compiler) kernelAccessor(name string) (kernelAccess, bool) {
	if a, ok := c.kaccess[name]; ok {
		return a, true
	}
	if len(c.imports) == 0 {
		return kernelAccess{}, false
	}
	for i := strings.LastIndexByte(name, '-'); i > 0; i = strings.LastIndexByte(name[:i], '-') {
		im := c.imports[name[:i]]
		if im == nil || !im.all {
			continue
		}
		for _, ptr := range []bool{false, true} {
			field := name[i+1:]
			if ptr {
				var has bool
				if field, has = strings.CutSuffix(field, "-PTR"); !has {
					break
				}
			}
			names := []string{strings.ReplaceAll(strings.ToLower(field), "-", "_")}
			if steps, _, _ := resolve(c.unit.Kernel, im.id, names); steps != nil {
				c.addKernelAccess(im.sym.Name+"-"+field, kernelAccess{of: im, steps: steps})
				a := c.kaccess[name]
				return a, true
			}
		}
	}
	return kernelAccess{}, false
}

func (a kernelAccess) lower(l *lowerer, c *call) val {
	if len(c.args) < 1 {
		panic(l.arity(c.head.Display(), "pointer", len(c.args)))
	}
	if a.as {
		return a.lowerAs(l, c)
	}
	p := a.pointer(l, c)
	if a.field != nil {
		f := a.of.decl.Field(a.field.Name)
		if len(c.args) != 1 {
			panic(l.arity(c.head.Display(), "pointer", len(c.args)))
		}
		return l.readCore(p, &btf.Core{Decl: a.of.decl, Path: []int{fieldIndex(a.of.decl, f)}}, f.Type, a.ptr)
	}
	for _, s := range a.steps[:len(a.steps)-1] {
		p = l.readStep(p, s, false)
	}
	last := a.steps[len(a.steps)-1]
	return a.element(l, c, p, last)
}

// element follows indices behind the pointer argument, and reads.
func (a kernelAccess) element(l *lowerer, c *call, p val, s kernelStep) val {
	t := l.btf()
	s.path = append([]int(nil), s.path...)
	for i := 1; i < len(c.args); i++ {
		id := t.Strip(s.typ)
		if t.Kind(id) != btf.ArrayKind {
			panic(l.arity(c.head.Display(), "pointer", len(c.args)).WithHint("the field is %s: it takes no index", t.C(s.typ)))
		}
		elem, n := t.Array(id)
		x := c.int(i)
		if k, ok := x.v.IsConst(); ok {
			if n > 0 && (k < 0 || k >= int64(n)) {
				panic(l.failAt(c.at(i), c.args[i], "index %d of the array `%s`", k, c.head.Display()).WithExpected("0 to %d", n-1).WithCode("index-range"))
			}
			s.path, s.typ = append(s.path, int(k)), elem
			continue
		}
		// The array, then the element: the kernel says how large one is.
		base := l.offset(p, &btf.Core{Kind: btf.FieldByteOffset, Root: s.root, Path: s.path}, nil)
		size := l.literal(int64(t.Size(elem)))
		if k := t.Kind(t.Strip(elem)); k == btf.Struct || k == btf.Union {
			size = l.core(&btf.Core{Kind: btf.FieldByteSize, Root: s.root, Path: append(append([]int(nil), s.path...), 0)})
		}
		base = l.move(base, l.op(ir.OpMul, x, size, types.U64), ir.OpAdd)
		base.t = kernelPtr(nil, p.t.Probe)
		if i != len(c.args)-1 {
			panic(l.failAt(c.at(i), c.args[i], "only the last index may be computed in the program").WithCode("not-constant"))
		}
		return l.readAt(base, elem, a.ptr)
	}
	return l.readStep(p, s, a.ptr)
}

func fieldIndex(s *types.Struct, f *types.Field) int {
	for i := range s.Fields {
		if &s.Fields[i] == f {
			return i
		}
	}
	return 0
}

// lowerAs is (as-name p): a pointer to the struct. The verifier believes it
// of pointers that it knows to point to one; others are read by helpers.
func (a kernelAccess) lowerAs(l *lowerer, c *call) val {
	if len(c.args) != 1 {
		panic(l.arity(c.head.Display(), "pointer", len(c.args)))
	}
	v := c.arg(0)
	t := kernelPtr(kernelStruct(a.of.c), true)
	if v.t.IsPtr() {
		if v.t.Space != types.PtrKernel {
			panic(l.failAt(c.at(0), c.args[0], "`%s` wants an address in the kernel, and this is a %v", c.head.Display(), v.t).WithCode("wrong-struct"))
		}
		t.Null, t.From = v.t.Null, v.t.From
		if e := v.t.Elem; !v.t.Probe && e != nil && e.Kind == types.StructKind && l.kernelHas(e.Struct, a.of.c) {
			t.Probe = false
		}
	}
	return val{v.v, t}
}

// kernelHas reports whether a pointer to s is one to the struct named c.
func (l *lowerer) kernelHas(s *types.Struct, c string) bool {
	if s.C == c {
		return true
	}
	t := l.btf()
	id, ok := findStruct(t, s.C)
	return ok && s.Kernel && begins(t, id, c)
}

// pointer is argument 0, which must point to the struct.
func (a kernelAccess) pointer(l *lowerer, c *call) val {
	p := c.arg(0)
	want := func() *source.Error {
		return l.failAt(c.at(0), c.args[0], "").WithExpected("a pointer to `%s` in the kernel", a.of.sym.Display()).WithCode("wrong-struct")
	}
	switch {
	case p.t.Kind == types.Never:
	case !p.t.IsPtr():
		if p.t.Size < 8 || p.t.Kind == types.Literal {
			e := want().WithHint("an address has 64 bits")
			e.What = "`" + c.head.Display() + "` wants a pointer, and this is a number (" + p.t.String() + ")"
			panic(e)
		}
		return val{p.v, kernelPtr(kernelStruct(a.of.c), true)}
	case p.t.Space != types.PtrKernel:
		e := want()
		e.What = "`" + c.head.Display() + "` wants a pointer into the kernel, and this is a " + p.t.String()
		panic(e)
	default:
		e := p.t.Elem
		if e == nil || e.Kind != types.StructKind {
			t := *p.t
			t.Probe = true // the verifier may know another struct, or none
			p.t = &t
			return p
		}
		if !l.kernelHas(e.Struct, a.of.c) {
			x := want().WithHint("(as-%s p) says that p points to one", toLower(a.of.sym.Name))
			x.What = "`" + c.head.Display() + "` wants a pointer to `" + a.of.sym.Display() + "`, and this points to `" + e.Struct.Name + "`"
			panic(x)
		}
		if !p.t.Probe {
			l.present(p)
		}
	}
	return p
}

// offset is the address of a field.
func (l *lowerer) offset(p val, r *btf.Core, elem *types.Type) val {
	r.Kind = btf.FieldByteOffset
	off := l.core(r)
	v := l.add(ir.OpAdd, l.pos, p.v, off.v)
	v.Type = ir.PtrKernel
	t := kernelPtr(elem, p.t.Probe)
	return val{v, t}
}

// readStep reads the field at the end of a step; ptr gives its address.
func (l *lowerer) readStep(p val, s kernelStep, ptr bool) val {
	t := l.btf()
	r := &btf.Core{Root: s.root, Path: s.path}
	if len(s.path) == 0 {
		return p
	}
	if s.bits > 0 {
		if ptr {
			panic(l.fail(nil, "a bit-field has no address").WithCode("not-a-place"))
		}
		return l.readKernelBits(p, r, t.Signed(t.Strip(s.typ)))
	}
	id := t.Strip(s.typ)
	switch k := t.Kind(id); {
	case k == btf.Struct, k == btf.Union, k == btf.ArrayKind, ptr:
		return l.offset(p, r, l.elemOf(id))
	}
	return l.readCore(p, r, l.valueType(id, p.t.Probe), false)
}

// elemOf is what a pointer to a field points to.
func (l *lowerer) elemOf(id btf.ID) *types.Type {
	t := l.btf()
	switch t.Kind(id) {
	case btf.Struct, btf.Union:
		return kernelStruct(t.Name(id))
	case btf.ArrayKind:
		elem, n := t.Array(id)
		if s := scalarOf(t, elem); s != nil && n > 0 {
			return types.ArrayOf(s, n)
		}
		return nil
	}
	return scalarOf(t, id)
}

// valueType is the type of a field that is read as one number.
func (l *lowerer) valueType(id btf.ID, probe bool) *types.Type {
	t := l.btf()
	if t.Kind(id) == btf.Pointer {
		elem := pointee(t, id)
		// Only pointers to structs are more than numbers to the verifier.
		return kernelPtr(elem, probe || elem == nil || elem.Kind != types.StructKind)
	}
	if s := scalarOf(t, id); s != nil {
		return s
	}
	panic(l.fail(nil, "a field of type %s cannot be read as a number", t.C(id)).WithHint("use the -ptr form, and probe-read-kernel").WithCode("not-scalar"))
}

// readAt reads a value of a kernel type at an address.
func (l *lowerer) readAt(p val, id btf.ID, ptr bool) val {
	t := l.btf()
	id = t.Strip(id)
	switch k := t.Kind(id); {
	case k == btf.Struct, k == btf.Union, k == btf.ArrayKind, ptr:
		p.t = kernelPtr(l.elemOf(id), p.t.Probe)
		return p
	}
	return l.readNumber(p, l.valueType(id, p.t.Probe))
}

// readCore reads a field of type typ.
func (l *lowerer) readCore(p val, r *btf.Core, typ *types.Type, ptr bool) val {
	a := l.offset(p, r, typ)
	if ptr {
		return a
	}
	return l.readNumber(a, typ)
}

// readNumber reads a number or pointer at an address in the kernel.
func (l *lowerer) readNumber(p val, typ *types.Type) val {
	if !p.t.Probe {
		v := l.loadAt(p, 0, typ)
		if typ.IsPtr() && typ.Probe {
			v.v.Type = ir.Scalar
		}
		return v
	}
	slot, release := l.temp(8, "kernel memory")
	defer release()
	addr := l.slotAddr(slot)
	l.probeRead(addr, l.constant(int64(typ.Size), l.pos), p.v)
	v := l.loadAt(val{addr, nil}, 0, typ)
	if typ.IsPtr() {
		v.v.Type = ir.Scalar
		t := *typ
		t.Probe = true
		v.t = &t
	}
	return v
}

// probeRead reads kernel memory with the helper and notes a failure.
func (l *lowerer) probeRead(dst, size, addr *ir.Value) {
	h := abi.HelperByName("probe-read-kernel")
	l.mayCall(h, nil)
	r := l.callHelper("probe-read-kernel", dst, size, addr)
	l.noteFault(r)
}

func (l *lowerer) noteFault(result *ir.Value) {
	if l.faults == nil {
		return
	}
	l.assignTo(l.faults, l.add(ir.OpOr, l.pos, l.value(l.faults), result))
}

// readKernelBits reads a bit-field: the bytes around it, shifted as its place
// in the kernel demands.
func (l *lowerer) readKernelBits(p val, r *btf.Core, signed bool) val {
	with := func(kind string) *ir.Value {
		c := *r
		c.Kind = kind
		return l.core(&c).v
	}
	a := l.offset(p, &btf.Core{Root: r.Root, Path: r.Path}, nil)
	slot, release := l.temp(8, "a bit-field")
	defer release()
	addr := l.slotAddr(slot)
	var v *ir.Value
	if p.t.Probe {
		l.zero(addr, 8)
		l.probeRead(addr, with(btf.FieldByteSize), a.v)
		v = l.loadAt(val{addr, nil}, 0, types.U64).v
	} else {
		v = l.loadSized(a, with(btf.FieldByteSize))
	}
	v = l.add(ir.OpShl, l.pos, v, with(btf.FieldLShift))
	op, typ := ir.OpShr, types.U64
	if signed {
		op, typ = ir.OpSar, types.I64
	}
	return val{l.add(op, l.pos, v, with(btf.FieldRShift)), typ}
}

// loadSized loads as many bytes as size says, which the loader knows: the
// verifier walks one of the ways only.
func (l *lowerer) loadSized(a val, size *ir.Value) *ir.Value {
	merge := l.block()
	result := l.f.NewParam(merge, ir.Scalar, l.pos)
	for _, t := range []*types.Type{types.U64, types.U32, types.U16} {
		yes, no := l.block(), l.block()
		l.branch(ir.OpEq, size, l.constant(int64(t.Size), l.pos), yes, no, l.pos)
		l.seal(yes)
		l.seal(no)
		l.start(yes)
		v := l.loadAt(a, 0, t).v
		l.jump(merge, l.pos, v)
		l.start(no)
	}
	v := l.loadAt(a, 0, types.U8).v
	l.jump(merge, l.pos, v)
	l.seal(merge)
	l.start(merge)
	return result
}

// set is (setf (name-field p) v), for the few fields that the verifier lets
// programs of some types write.
func (a kernelAccess) set(l *lowerer, pc, c *call, i int) val {
	if a.ptr || a.as || a.field != nil {
		panic(l.failAt(pc.form.At, pc.head, "`%s` is not a place that can be set", pc.head.Display()).WithCode("not-a-place"))
	}
	if len(pc.args) < 1 {
		panic(l.arity(pc.head.Display(), "pointer", len(pc.args)))
	}
	p := a.pointer(l, pc)
	for _, s := range a.steps[:len(a.steps)-1] {
		p = l.readStep(p, s, false)
	}
	t := l.btf()
	s := a.steps[len(a.steps)-1]
	s.path = slices.Clone(s.path)
	for i := 1; i < len(pc.args); i++ {
		elem, n := t.Array(t.Strip(s.typ))
		if n == 0 {
			panic(l.arity(pc.head.Display(), "pointer", len(pc.args)).WithHint("the field is %s: it takes no index", t.C(s.typ)))
		}
		k := pc.constant(i)
		if k < 0 || k >= int64(n) {
			panic(l.failAt(pc.at(i), pc.args[i], "index %d of the array `%s`", k, pc.head.Display()).WithExpected("0 to %d", n-1).WithCode("index-range"))
		}
		s.path, s.typ = append(s.path, int(k)), elem
	}
	typ := scalarOf(t, s.typ)
	if p.t.Probe || typ == nil || s.bits > 0 {
		panic(l.failAt(pc.form.At, pc.head, "`%s` cannot be written here", pc.head.Display()).
			WithExpected("a number in a struct that the verifier knows").WithHint("the kernel lets struct_ops and a few other programs write some fields of their arguments").WithCode("not-writable"))
	}
	at := &btf.Core{Root: s.root, Path: s.path}
	l.mayWrite(pc, p, at)
	v := c.int(i)
	l.storeAt(l.offset(p, at, typ), 0, typ.Size, v.v)
	return val{l.truncate(v, typ), typ}
}
