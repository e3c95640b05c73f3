package compile

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir/facts"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

// environment tells the analysis what it may know of the maps and of the context of a program of type t.
func environment(u *lang.Unit, fn *function) facts.Env {
	t := fn.ctx
	var ctx *abi.CtxStruct
	if t != nil {
		ctx = abi.CtxStructByName(t.Ctx)
	}
	readOnly, _ := abi.Constant("BPF_F_RDONLY_PROG")
	kfunc := func(name string) *abi.Helper {
		if k := u.Kfuncs[name]; k != nil {
			return k.Rules
		}
		return nil
	}
	global := func(name string) bool {
		for _, s := range u.Subs {
			if s.C == name {
				return s.Global
			}
		}
		return false
	}
	return facts.Env{Ctx: ctx, Kfunc: kfunc, Sub: fn.sub != nil && !fn.sub.Global, Global: global, Map: func(name string) *facts.Map {
		m := fn.maps[name]
		if m == nil {
			return nil
		}
		var objects []facts.Object
		for _, f := range m.Objects() {
			objects = append(objects, facts.Object{Name: f.Type.Struct.Name, Off: int64(f.Offset), Size: int64(f.Type.Size)})
		}
		return &facts.Map{Name: m.Name, Objects: objects, Array: m.Type.Array, ReadOnly: m.Flags&uint32(readOnly) != 0, MaxEntries: m.MaxEntries, KeySize: m.KeySize, ValueSize: m.ValueSize}
	}}
}

// wording is the table of what the findings say to users.
var wording = map[facts.Kind]struct {
	code  string
	write func(p *function, x *facts.Finding, e *source.Error)
}{
	facts.NullDereference: {"null-dereference", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("the pointer %s may be null here", pointer(x))
		if x.Null {
			e.What = "the pointer is null here"
		}
		if x.To != "" {
			e.What += fmt.Sprintf(", and `%s` does not take null", x.To)
		}
		e.WithExpected("a test of the pointer on the way here").WithHint("(when-let ((p %s)) ...) runs its body where p is not null", quoted(x.Origin, "..."))
		from(x, e, "gives null where there is nothing")
	}},
	facts.NullArithmetic: {"null-arithmetic", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("arithmetic on the pointer %s, which may be null here", pointer(x))
		e.WithExpected("a test of the pointer before").WithHint("(when-let ((p %s)) ...) runs its body where p is not null", quoted(x.Origin, "..."))
		from(x, e, "gives null where there is nothing")
	}},
	facts.PacketBounds: {"packet-bounds", func(p *function, x *facts.Finding, e *source.Error) {
		what := "reads or writes packet data"
		if x.To != "" {
			what = fmt.Sprintf("gives packet data to `%s`", x.To)
		}
		switch {
		case x.Needed <= 0:
			e.What = fmt.Sprintf("this %s before its start", what)
			e.WithExpected("an offset of 0 or more")
			return
		case x.Variable:
			e.What = fmt.Sprintf("this %s up to byte %d behind a pointer with a variable offset, and comparisons prove %d", what, x.Needed, x.Proven)
			e.WithExpected("a comparison of that pointer with the end of the packet, after the addition")
		default:
			e.What = fmt.Sprintf("this %s up to byte %d, and comparisons prove %d", what, x.Needed, x.Proven)
			e.WithExpected("a comparison of data + %d with the end of the packet", x.Needed)
		}
		pass := "0"
		if p.ctx != nil {
			if pass = p.ctx.Pass; pass == "" {
				pass = fmt.Sprint(p.ctx.PassValue)
			}
		}
		if x.Variable {
			e.WithHint("(when (> (+ pointer %d) data-end) (return %s))", x.Needed, pass)
		} else {
			e.WithHint("(when (> (+ data %d) data-end) (return %s)), or with-packet with :min-len %d", x.Needed, pass, x.Needed)
		}
	}},
	facts.StalePointer: {"stale-pointer", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this uses a pointer to %s from before `%s`, which may move the packet", x.Space.Words(), x.By)
		e.WithExpected("pointers read again from the context").WithHint("read (ctx data) and (ctx data-end) again after the call, and compare them")
		from(x, e, "makes older packet pointers invalid")
	}},
	facts.ReferenceLeak: {"reference-leak", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("what `%s` gives here is not given back on every path", x.By)
		end := "the program ends here with it"
		if x.To != "" {
			end = fmt.Sprintf("`%s` leaves the program here with it", x.To)
		}
		if e.WithNote(x.Origin, "%s", end); x.By == "ringbuf-reserve-dynptr" {
			e.WithExpected("ringbuf-submit-dynptr or ringbuf-discard-dynptr on every path, even where it failed").WithHint("with-dynptr does so, for a return as well")
		} else if strings.HasPrefix(x.By, "ringbuf") {
			e.WithExpected("ringbuf-submit or ringbuf-discard on every path").WithHint("with-ringbuf does so, for a return as well")
		} else {
			release := "sk-release"
			if strings.HasPrefix(x.By, "bpf-") { // a kernel function
				release = "the function that releases it"
				if name := strings.TrimSuffix(x.By, "-acquire") + "-release"; abi.KfuncByName(strings.ReplaceAll(name, "-", "_")) != nil {
					release = name
				}
			}
			e.WithExpected("%s on every path where it is not null", release)
		}
	}},
	facts.UseAfterRelease: {"use-after-release", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this uses a pointer to %s that `%s` has given back", x.Space.Words(), x.By)
		e.WithExpected("no use after the release")
		from(x, e, "gives it back")
	}},
	facts.LockHeld: {"lock-held", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = "the lock that is taken here is not let go on every path"
		e.WithNote(x.Origin, "the program ends here with it").WithExpected("spin-unlock on every path").WithHint("with-spin-lock does so, for a return as well")
	}},
	facts.LockTwice: {"lock-twice", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = "this takes a lock while another is held"
		e.WithNote(x.Origin, "the first is taken here").WithExpected("at most one lock at a time")
	}},
	facts.LockCall: {"lock-call", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this calls `%s` while a lock is held", x.To)
		e.WithNote(x.Origin, "the lock is taken here").WithExpected("no calls of the kernel before the lock is let go").
			WithHint("call it before and keep the result in a variable, or afterwards")
	}},
	facts.LockFree: {"lock-free", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = "this lets a lock go that is not held"
		if x.By != "" {
			e.What = "this lets another lock go than the one that is held"
			e.WithNote(x.Origin, "the lock is taken here")
		}
		e.WithExpected("spin-lock with the same pointer before").WithHint("with-spin-lock takes the lock and lets it go")
	}},
	facts.ObjectAccess: {"kernel-object", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this reads or writes the bytes of the %s in the value", x.Object)
		if x.To != "" {
			e.What = fmt.Sprintf("this gives `%s` the bytes of the %s in the value", x.To, x.Object)
		}
		e.WithExpected("accesses of the other fields").WithHint("copy the fields one by one")
	}},
	facts.TimerMap: {"timer-map", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("the timer is in a value of `%s`, and this is for `%s`", x.By, x.To)
		e.WithExpected("%s", x.By)
	}},
	facts.DynptrUnset: {"dynptr-unset", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("`%s` gets a dynptr that nothing has made on this way, or that was given back", x.To)
		e.WithExpected("dynptr-from-mem, ringbuf-reserve-dynptr or bpf-dynptr-from-... before").WithHint("(with-dynptr (d (dynptr-from-mem value size 0)) ...) makes one for its body")
	}},
	facts.UninitializedStack: {"uninitialized-stack", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = "this reads bytes of the stack that nothing has written"
	}},
	facts.AlwaysTrue:  {"always-true", decided("true")},
	facts.AlwaysFalse: {"always-false", decided("false")},
}

func decided(how string) func(*function, *facts.Finding, *source.Error) {
	return func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this comparison is always %s: its operands can have no other values", how)
		if text := x.Pos.Text(); !strings.HasPrefix(text, "(=") && !strings.HasPrefix(text, "(/=") {
			e.WithHint("the comparisons s< s<= s> s>= take their operands as signed")
		}
	}
}

// from adds where the pointer comes from, or what spoilt it.
func from(x *facts.Finding, e *source.Error, does string) {
	if x.Origin.Known() {
		name := quoted(x.Origin, x.By)
		if len(name) > 60 || strings.Contains(name, "\n") {
			name = x.By
		}
		e.WithNote(x.Origin, "`%s` %s", name, does)
	}
}

// pointer names the pointer of x by what gave it.
func pointer(x *facts.Finding) string {
	if text := quoted(x.Origin, ""); text != "" {
		return "from `" + text + "`"
	}
	return "to " + x.Space.Words()
}

// quoted is the user's form at pos, or other where it is long.
func quoted(pos source.Pos, other string) string {
	if text := pos.Text(); text != "" && len(text) <= 60 && !strings.Contains(text, "\n") {
		return text
	}
	return other
}

// message says x to the user.
func message(p *function, x *facts.Finding) *source.Error {
	row := wording[x.Kind]
	e := source.Errorf(x.Pos.Or(p.pos), "").WithCode(row.code)
	row.write(p, x, e)
	if !x.Kind.Refused() {
		e.Severity = source.SevWarning
	}
	return e
}

// confirmed keeps the findings of the function as it was written whose kind
// the optimised function has too: what the optimiser takes away, such as a
// load that nobody uses, the verifier never sees.
func confirmed(before, after []facts.Finding) (kept []facts.Finding) {
	for _, x := range before {
		for _, y := range after {
			if x.Kind == y.Kind {
				kept = append(kept, x)
				break
			}
		}
	}
	return kept
}
