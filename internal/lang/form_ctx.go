package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// usesContext notes that a subprogram looks into the context: all programs
// that call it are of one type then.
func (l *lowerer) usesContext() {
	if l.sub != nil && !l.sub.ctxUse.Known() {
		l.sub.ctxUse = l.pos
	}
}

func (l *lowerer) ctxStruct(c *call) *abi.CtxStruct {
	l.usesContext()
	s := abi.CtxStructByName(l.prog.Type.Ctx)
	if s == nil {
		panic(l.fail(nil, "a %s program has no context with fields", l.prog.Type.Keyword).WithHint("use (ctx type offset)").WithCode("no-context"))
	}
	return s
}

// ctxField finds the field that argument 0 names, and which element of it.
func (l *lowerer) ctxField(c *call) (f *abi.CtxField, off int64) {
	s := l.ctxStruct(c)
	name, ok := c.args[0].(*sexp.Symbol)
	if ok {
		f = s.Field(name.Name)
	}
	if f == nil {
		var names []string
		for _, x := range s.Fields {
			if x.Read.Has(l.prog.Type) {
				names = append(names, dashed(x.Name))
			}
		}
		e := l.failAt(c.at(0), c.args[0], "the context of a %s program (struct %s) has no field `%s`", l.prog.Type.Keyword, s.Name, sexp.Print(c.args[0])).WithCode("unknown-field")
		if ok {
			if m := didYouMean(name.Name, names); m != "" {
				e.DidYouMean(m)
			} else {
				if len(names) > 14 {
					names = append(names[:14], "...")
				}
				e.WithExpected("%s", strings.Join(names, ", "))
			}
		}
		panic(e)
	}
	off = int64(f.Offset)
	if len(c.args) > 1 {
		i := c.constant(1)
		if i < 0 || i >= int64(f.Count) {
			panic(l.failAt(c.at(1), c.args[1], "index %d of the context field `%s`", i, sexp.Print(c.args[0])).WithExpected("0 to %d", f.Count-1).WithCode("index-range"))
		}
		off += i * int64(f.Size)
	} else if f.Count > 1 {
		panic(l.failAt(c.at(0), c.args[0], "the context field `%s` has %d elements", sexp.Print(c.args[0]), f.Count).WithExpected("(ctx %s index)", sexp.Print(c.args[0])).WithCode("index-range"))
	}
	return f, off
}

func (l *lowerer) ctxPtrType(f *abi.CtxField, off int64) *types.Type {
	switch f.KindFor(l.prog.Type, uint32(off)) {
	case abi.CtxPacket:
		return types.PtrTo(nil, types.PtrPacket)
	case abi.CtxPacketEnd:
		return types.PtrTo(nil, types.PtrEnd)
	case abi.CtxPacketMeta:
		return types.PtrTo(nil, types.PtrMeta)
	case abi.CtxScalar:
		return nil
	}
	t := types.PtrTo(nil, types.PtrKernel)
	t.Null, t.From = f.NullOK, "ctx"
	return t
}

func lowerCtx(l *lowerer, c *call) val {
	if t := c.ctxType(); t != nil {
		return l.ctxAt(c, t)
	}
	f, off := l.ctxField(c)
	l.mayRead(c, f)
	return l.ctxLoad(off, int(f.Size), f.Signed, l.ctxPtrType(f, off))
}

// mayRead refuses fields that programs of the type, or of the section, do not
// have.
func (l *lowerer) mayRead(c *call, f *abi.CtxField) {
	if !f.Read.Has(l.prog.Type) {
		panic(l.failAt(c.at(0), c.args[0], "a %s program may not read the context field `%s`", l.prog.Type.Keyword, dashed(f.Name)).
			WithExpected("a program of type %s", strings.Join(f.Read.Keywords(), ", ")).WithCode("context-read"))
	}
	l.inSection(c, f, "read", "context-read", f.ReadIn)
}

// readable reports whether a number at an offset may be read: that of first,
// or another member of its union that is as wide.
func (l *lowerer) readable(s *abi.CtxStruct, first *abi.CtxField, off int64, size int) bool {
	section := abi.SectionMatch(l.prog.Section)
	for i := range s.Fields {
		f := &s.Fields[i]
		if int64(f.Offset) <= off && off < int64(f.Offset+f.Size*f.Count) && f.Read.Has(l.prog.Type) && f.ReadIn(section) &&
			(f == first || int(f.Size) == size) {
			return true
		}
	}
	return false
}

func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

// inSection refuses what programs of the type may do, but not in this
// section.
func (l *lowerer) inSection(c *call, f *abi.CtxField, what, code string, may func(*abi.Section) bool) {
	if may(abi.SectionMatch(l.prog.Section)) {
		return
	}
	var where []string
	for _, name := range l.prog.Type.Sections {
		if s := abi.SectionMatch(strings.TrimSuffix(name, "+")); may(s) {
			where = append(where, name)
		}
	}
	panic(l.failAt(c.at(0), c.args[0], "a program of the section %q may not %s the context field `%s`", l.prog.Section, what, dashed(f.Name)).
		WithExpected("a program of the section %s", strings.Join(where, ", ")).WithCode(code))
}

func (l *lowerer) ctxLoad(off int64, size int, signed bool, ptr *types.Type) val {
	v := l.add(ir.OpLoad, l.pos, l.context().v)
	v.Size, v.Aux = uint8(size), off
	if ptr != nil {
		v.Type = ptr.Space
		return val{v, ptr}
	}
	t := types.ScalarOf(size, signed)
	if signed && size < 8 {
		v.Op = ir.OpLoadS
	}
	return val{v, t}
}

// ctxAt is (ctx type offset): the row of the context struct at that offset
// decides what it gives, not the width.
func (l *lowerer) ctxAt(c *call, t *types.Type) val {
	l.usesContext()
	off := c.constant(1)
	if off < 0 || off > 4096 {
		panic(l.failAt(c.at(1), c.args[1], "the context has nothing at offset %d", off).WithCode("context-offset"))
	}
	if s := abi.CtxStructByName(l.prog.Type.Ctx); s != nil {
		if f := s.At(uint32(off)); f != nil {
			if s.Context && !l.readable(s, f, off, t.Size) {
				l.mayRead(c, f)
			}
			if ptr := l.ctxPtrType(f, off); ptr != nil {
				if int64(f.Offset) != off || int(f.Size) != t.Size {
					panic(l.failAt(c.at(1), c.args[1], "the context field `%s` is a pointer at offset %d with %d bytes", f.Name, f.Offset, f.Size).
						WithHint("write (ctx %s)", dashed(f.Name)).WithCode("context-offset"))
				}
				return l.ctxLoad(off, t.Size, false, ptr)
			}
		} else if s.Context {
			panic(l.failAt(c.at(1), c.args[1], "the context (struct %s) has nothing at offset %d", s.Name, off).WithHint("(ctx field) reads a field by its name").WithCode("context-offset"))
		}
	}
	return l.ctxLoad(off, t.Size, t.Signed, nil)
}

// setCtx is (setf (ctx field) value); pc is the place, value argument i of c.
func (l *lowerer) setCtx(pc, c *call, i int) val {
	if len(pc.args) == 0 || len(pc.args) > 2 {
		panic(l.arity("ctx", "field [index]", len(pc.args)))
	}
	var f *abi.CtxField
	var off int64
	if t := pc.ctxType(); t != nil {
		off = pc.constant(1)
		if s := l.ctxStruct(pc); s.At(uint32(off)) != nil {
			f = s.At(uint32(off))
		}
		if f == nil || (off-int64(f.Offset))%int64(f.Size) != 0 || int(f.Size) != t.Size {
			panic(l.failAt(pc.at(1), pc.args[1], "the context has no %v at offset %d", t, off).WithHint("use (setf (ctx field) value)").WithCode("context-offset"))
		}
	} else {
		f, off = l.ctxField(pc)
	}
	if !f.Write.Has(l.prog.Type) {
		e := l.failAt(pc.at(0), pc.args[0], "a %s program may not write the context field `%s`", l.prog.Type.Keyword, sexp.Print(pc.args[0])).WithCode("context-write")
		e.WithExpected("another field: this one is only read")
		if ks := f.Write.Keywords(); len(ks) > 0 {
			e.WithExpected("a program of type %s", strings.Join(ks, ", "))
		}
		panic(e)
	}
	l.inSection(pc, f, "write", "context-write", f.WriteIn)
	if f.WriteOne && off != int64(f.Offset) {
		panic(l.failAt(pc.at(1), pc.args[1], "only element 0 of the context field `%s` may be written", sexp.Print(pc.args[0])).WithCode("context-write"))
	}
	v := c.int(i)
	l.storeAt(l.context(), off, int(f.Size), v.v)
	return v
}

// ctxType is the scalar type of (ctx type offset), nil for (ctx field [i]).
func (c *call) ctxType() *types.Type {
	if s, ok := c.args[0].(*sexp.Symbol); ok && len(c.args) == 2 {
		return types.ScalarNamed(s.Name)
	}
	return nil
}

func lowerCtxPtr(l *lowerer, c *call) val { return l.context() }
