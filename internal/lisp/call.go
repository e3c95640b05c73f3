package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// callRows call functions and make new ones of them.
func callRows() []row {
	return []row{
		{"FUNCALL", "function &rest arguments", func(in *Interp, a []Value) Value { return in.call(in.function(a[0]), a[1:]) }},
		{"APPLY", "function argument &rest arguments", func(in *Interp, a []Value) Value {
			fn := in.function(a[0])
			last := in.listOf(a[len(a)-1], "apply")
			in.alloc(int64(len(last)))
			return in.call(fn, append(append([]Value(nil), a[1:len(a)-1]...), last...))
		}},
		{"VALUES", "&rest objects", func(in *Interp, a []Value) Value {
			if len(a) == 1 {
				return a[0]
			}
			return values(append([]Value(nil), a...)...)
		}},
		{"VALUES-LIST", "list", func(in *Interp, a []Value) Value { return values(in.listOf(a[0], "values-list")...) }},
		{"IDENTITY", "object", func(in *Interp, a []Value) Value { return a[0] }},
		{"CONSTANTLY", "object", func(in *Interp, a []Value) Value {
			v := a[0]
			in.alloc(32)
			return goFunction("constantly", "&rest arguments", func(in *Interp, a []Value) Value { return v })
		}},
		{"COMPLEMENT", "function", func(in *Interp, a []Value) Value {
			fn := in.function(a[0])
			in.alloc(32)
			return goFunction("complement", "&rest arguments", func(in *Interp, a []Value) Value {
				in.enter()
				v := one(in.call(fn, a))
				in.leave()
				return truth(isNil(v))
			})
		}},
		{"FUNCTIONP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*Function); return truth(ok) }},
		{"COMPILED-FUNCTION-P", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*Function); return truth(ok) }},
		{"COMPILE", "name &optional definition", func(in *Interp, a []Value) Value {
			if len(a) > 1 && !isNil(a[1]) {
				return in.function(a[1])
			}
			return a[0]
		}},
	}
}

// expandRows work on forms.
func expandRows() []row {
	return []row{
		{"MACROEXPAND-1", "form &optional environment", func(in *Interp, a []Value) Value {
			v, ok := in.expand1(a[0], in.envOf(optional(a, 1)))
			return values(v, truth(ok))
		}},
		{"MACROEXPAND", "form &optional environment", func(in *Interp, a []Value) Value {
			v, env, any := a[0], in.envOf(optional(a, 1)), false
			for n := 0; ; n++ {
				if n > maxExpanding {
					in.limit("macroexpand: %s expands without end", show(a[0]))
				}
				next, ok := in.expand1(v, env)
				if !ok {
					return values(v, truth(any))
				}
				v, any = next, true
			}
		}},
		{"EVAL", "form", func(in *Interp, a []Value) Value {
			in.enter()
			v := in.top(a[0], in.pos, nil)
			in.leave()
			return v
		}},
		{"REQUIRE", "&rest ignored", nothing}, {"LOAD-SYSTEM", "&rest ignored", nothing}, {"USE-PACKAGE", "&rest ignored", nothing},
		{"EXPORT", "&rest ignored", nothing}, {"IMPORT", "&rest ignored", nothing}, {"PROCLAIM", "&rest ignored", nothing},
		{"PROVIDE", "&rest ignored", nothing}, {"SHADOW", "&rest ignored", nothing}, {"QUICKLOAD", "&rest ignored", nothing},
		{"COMPILE-TO-ELF", "&rest ignored", nothing}, {"RESET-COMPILATION-STATE", "", nothing},
	}
}

func nothing(*Interp, []Value) Value { return sexp.Nil }

// sandboxRows refuse what would reach out of the compiler or make the result
// depend on anything but the source.
func sandboxRows() []row {
	var rows []row
	for _, name := range []string{"OPEN", "CLOSE", "LOAD", "PROBE-FILE", "DELETE-FILE", "RENAME-FILE", "DIRECTORY", "FILE-LENGTH", "FILE-POSITION", "FILE-WRITE-DATE",
		"ENSURE-DIRECTORIES-EXIST", "TRUENAME", "PATHNAME", "MERGE-PATHNAMES", "RUN-PROGRAM", "RUN-SHELL-COMMAND", "GETENV", "POSIX-GETENV", "COMPILE-FILE",
		"READ", "READ-BYTE", "WRITE-BYTE", "SLEEP", "GET-UNIVERSAL-TIME", "GET-DECODED-TIME", "GET-INTERNAL-REAL-TIME", "GET-INTERNAL-RUN-TIME",
		"MACHINE-INSTANCE", "MACHINE-TYPE", "USER-HOMEDIR-PATHNAME", "QUIT", "EXIT", "MAKE-RANDOM-STATE", "ED", "DRIBBLE", "BREAK", "INVOKE-DEBUGGER"} {
		rows = append(rows, row{name, "&rest arguments", func(in *Interp, a []Value) Value {
			in.fail(sandboxed(in.pos, name))
			return nil
		}})
	}
	rows = append(rows, row{"GENTEMP", "&rest arguments", func(in *Interp, a []Value) Value {
		in.fail(errAt(in.pos, nil, "`gentemp` is refused").WithHint("use `gensym`"))
		return nil
	}})
	for _, name := range []string{"MAKE-INSTANCE", "SLOT-VALUE", "INVOKE-RESTART", "FIND-RESTART", "COMPUTE-RESTARTS", "CONTINUE", "ABORT", "USE-VALUE", "STORE-VALUE"} {
		rows = append(rows, row{name, "&rest arguments", func(in *Interp, a []Value) Value {
			in.failAt(in.pos, nil, "`%s` is not part of compile-time Lisp: it has no objects of classes and no restarts", lower(name))
			return nil
		}})
	}
	return rows
}

func sandboxed(pos source.Pos, name string) *Err {
	e := errAt(pos, nil, "`%s` is refused: compile-time code is sandboxed", lower(name))
	e.Code = "sandbox"
	return e.WithHint("it has no files, processes, environment or clock; `include` reads another source file")
}

// noSpecials are operators of Common Lisp that are refused by name.
func noSpecials() []special {
	refuse := func(name, why string) special {
		return special{name: name, params: "&rest arguments", compile: func(c *comp, x *sexp.Cons) code {
			c.in.failAt(c.pos, x, "`%s` %s", lower(name), why)
			return nil
		}}
	}
	files := func(name string) special {
		return special{name: name, params: "&rest arguments", compile: func(c *comp, x *sexp.Cons) code {
			c.in.fail(sandboxed(c.pos, name))
			return nil
		}}
	}
	const classes = "is not part of compile-time Lisp: it has no classes"
	const restarts = "is not part of compile-time Lisp: it has no restarts"
	return []special{
		files("WITH-OPEN-FILE"), files("WITH-OPEN-STREAM"), files("TIME"),
		refuse("DEFCLASS", classes), refuse("DEFGENERIC", classes), refuse("DEFMETHOD", classes), refuse("WITH-SLOTS", classes), refuse("WITH-ACCESSORS", classes),
		refuse("RESTART-CASE", restarts), refuse("RESTART-BIND", restarts), refuse("WITH-SIMPLE-RESTART", restarts),
	}
}
