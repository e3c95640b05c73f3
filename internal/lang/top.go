package lang

import (
	"path"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A declaration is a top-level form of the language: a row of the table.
type declaration struct {
	name, params, doc string
	run               func(c *compiler, d *decl) sexp.Value
}

// declarations is the table of top-level forms.
func declarations() []declaration {
	return []declaration{
		{"DEFMAP", "name :type type [:key-size n] [:value-size n] [:key type] [:value type] :max-entries n [:map-flags f] [:pinning :by-name] [:event struct] [:values (...)] [:show hint]",
			"Declares a map. Sizes are in bytes; :key and :value give types and with them sizes. :max-entries is a constant expression. :show says how whistler shows it: :log2 as a histogram whose keys are powers of two, (:field :hint ...) with hints :hex :text :ip :mac :port :ns :time :bytes :number; fields called ip, saddr, mac, comm, latency_ns and the like are known by their names.", declareMap},
		{"DEFPROG", "name (:type type [:section s] [:attach a] [:license l] [:sleepable t] [:cpu v]) [docstring] body...",
			"Declares a program. The value of the last form is its result. :section is a name that libbpf knows; :attach is what follows in the section that the type means, such as \"egress\" or \"sched/sched_switch\", :sleepable takes its sleepable variant, and :cpu is the BPF cpu version of this program alone, 2 to 4.", declareProgram},
		{"DEFSTRUCT-OPS", "name type [docstring] [:link flag] :member value...",
			"Declares a struct of operations, which makes programs what a part of the kernel calls: a congestion control of TCP, for one. The type is one of the kernel's, such as tcp-congestion-ops. A member that is a function takes the name of a program of type :struct-ops, declared before or after; its arguments are those of the function, by the names of :args or (arg name), and so is its result. Other members take numbers, flags and texts. What is registered goes with the process that did it, by a link; :link nil is for kernels before 6.4, which have none, and is the default where --target names one.", declareStructOps},
		{"DEFSUBPROG", "name ((arg type)...) result-type [(:global t)] [docstring] body...",
			"Declares a function that programs call like a form. Types are scalars, (ptr type), ptr and ctx; a result type of void gives 0. Context forms work in it; a :global one is verified on its own.", declareSubprog},
		{"DEFGLOBAL", globalParams,
			"Declares a variable that all programs share and that user space reads and writes by name: (setf name v), (global-addr name). An array or struct is given by its address. A :const one is read-only; its value is a default that -D changes.", declareGlobal},
		{"DEFSTRUCT", "name [docstring] (field type [docstring])...",
			"Declares a struct with C layout, and (make-name [:field value]...), (name-field p), (setf (name-field p) v), (name-field-ptr p). A field's type is a scalar, a struct, (array type n), whose accessor takes an index, (ptr type), which is read as a number, or (bits type width), a bit-field as C lays it out. Structs and arrays in a struct are given by their address; (name-inner-field p) reaches into an inner struct. A pointer to a struct that begins with this one is right, too.", declareStruct},
		{"DEFUNION", "name member...",
			"Declares a union: members begin at the same place, and it has the size of the largest. A member is the name of a struct, or (field type). A pointer to the union is right for the accessors of any member; (name-member p) gives the member.", declareUnion},
		{"DEFENUM", "name constant...",
			"Declares constants: name, one more than the constant before, or (name value). They are known in programs and at compile time. The enum's name is a type, u32, or i32 where a constant is negative, or u64 or i64 where one is wider; tools show its values by their names.", declareEnum},
		{"DEFHEADER", "name (field :offset n :type t [:net-order t])...",
			"Declares accessors (name-field p), (setf (name-field p) v) and (name-field-ptr p) for the fields of a packet header. :net-order t converts. A field of type (array t n) is given by its address.", declareHeader},
		{"DEFTRACEPOINT", "category/event field...",
			"Declares accessors (tp-field) and (tp-field-ptr) for fields of a tracepoint, from the kernel's format file. Of a text, be it an array or at a place that the field tells (__data_loc), (tp-field-str buffer [size]) copies as much as the buffer, or size, has room for, with a NUL at the end; it gives the number of bytes with the NUL, or a negative error number.", declareTracepoint},
		{"IMPORT-KERNEL-STRUCT", "name [field | (field type)]...",
			"Declares accessors of a struct of the kernel, from its BTF: (name-field p) for each field, or for every one where none is given, (name-field-ptr p), (as-name p), which makes a pointer to the struct of an address, and +name-size+. A field may lead on, through structs and pointers: real-parent->tgid, se.vruntime. Every access is relocated, so that the object runs on other kernels. It is a plain load where the verifier allows one, else probe-read-kernel, which gives 0 where memory cannot be read. (field type) declares a field that the kernel's BTF may lack; field-exists tells whether the kernel has it.", importKernelStruct},
		{"DEFKSYM", "name [type] [:weak t]",
			"Names a variable of the kernel, as /proc/kallsyms has it, with - for _. With a scalar type its name gives the value, and 0 if it cannot be read; with a struct of import-kernel-struct a pointer for its accessors; with void or no type the address, a number. A per-CPU variable, whose type the kernel's BTF has, is reached by this-cpu-ptr and per-cpu-ptr. The object does not load where the kernel has no such variable, unless it is :weak t: then its address is 0, for which ksym-exists asks. Objects that use per-CPU variables are loaded by whistler and by libbpf; cilium/ebpf does not read them.", declareKsym},
		{"DEFKFUNC", "name [flag...]",
			"Names a function of the kernel that programs may call (a kfunc), for kernels whose BTF does not tag it, and adds flags to those known: :acquire, the result must be released; :release; :ret-null, the result may be null; :sleepable; :trusted-args; :rcu; :destructive. Other kfuncs need no declaration: they are forms under their names, with - for _.", declareKfunc},
		{"DEFTEST", "name [docstring] form...",
			"Declares a test, which `whistler test` runs: in the virtual machine, without privileges, or with --kernel in the kernel. The forms are Lisp of compile time, with functions that run programs, make packets, look at maps and check results. Compiling leaves tests out.", declareTest},
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

func (c *compiler) specials() []lisp.Special {
	ds := declarations()
	out := make([]lisp.Special, 0, len(ds)+1)
	for _, d := range ds {
		out = append(out, lisp.Special{Name: d.name, Params: d.params, Doc: d.doc,
			Fn: func(in *lisp.Interp, form *sexp.Cons, env *lisp.Env) sexp.Value {
				args, ok := c.table.Slice(form.Cdr)
				dd := &decl{c, form, env, args, form.Pos.Or(in.Pos())}
				if !ok || len(args) == 0 {
					panic(dd.fail(form, "malformed `%s`", strings.ToLower(d.name)).WithExpected("(%s %s)", strings.ToLower(d.name), d.params).WithCode("malformed-declaration"))
				}
				v := d.run(c, dd)
				if c.opt.observe != nil {
					c.opt.observe(c, dd)
				}
				return v
			}})
	}
	return append(out, c.sessionForm())
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
				e.DidYouMean(":" + m)
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
		if head, isSym := c.Car.(*sexp.Symbol); isSym && strings.HasPrefix(head.Name, "BPF_") {
			names = proper // no operator has such a name
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
				e.DidYouMean(strings.ToUpper(m))
			}
			panic(e)
		}
	}
	return d.number(option{value: v, at: at}, "a flag")
}

func include(c *compiler, d *decl) sexp.Value {
	name, ok := d.args[0].(*sexp.String)
	if !ok || len(d.args) != 1 {
		panic(d.fail(d.args[0], "include wants the name of a file").WithExpected("(include \"file.lisp\")").WithCode("include"))
	}
	if c.opt.Include == nil {
		panic(d.fail(d.args[0], "there are no files to include here").WithCode("include"))
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
