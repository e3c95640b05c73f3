package lang

import (
	"math"
	"path"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A declaration is a top-level form of the language: a row of the table.
type declaration struct {
	name, params, doc string
	run               func(c *compiler, d *decl) sexp.Value
}

// declarations is the table of top-level forms.
func declarations() []declaration {
	return []declaration{
		{"DEFMAP", "name :type type [:key-size n] [:value-size n] [:key type] [:value type] :max-entries n [:map-flags f] [:pinning :by-name] [:event struct] [:values (...)]",
			"Declares a map. Sizes are in bytes; :key and :value give types and with them sizes. :max-entries is a constant expression.", declareMap},
		{"DEFPROG", "name (:type type [:section s] [:license l] [:sleepable t]) [docstring] body...",
			"Declares a program. The value of the last form is its result.", declareProgram},
		{"DEFSTRUCT", "name (field type)...",
			"Declares a struct with C layout, and (make-name), (name-field p), (setf (name-field p) v), (name-field-ptr p).", declareStruct},
		{"DEFTRACEPOINT", "category/event field...",
			"Declares accessors (tp-field) and (tp-field-ptr) for fields of a tracepoint, from the kernel's format file.", declareTracepoint},
		{"INCLUDE", "\"file.lisp\"",
			"Reads another file, relative to the one that names it.", include},
	}
}

// A decl is a top-level form being run.
type decl struct {
	c    *compiler
	form *sexp.Cons
	env  *lisp.Env
	args []sexp.Value
	pos  source.Pos
}

func (c *compiler) specials() (out []lisp.Special) {
	for _, d := range declarations() {
		out = append(out, lisp.Special{Name: d.name, Params: d.params, Doc: d.doc,
			Fn: func(in *lisp.Interp, form *sexp.Cons, env *lisp.Env) sexp.Value {
				args, ok := sexp.Slice(form.Cdr)
				dd := &decl{c, form, env, args, form.Pos.Or(in.Pos())}
				if !ok || len(args) == 0 {
					panic(dd.fail(form, "malformed `%s`", strings.ToLower(d.name)).WithExpected("(%s %s)", strings.ToLower(d.name), d.params))
				}
				v := d.run(c, dd)
				if c.opt.observe != nil {
					c.opt.observe(c, dd)
				}
				return v
			}})
	}
	return out
}

// fail makes an error at culprit, or at the form where that has no place.
func (d *decl) fail(culprit sexp.Value, format string, args ...any) *source.Error {
	e := source.Errorf(d.pos, format, args...)
	e.Culprit = culprit
	if p := sexp.PosOf(culprit); p.Known() {
		e.Pos = p
	} else if p, ok := locate(d.form, culprit, 0); ok {
		e.Pos = p
	}
	return e
}

// name is the symbol that the form defines.
func (d *decl) name(what string) *sexp.Symbol {
	s, ok := d.args[0].(*sexp.Symbol)
	if !ok || s.Keyword || s == sexp.Nil || s == sexp.T {
		panic(d.fail(d.args[0], "%s is not a name for a %s", shorten(sexp.Print(d.args[0])), what).WithExpected("a symbol").WithCode("bad-name"))
	}
	return s
}

// at is the place of argument i.
func (d *decl) at(i int) source.Pos {
	x := d.form
	for ; i >= 0; i-- {
		next, ok := x.Cdr.(*sexp.Cons)
		if !ok {
			return d.pos
		}
		x = next
	}
	return x.At.Or(d.pos)
}

// An option is a keyword argument.
type option struct {
	key   *sexp.Symbol
	value sexp.Value
	at    source.Pos // of the value
	keyAt source.Pos
}

// options reads keyword-value pairs from the tail of a list.
func (d *decl) options(tail sexp.Value, known string) map[string]option {
	opts := map[string]option{}
	for c, ok := tail.(*sexp.Cons); ok; c, ok = c.Cdr.(*sexp.Cons) {
		key, isSym := c.Car.(*sexp.Symbol)
		at := c.At.Or(d.pos)
		if !isSym || !key.Keyword {
			e := d.fail(c.Car, "%s is not a keyword", shorten(sexp.Print(c.Car))).WithExpected("%s", known).WithCode("unknown-keyword")
			e.Pos = at
			panic(e)
		}
		names := strings.Fields(known)
		found := false
		for _, n := range names {
			found = found || n == key.Display() || n == ":"+strings.ToLower(key.Name)
		}
		if !found {
			e := source.Errorf(at, "unknown keyword `%s`", key.Display()).WithExpected("%s", known).WithCode("unknown-keyword")
			if m := didYouMean(key.Name, strings.Fields(strings.ToUpper(strings.ReplaceAll(known, ":", "")))); m != "" {
				e.WithHint("did you mean `:%s`?", m)
			}
			panic(e)
		}
		v, has := c.Cdr.(*sexp.Cons)
		if !has {
			panic(source.Errorf(at, "no value follows `%s`", key.Display()).WithCode("missing-value"))
		}
		if old, twice := opts[key.Name]; twice {
			panic(source.Errorf(at, "`%s` is given twice", key.Display()).WithNote(old.keyAt, "the first is here").WithCode("duplicate"))
		}
		opts[key.Name] = option{key, v.Car, v.At.Or(at), at}
		c = v
	}
	return opts
}

// number evaluates a constant expression.
func (d *decl) number(o option, what string) int64 {
	v, err := d.c.in.Eval(o.value, d.env)
	if err != nil {
		if s, ok := o.value.(*sexp.Symbol); ok {
			if n, known := kernelConstant(s.Name); known {
				return n
			}
		}
		for _, e := range source.AsList(err) {
			e.Pos = e.Pos.Or(o.at)
			if _, isSym := o.value.(*sexp.Symbol); isSym {
				e.Pos = o.at
			}
			panic(e)
		}
	}
	n, ok := integerOf(v)
	if !ok {
		panic(source.Errorf(o.at, "%s must be an integer, not %s", what, shorten(sexp.Print(v))).WithCode("not-integer"))
	}
	return n
}

// flags evaluates numbers, kernel constants, and lists of them.
func (d *decl) flags(v sexp.Value, at source.Pos) (sum int64) {
	if s, ok := v.(*sexp.Symbol); ok {
		if v == sexp.Nil {
			return 0
		}
		if n, known := abi.ConstantFold(s.Name); known {
			return n
		}
	}
	if c, ok := v.(*sexp.Cons); ok {
		items, proper := sexp.Slice(c)
		names := proper
		for _, x := range items {
			s, isSym := x.(*sexp.Symbol)
			if isSym {
				_, known := abi.ConstantFold(s.Name)
				isSym = known
			}
			_, isInt := integerOf(x)
			names = names && (isSym || isInt)
		}
		if names {
			for x, ok := v.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
				sum |= d.flags(x.Car, x.At.Or(at))
			}
			return sum
		}
	}
	if s, ok := v.(*sexp.Symbol); ok {
		if _, bound := d.c.in.Global(s); !bound {
			e := source.Errorf(at, "unknown flag `%s`", s.Display()).WithExpected("a number, a constant such as BPF_F_NO_PREALLOC, or a list of them").WithCode("unknown-flag")
			if m := didYouMean(s.Name, abi.ConstantsWithPrefix("BPF_F_")); m != "" {
				e.WithHint("did you mean `%s`?", strings.ToUpper(m))
			}
			panic(e)
		}
	}
	return d.number(option{value: v, at: at}, "a flag")
}

// typeOf reads a type: u32, a struct's name, (array T n), (ptr T).
func (d *decl) typeOf(v sexp.Value, at source.Pos) *types.Type {
	return d.c.typeNamed(v, at, d.env)
}

func (c *compiler) typeNamed(v sexp.Value, at source.Pos, env *lisp.Env) *types.Type {
	t := c.findType(v, at, env)
	if t == nil {
		e := source.Errorf(at, "unknown type `%s`", shorten(sexp.Print(v))).
			WithExpected("u8 u16 u32 u64 i8 i16 i32 i64, a struct, (array type n) or (ptr type)").WithCode("unknown-type")
		e.Culprit = v
		if s, ok := v.(*sexp.Symbol); ok {
			e.What = "unknown type `" + s.Display() + "`"
			names := []string{"U8", "U16", "U32", "U64", "I8", "I16", "I32", "I64"}
			for n := range c.structs {
				names = append(names, n)
			}
			if s.Name == "INT" {
				e.WithHint("C's int is `i32`")
			} else if m := didYouMean(s.Name, names); m != "" {
				e.WithHint("did you mean `%s`?", m)
			}
		}
		panic(e)
	}
	return t
}

func (c *compiler) findType(v sexp.Value, at source.Pos, env *lisp.Env) *types.Type {
	switch x := v.(type) {
	case *sexp.Symbol:
		if t := types.ScalarNamed(x.Name); t != nil {
			return t
		}
		if s := c.structs[x.Name]; s != nil {
			return s.Type()
		}
	case *sexp.Cons:
		items, ok := sexp.Slice(x)
		head, isSym := x.Car.(*sexp.Symbol)
		if !ok || !isSym {
			return nil
		}
		at = x.Pos.Or(at)
		switch {
		case head.Name == "ARRAY" && len(items) == 3:
			elem := c.typeNamed(items[1], at, env)
			d := &decl{c: c, form: x, env: env, pos: at}
			n := d.number(option{value: items[2], at: at}, "the length of an array")
			if n < 1 || n > 1<<20 {
				panic(source.Errorf(at, "an array cannot have %d elements", n).WithExpected("1 to 1048576").WithCode("array-length"))
			}
			return types.ArrayOf(elem, int(n))
		case head.Name == "PTR" && len(items) == 2:
			t := types.PtrTo(c.typeNamed(items[1], at, env), types.Scalar)
			return t
		case head.Name == "STRUCT" && len(items) == 2:
			return c.findType(items[1], at, env)
		}
	}
	return nil
}

const mapKeywords = ":type :key-size :value-size :key :value :value-type :max-entries :map-flags :pinning :inner-map :values :map-extra :event :show"

func declareMap(c *compiler, d *decl) sexp.Value {
	sym := d.name("map")
	m := &Map{Name: sym.Display(), Pos: d.at(0)}
	opts := d.options(d.form.Cdr.(*sexp.Cons).Cdr, mapKeywords)
	typ, ok := opts["TYPE"]
	if !ok {
		panic(d.fail(nil, "the map `%s` has no :type", m.Name).WithExpected(":type :hash, :array, :lru-hash, :ringbuf, ...").WithCode("missing-keyword"))
	}
	kw, isSym := typ.value.(*sexp.Symbol)
	if isSym && kw.Keyword {
		m.Type = abi.MapTypeByKeyword(strings.ToLower(kw.Name))
	}
	if m.Type == nil {
		e := source.Errorf(typ.at, "unknown map type `%s`", sexp.Print(typ.value)).WithExpected(":hash :array :percpu-hash :percpu-array :lru-hash :lpm-trie :ringbuf :prog-array ...").WithCode("unknown-map-type")
		if isSym {
			var names []string
			for _, t := range abi.MapTypes() {
				names = append(names, t.Keyword)
			}
			if s := didYouMean(kw.Name, names); s != "" {
				e.WithHint("did you mean `:%s`?", s)
			}
		}
		panic(e)
	}
	m.Key, m.KeySize = d.mapSide(opts, "key", "KEY-SIZE", "KEY")
	if _, old := opts["VALUE-TYPE"]; old {
		if _, both := opts["VALUE"]; both {
			panic(source.Errorf(opts["VALUE-TYPE"].keyAt, ":value and its older name :value-type are both given").WithCode("duplicate"))
		}
		opts["VALUE"] = opts["VALUE-TYPE"]
	}
	m.Value, m.ValueSize = d.mapSide(opts, "value", "VALUE-SIZE", "VALUE")
	if o, ok := opts["MAP-FLAGS"]; ok {
		m.Flags = uint32(d.flags(o.value, o.at))
	}
	if o, ok := opts["MAP-EXTRA"]; ok {
		m.Extra = uint64(d.number(o, ":map-extra"))
	}
	if o, ok := opts["MAX-ENTRIES"]; ok {
		m.MaxEntries = d.number(o, ":max-entries")
		if m.MaxEntries < 0 || m.MaxEntries > math.MaxUint32 {
			panic(source.Errorf(o.at, ":max-entries is %d", m.MaxEntries).WithExpected("0 to 4294967295").WithCode("max-entries"))
		}
	}
	if o, ok := opts["PINNING"]; ok {
		if s, isSym := o.value.(*sexp.Symbol); !isSym || s.Name != "BY-NAME" {
			panic(source.Errorf(o.at, "unknown pinning %s", sexp.Print(o.value)).WithExpected(":by-name").WithCode("pinning"))
		}
		m.PinByName = true
	}
	if o, ok := opts["INNER-MAP"]; ok {
		s, isSym := o.value.(*sexp.Symbol)
		if !isSym || c.maps[s.Name] == nil {
			panic(c.unknownMap(source.Errorf(o.at, "unknown map `%s`", sexp.Print(o.value)), sexp.Nil))
		}
		m.Inner = c.maps[s.Name]
	}
	if o, ok := opts["EVENT"]; ok {
		list := []sexp.Value{o.value}
		if x, isList := o.value.(*sexp.Cons); isList {
			list, _ = sexp.Slice(x)
		}
		for _, x := range list {
			t := d.typeOf(x, o.at)
			if t.Kind != types.StructKind {
				panic(source.Errorf(o.at, "an event must be a struct, and `%v` is none", t).WithCode("event-type"))
			}
			m.Events = append(m.Events, t.Struct)
		}
	}
	if o, ok := opts["VALUES"]; ok {
		items, proper := sexp.Slice(o.value)
		if !proper {
			panic(source.Errorf(o.at, ":values must be a list of program names").WithCode("map-values"))
		}
		if m.Type.Keyword != "prog-array" {
			panic(source.Errorf(o.at, ":values is for prog-arrays, and `%s` is a %s", m.Name, m.Type.Keyword).WithCode("map-values"))
		}
		for _, x := range items {
			s, isSym := x.(*sexp.Symbol)
			if !isSym {
				panic(source.Errorf(o.at, "%s is not the name of a program", sexp.Print(x)).WithCode("map-values"))
			}
			if s == sexp.Nil {
				m.Values = append(m.Values, "")
			} else {
				m.Values = append(m.Values, s.Name)
			}
		}
	}
	if o, ok := opts["SHOW"]; ok {
		m.Show = strings.ToLower(strings.TrimPrefix(sexp.Display(o.value), ":"))
	}
	d.checkMap(m, opts)
	m.C = c.objectName("map", sym, m.Pos)
	c.maps[sym.Name] = m
	c.unit.Maps = append(c.unit.Maps, m)
	return sym
}

// mapSide reads the type and size of a map's key or value.
func (d *decl) mapSide(opts map[string]option, what, sizeKey, typeKey string) (*types.Type, int) {
	size := -1
	if o, ok := opts[sizeKey]; ok {
		n := d.number(o, "the "+what+" size")
		if n < 0 || n > 1<<24 {
			panic(source.Errorf(o.at, "a %s cannot have %d bytes", what, n).WithCode("map-size"))
		}
		size = int(n)
	}
	if o, ok := opts[typeKey]; ok {
		t := d.typeOf(o.value, o.at)
		if size >= 0 && size != t.Size {
			panic(source.Errorf(opts[sizeKey].at, "the %s size is %d, but `%v` has %d bytes", what, size, t, t.Size).
				WithHint("leave :%s out: the type gives the size", strings.ToLower(sizeKey)).WithCode("map-size"))
		}
		return t, t.Size
	}
	switch {
	case size <= 0:
		return nil, max(size, 0)
	case types.ScalarOf(size, false) != nil:
		return types.ScalarOf(size, false), size
	}
	return types.ArrayOf(types.U8, size), size
}

// checkMap applies the rules of the map's type, as the kernel would at load.
func (d *decl) checkMap(m *Map, opts map[string]option) {
	t := m.Type
	if t.Array && m.KeySize == 0 || t.Keyword == "prog-array" && m.KeySize == 0 {
		m.Key, m.KeySize = types.U32, 4
	}
	switch t.Keyword {
	case "prog-array", "perf-event-array", "cgroup-array":
		if m.KeySize == 0 {
			m.Key, m.KeySize = types.U32, 4
		}
		if m.ValueSize == 0 {
			m.Value, m.ValueSize = types.U32, 4
		}
	}
	if t.Keyword == "prog-array" && m.MaxEntries == 0 && len(m.Values) > 0 {
		m.MaxEntries = int64(len(m.Values))
	}
	if len(m.Values) > int(m.MaxEntries) && m.MaxEntries > 0 {
		panic(source.Errorf(opts["VALUES"].at, "%d values do not fit in %d entries", len(m.Values), m.MaxEntries).WithCode("map-values"))
	}
	size := func(what, key string, rule abi.SizeRule, n int, typeKey string) {
		if !t.Probed || rule.Accepts(uint32(n)) {
			return
		}
		at := d.at(0)
		if o, ok := opts[key]; ok {
			at = o.at
		} else if o, ok := opts[typeKey]; ok {
			at = o.at
		}
		e := source.Errorf(at, "a %s map cannot have a %s of %d bytes", t.Keyword, what, n).WithCode("map-size")
		switch fixed, one := rule.Fixed(); {
		case one && fixed == 0:
			e.WithExpected("no %s", what)
		case one:
			e.WithExpected("%d bytes", fixed)
		case n == 0:
			e.What = "the map `" + m.Name + "` has no " + what + " size"
			e.WithExpected(":%s-size or :%s", what, what)
		default:
			e.WithExpected("%d bytes or more", rule.Min)
			if rule.Max > 0 {
				e.WithExpected("%d to %d bytes", rule.Min, rule.Max)
			}
		}
		panic(e)
	}
	size("key", "KEY-SIZE", t.Key, m.KeySize, "KEY")
	size("value", "VALUE-SIZE", t.Value, m.ValueSize, "VALUE")
	at := d.at(0)
	o, given := opts["MAX-ENTRIES"]
	if given {
		at = o.at
	}
	n := m.MaxEntries
	switch t.Entries {
	case abi.EntriesAny:
		if n < 1 {
			e := source.Errorf(at, "the map `%s` has no :max-entries", m.Name).WithExpected("1 or more").WithCode("max-entries")
			if given {
				e.What = "a " + t.Keyword + " map needs at least one entry"
			}
			panic(e)
		}
	case abi.EntriesZero:
		if n != 0 {
			panic(source.Errorf(at, "a %s map has no :max-entries", t.Keyword).WithExpected("leave it out").WithCode("max-entries"))
		}
	case abi.EntriesOne:
		if given && n != 1 {
			panic(source.Errorf(at, "a %s map has exactly one entry", t.Keyword).WithCode("max-entries"))
		}
		m.MaxEntries = 1
	case abi.EntriesRing:
		if n < 4096 || n&(n-1) != 0 {
			e := source.Errorf(at, "a ring buffer of %d bytes", n).WithExpected("a power of two that is a multiple of the page size (4096)").WithCode("ring-size")
			next := int64(4096)
			for next < n {
				next *= 2
			}
			panic(e.WithHint("the next size that fits is %d", next))
		}
	}
	if miss := t.Required &^ m.Flags; miss != 0 && t.Probed {
		// The one flag that people forget is added; it changes nothing else.
		m.Flags |= miss
	}
	if t.Keyword == "lpm-trie" && m.Key != nil && m.Key.Kind == types.StructKind {
		if f := m.Key.Struct.Fields; len(f) == 0 || f[0].Type.Kind != types.Int || f[0].Type.Size != 4 {
			panic(source.Errorf(opts["KEY"].at, "the key of an lpm-trie must begin with the prefix length").
				WithExpected("a u32 as the first field of `%v`", m.Key).WithCode("lpm-key"))
		}
	}
	if len(m.Events) > 0 && t.Keyword != "ringbuf" && t.Keyword != "perf-event-array" && t.Keyword != "user-ringbuf" {
		panic(source.Errorf(opts["EVENT"].at, ":event is for ring and perf buffers, and `%s` is a %s map", m.Name, t.Keyword).WithCode("event-type"))
	}
}

func declareStruct(c *compiler, d *decl) sexp.Value {
	sym := d.name("struct")
	s := &types.Struct{Name: sym.Display(), Pos: d.at(0)}
	if old := c.structs[sym.Name]; old != nil || types.ScalarNamed(sym.Name) != nil {
		e := d.fail(sym, "the struct `%s` is declared twice", sym.Display()).WithCode("duplicate")
		if old != nil {
			e.WithNote(old.Pos, "it is declared here first")
		} else {
			e.What = "`" + sym.Display() + "` is the name of a scalar type"
		}
		panic(e)
	}
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if str, isStr := x.Car.(*sexp.String); isStr && len(s.Fields) == 0 {
			s.Doc = str.String()
			continue
		}
		f, proper := sexp.Slice(x.Car)
		var name *sexp.Symbol
		if proper && len(f) == 2 {
			name, _ = f[0].(*sexp.Symbol)
		}
		if name == nil || name.Keyword {
			e := d.fail(x.Car, "malformed field %s", shorten(sexp.Print(x.Car))).WithExpected("(name type)").WithCode("bad-field")
			e.Pos = x.At.Or(e.Pos)
			panic(e)
		}
		cell := x.Car.(*sexp.Cons)
		for _, g := range s.Fields {
			if g.Name == name.Name || g.C == abi.ObjectName(name.Name) {
				panic(source.Errorf(cell.At.Or(d.pos), "the field `%s` is declared twice", name.Display()).WithNote(g.Pos, "it is declared here first").WithCode("duplicate"))
			}
		}
		t := d.typeOf(f[1], cell.Cdr.(*sexp.Cons).At.Or(d.pos))
		s.Fields = append(s.Fields, types.Field{Name: name.Name, C: abi.ObjectName(name.Name), Type: t, Pos: cell.At.Or(d.pos)})
	}
	if len(s.Fields) == 0 {
		panic(d.fail(nil, "the struct `%s` has no fields", s.Name).WithExpected("(field type)...").WithCode("bad-field"))
	}
	s.Layout()
	if s.Size > 1<<24 {
		panic(d.fail(nil, "the struct `%s` has %d bytes", s.Name, s.Size).WithCode("struct-size"))
	}
	s.C = c.objectName("struct", sym, s.Pos)
	c.structs[sym.Name] = s
	c.unit.Structs = append(c.unit.Structs, s)
	c.addStruct(sym, s)
	return sym
}

func include(c *compiler, d *decl) sexp.Value {
	name, ok := d.args[0].(*sexp.String)
	if !ok || len(d.args) != 1 {
		panic(d.fail(d.args[0], "include wants the name of a file").WithExpected("(include \"file.lisp\")"))
	}
	if c.opt.Include == nil {
		panic(d.fail(d.args[0], "there are no files to include here"))
	}
	at := d.at(0)
	from := ""
	if at.File != nil {
		from = at.File.Name
	}
	file := name.String()
	if !path.IsAbs(file) {
		file = path.Join(path.Dir(from), file)
	}
	for _, f := range c.reading {
		if f == file {
			panic(source.Errorf(at, "`%s` includes itself", file).WithCode("include-cycle"))
		}
	}
	f, err := c.opt.Include(file)
	if err != nil {
		panic(source.Errorf(at, "cannot include `%s`: %v", name.String(), err).WithCode("include"))
	}
	c.reading = append(c.reading, file)
	c.readFile(f)
	c.reading = c.reading[:len(c.reading)-1]
	return sexp.T
}
