package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// coreField finds the relocation for the field that arguments s (a struct of
// the kernel) and f name.
func (l *lowerer) coreField(c *call, s, f int) (r *btf.Core, typ btf.ID, decl *types.Field) {
	name, ok := c.args[f].(*sexp.Symbol)
	if !ok {
		panic(l.failAt(c.at(f), c.args[f], "argument %d of `%s` must be the name of a field", f+1, c.head.Display()).WithCode("unknown-field"))
	}
	root, im := l.coreStruct(c, s)
	t := l.btf()
	if root != 0 {
		steps, wrong, at := resolve(t, root, pathNames(name))
		if len(steps) == 1 {
			return &btf.Core{Root: root, Path: steps[0].path}, steps[0].typ, nil
		}
		if len(steps) > 1 {
			panic(l.failAt(c.at(f), name, "`%s` leads through a pointer", name.Display()).WithExpected("a field of the struct itself").WithCode("unknown-field"))
		}
		if im == nil || im.decl == nil || im.decl.Field(name.Name) == nil {
			panic(noField(l.failAt(c.at(f), name, ""), t, at, wrong))
		}
	}
	if im != nil && im.decl != nil {
		if fd := im.decl.Field(name.Name); fd != nil {
			return &btf.Core{Decl: im.decl, Path: []int{fieldIndex(im.decl, fd)}}, 0, fd
		}
	}
	panic(l.failAt(c.at(f), name, "unknown field `%s`", name.Display()).WithCode("unknown-field"))
}

// coreStruct finds the struct of the kernel that argument i names; 0 where
// only the source declares it.
func (l *lowerer) coreStruct(c *call, i int) (btf.ID, *kernelImport) {
	name, ok := c.args[i].(*sexp.Symbol)
	if !ok {
		panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be the name of a struct of the kernel", i+1, c.head.Display()).WithCode("unknown-struct"))
	}
	if im := l.c.imports[name.Name]; im != nil {
		return im.id, im
	}
	t := l.btf()
	id, found := findStruct(t, cName(name))
	if !found {
		e := l.failAt(c.at(i), name, "the kernel has no struct `%s`", cName(name)).WithCode("unknown-struct")
		if m := didYouMean(cName(name), t.Names(structKinds...)); m != "" {
			e.DidYouMean(strings.ReplaceAll(m, "_", "-"))
		}
		panic(e)
	}
	return id, nil
}

// coreFieldKinds are the forms that ask for a number of a field.
var coreFieldKinds = map[string]string{"FIELD-EXISTS": btf.FieldExists, "FIELD-SIZE": btf.FieldByteSize,
	"FIELD-OFFSET": btf.FieldByteOffset, "FIELD-SIGNED": btf.FieldSigned, "FIELD-LSHIFT": btf.FieldLShift, "FIELD-RSHIFT": btf.FieldRShift}

// lowerCoreField is (field-exists struct field) and its relatives.
func lowerCoreField(l *lowerer, c *call) val {
	r, _, _ := l.coreField(c, 0, 1)
	r.Kind = coreFieldKinds[c.head.Name]
	return l.core(r)
}

var coreTypeKinds = map[string]string{"TYPE-EXISTS": btf.TypeExists, "TYPE-SIZE": btf.TypeSize, "TYPE-MATCHES": btf.TypeMatches,
	"TYPE-ID-LOCAL": btf.TypeIDLocal, "TYPE-ID-KERNEL": btf.TypeIDTarget}

// lowerCoreType is (type-exists name) and its relatives. A struct that the
// compiler's kernel lacks may be asked for.
func lowerCoreType(l *lowerer, c *call) val {
	name, ok := c.args[0].(*sexp.Symbol)
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "argument 1 of `%s` must be the name of a type of the kernel", c.head.Display()).WithCode("unknown-struct"))
	}
	kind := coreTypeKinds[c.head.Name]
	if im := l.c.imports[name.Name]; im != nil && im.id == 0 {
		return l.core(&btf.Core{Kind: kind, Decl: im.decl})
	}
	t := l.btf()
	if id, found := findType(t, cName(name)); found {
		return l.core(&btf.Core{Kind: kind, Root: id})
	}
	if kind != btf.TypeExists {
		e := l.failAt(c.at(0), name, "the kernel has no type `%s`", cName(name)).WithCode("unknown-struct")
		if m := didYouMean(cName(name), t.Names(btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Typedef)); m != "" {
			e.DidYouMean(strings.ReplaceAll(m, "_", "-"))
		}
		panic(e)
	}
	return l.core(&btf.Core{Kind: kind, Decl: l.c.absent(cName(name))})
}

// absent is an empty struct under the name of one that the compiler's kernel
// lacks.
func (c *compiler) absent(name string) *types.Struct {
	if s := c.absents[name]; s != nil {
		return s
	}
	s := &types.Struct{Name: name, C: name + "___whistler"}
	s.Layout()
	if c.absents == nil {
		c.absents = map[string]*types.Struct{}
	}
	c.absents[name] = s
	return s
}

// findType finds a struct, union, enum, typedef or integer by name.
func findType(t *btf.Types, name string) (btf.ID, bool) {
	if id, ok := t.FindOne(name, btf.Struct, btf.Union, btf.Enum, btf.Enum64); ok {
		return id, true
	}
	if ids := t.Find(name, btf.Typedef, btf.Int); len(ids) > 0 {
		return ids[0], true
	}
	return 0, false
}

// lowerEnumValue is (enum-value enum constant) and (enum-value-exists enum
// constant).
func lowerEnumValue(l *lowerer, c *call) val {
	var names [2]*sexp.Symbol
	for i := range names {
		s, ok := c.args[i].(*sexp.Symbol)
		if !ok {
			panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be a name", i+1, c.head.Display()).WithCode("unknown-enum"))
		}
		names[i] = s
	}
	t := l.btf()
	kind := btf.EnumValue
	if c.head.Name == "ENUM-VALUE-EXISTS" {
		kind = btf.EnumValueExists
	}
	enum := cName(names[0])
	id, found := t.FindOne(enum, btf.Enum, btf.Enum64)
	if !found {
		e := l.failAt(c.at(0), names[0], "the kernel has no enum `%s`", enum).WithCode("unknown-enum")
		if m := didYouMean(enum, t.Names(btf.Enum, btf.Enum64)); m != "" {
			e.DidYouMean(strings.ReplaceAll(m, "_", "-"))
		}
		panic(e)
	}
	var all []string
	for i, x := range t.Enumerators(id) {
		if strings.EqualFold(x.Name, strings.ReplaceAll(names[1].Name, "-", "_")) {
			v := l.core(&btf.Core{Kind: kind, Root: id, Path: []int{i}})
			if kind == btf.EnumValue {
				v.t = types.U64
				if t.Signed(id) {
					v.t = types.I64
				}
			}
			return v
		}
		all = append(all, x.Name)
	}
	if kind == btf.EnumValueExists {
		n := strings.ToUpper(strings.ReplaceAll(names[1].Name, "-", "_"))
		return l.core(&btf.Core{Kind: kind, Path: []int{0}, Enum: &types.Enum{Name: t.Name(id), C: t.Name(id) + "___" + strings.ToLower(n), Type: types.U32,
			Values: []types.EnumValue{{Name: n, C: n}}}})
	}
	e := l.failAt(c.at(1), names[1], "the enum `%s` has no constant `%s`", enum, names[1].Display()).WithCode("unknown-enum")
	if m := didYouMean(strings.ReplaceAll(names[1].Name, "-", "_"), all); m != "" {
		e.DidYouMean(strings.ToUpper(m))
	} else {
		if len(all) > 20 {
			all = append(all[:20], "...")
		}
		e.WithExpected("%s", strings.Join(all, ", "))
	}
	panic(e)
}

// ownStruct is the declared struct that argument i names, nil if it is one of
// the kernel's.
func (c *call) ownStruct(i int) *types.Struct {
	if s, ok := c.args[i].(*sexp.Symbol); ok {
		return c.l.c.structs[s.Name]
	}
	return nil
}

// lowerCoreLoad is (core-load type pointer offset struct field). The offset
// is what the kernel's BTF says; for a struct of the source it is taken as
// it stands.
func lowerCoreLoad(l *lowerer, c *call) val {
	t := c.scalarType(0)
	if c.ownStruct(3) != nil {
		base, off := l.address(c, 1, 2)
		return l.loadAt(base, off, t)
	}
	p := l.corePointer(c, 1)
	return l.readNumber(l.offset(p, l.coreScalar(c, t), nil), t)
}

// lowerCoreStore is (core-store type pointer offset value struct field).
func lowerCoreStore(l *lowerer, c *call) val {
	t := c.scalarType(0)
	if c.ownStruct(4) != nil {
		base, off := l.address(c, 1, 2)
		l.writable(c, 1, base)
		v := c.int(3)
		l.storeAt(base, off, t.Size, v.v)
		return v
	}
	p := l.corePointer(c, 1)
	if p.t.Probe {
		panic(l.failAt(c.at(1), c.args[1], "`core-store` cannot write there").WithExpected("a pointer to a struct that the verifier knows").WithCode("not-writable"))
	}
	v := c.int(3)
	l.storeAt(l.offset(p, l.coreScalar(c, t), nil), 0, t.Size, v.v)
	return v
}

// coreScalar is the relocation of a field that must have t's size; struct
// and field are the last arguments.
func (l *lowerer) coreScalar(c *call, t *types.Type) *btf.Core {
	n := len(c.args)
	c.constant(2)
	r, typ, decl := l.coreField(c, n-2, n-1)
	size := 0
	if decl != nil {
		size = decl.Type.Size
	} else {
		size = l.btf().Size(typ)
	}
	if size != t.Size {
		panic(l.failAt(c.at(0), c.args[0], "the field `%s` has %d bytes, and `%v` has %d", sexp.Print(c.args[n-1]), size, t, t.Size).WithCode("wrong-size"))
	}
	return r
}

func (l *lowerer) corePointer(c *call, i int) val {
	p := c.arg(i)
	switch {
	case !p.t.IsPtr():
		return val{p.v, kernelPtr(nil, true)}
	case p.t.Space == types.PtrKernel:
		return p
	}
	panic(l.failAt(c.at(i), c.args[i], "`%s` wants an address in the kernel, and this is a %v", c.head.Display(), p.t).WithCode("wrong-struct"))
}

// lowerCoreCtxLoad is (core-ctx-load type offset struct field): the older way
// to a field of the context.
func lowerCoreCtxLoad(l *lowerer, c *call) val {
	if s := l.ctxStruct(c); cName2(c.args[2]) == s.Name {
		form := &call{l, c.form, c.head, []sexp.Value{c.args[3]}}
		return lowerCtx(l, form)
	}
	return l.ctxAt(c, c.scalarType(0))
}

func cName2(v sexp.Value) string {
	if s, ok := v.(*sexp.Symbol); ok {
		return cName(s)
	}
	return ""
}

// lowerWithFaults is (%with-faults (var) body...): var is 0 as long as no
// read of kernel memory in the body has failed.
func lowerWithFaults(l *lowerer, c *call) val {
	list, _ := sexp.Slice(c.args[0])
	name, ok := (*sexp.Symbol)(nil), false
	if len(list) == 1 {
		name, ok = list[0].(*sexp.Symbol)
	}
	if !ok || name.Keyword || name == sexp.Nil || name == sexp.T {
		panic(l.failAt(c.at(0), c.args[0], "malformed variable %s", shorten(sexp.Print(c.args[0]))).WithExpected("(name)").WithCode("bad-binding"))
	}
	saved, faults := l.scope, l.faults
	v := &variable{name: name.Display(), typ: types.I64, pos: c.at(0).Or(l.pos), used: true}
	l.write(v, l.constant(0, l.pos))
	l.bind(name, v)
	l.faults = v
	r := l.body(c.rest(1))
	l.scope, l.faults = saved, faults
	if faults != nil { // those around hear of it too
		l.assignTo(faults, l.add(opOr, l.pos, l.value(faults), l.value(v)))
	}
	return r
}

// lowerReadResult is (%read-result x): notes the result of a helper that
// reads memory.
func lowerReadResult(l *lowerer, c *call) val {
	v := c.int(0)
	l.noteFault(v.v)
	return v
}

// sizeConstant is +name-size+ of an imported struct.
func (l *lowerer) sizeConstant(s *sexp.Symbol) (val, bool) {
	name, ok := strings.CutPrefix(s.Name, "+")
	if !ok || len(l.c.imports) == 0 {
		return val{}, false
	}
	if name, ok = strings.CutSuffix(name, "-SIZE+"); !ok {
		return val{}, false
	}
	im := l.c.imports[name]
	if im == nil {
		return val{}, false
	}
	if im.id == 0 {
		return l.core(&btf.Core{Kind: btf.TypeSize, Decl: im.decl}), true
	}
	return l.core(&btf.Core{Kind: btf.TypeSize, Root: im.id}), true
}

// importPos is where a struct of the kernel is imported under a name.
func (c *compiler) importPos(name string) (source.Pos, bool) {
	if im := c.imports[name]; im != nil {
		return im.pos, true
	}
	return source.Pos{}, false
}
