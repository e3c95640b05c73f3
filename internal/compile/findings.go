package compile

import (
	"fmt"
	"math"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/fix"
	"github.com/whistler-lang/whistler/internal/ir"
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
	writeOnly, _ := abi.Constant("BPF_F_WRONLY_PROG")
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
	variable := func(name string) *facts.Map {
		for _, g := range u.Globals {
			if g.C == name {
				return &facts.Map{Name: g.Name, ValueSize: g.Type.Size, Known: g.Const}
			}
		}
		return nil
	}
	return facts.Env{Ctx: ctx, Variable: variable, Called: fn.sub != nil && (fn.sub.Global || fn.sub.Callback), Kfunc: kfunc, Sub: fn.sub != nil && !fn.sub.Global, Global: global, Returns: fn.results(), PacketReadOnly: t != nil && packetReadOnly[t.C], Map: func(name string) *facts.Map {
		m := fn.maps[name]
		if m == nil {
			return nil
		}
		size := m.ValueSize
		if m.Type.Ops&abi.OpSockLookup != 0 || m.Type.Keyword == "xskmap" {
			size = 0 // a lookup gives a socket
		}
		var objects []facts.Object
		for _, f := range m.Objects() {
			objects = append(objects, facts.Object{Name: f.Type.Struct.Name, Off: int64(f.Offset), Size: int64(f.Type.Size)})
		}
		return &facts.Map{Name: m.Name, Objects: objects, Array: m.Type.Array, ReadOnly: m.Flags&uint32(readOnly) != 0, WriteOnly: m.Flags&uint32(writeOnly) != 0, MaxEntries: m.MaxEntries, KeySize: m.KeySize, ValueSize: size}
	}}
}

// packetReadOnly are the types whose programs read packet data and do not
// write it (may_access_direct_pkt_data of kernel/bpf/verifier.c).
var packetReadOnly = map[string]bool{"BPF_PROG_TYPE_CGROUP_SKB": true, "BPF_PROG_TYPE_LWT_IN": true, "BPF_PROG_TYPE_LWT_OUT": true,
	"BPF_PROG_TYPE_LWT_SEG6LOCAL": true, "BPF_PROG_TYPE_SK_REUSEPORT": true, "BPF_PROG_TYPE_FLOW_DISSECTOR": true}

// results is the range of results that the verifier takes from the program,
// nil if it takes any.
func (fn *function) results() *[2]int64 {
	if fn.sub != nil || fn.ctx == nil {
		return nil
	}
	if s := abi.SectionMatch(fn.section); s != nil && s.HasRet {
		return &[2]int64{s.RetMin, s.RetMax}
	}
	if fn.ctx.HasRet && fn.ctx.RetChecked {
		return &[2]int64{fn.ctx.RetMin, fn.ctx.RetMax}
	}
	return nil
}

// wording is the table of what the findings say to users.
var wording = map[facts.Kind]struct {
	code  string
	write func(p *function, x *facts.Finding, e *source.Error)
}{
	facts.NullDereference: {"null-dereference", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = null(p, x)
		e.WithExpected("a test of the pointer on the way here").WithHint("(when-let ((p %s)) ...) runs its body where p is not null", quoted(x.Origin, "..."))
		from(x, e, "gives null where there is nothing")
	}},
	facts.NullArithmetic: {"null-arithmetic", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("arithmetic on the pointer %s, which may be null here", pointer(x))
		if name := p.names().Pointer(x); name != "" {
			e.What = fmt.Sprintf("arithmetic on `%s`, which may be null here%s", name, because(x))
		}
		e.WithExpected("a test of the pointer before").WithHint("(when-let ((p %s)) ...) runs its body where p is not null", quoted(x.Origin, "..."))
		from(x, e, "gives null where there is nothing")
	}},
	facts.PacketBounds: {"packet-bounds", func(p *function, x *facts.Finding, e *source.Error) {
		what := "reads or writes packet data"
		if x.To != "" {
			what = fmt.Sprintf("gives packet data to `%s`", x.To)
		}
		data, end := p.names().Ends(x.Pos)
		switch {
		case x.Needed <= 0 && x.Variable:
			e.What = fmt.Sprintf("this %s at an offset that may be negative: %d or more", what, x.Needed)
			e.WithExpected("an offset of 0 or more").WithHint("(logand offset mask) or an unsigned comparison leaves no negative numbers")
			return
		case x.Needed <= 0:
			e.What = fmt.Sprintf("this %s before its start", what)
			e.WithExpected("an offset of 0 or more")
			return
		case x.Variable && x.Far:
			e.What = fmt.Sprintf("this %s at an offset that may be over 65535, where comparisons prove nothing", what)
			e.WithExpected("an offset that is known to be smaller").WithHint("(logand offset #x7fff) before the addition, and a comparison of the sum with data-end after it")
			return
		case x.Variable:
			behind := "a pointer with a variable offset"
			if name := p.names().Pointer(x); name != "" {
				behind = fmt.Sprintf("`%s`, whose offset is variable", name)
			}
			e.What = fmt.Sprintf("this %s up to byte %d behind %s, and comparisons prove %d", what, x.Needed, behind, x.Proven)
			e.WithExpected("a comparison of that pointer with the end of the packet, after the addition")
		default:
			e.What = fmt.Sprintf("this %s up to byte %d, and comparisons prove %d", what, x.Needed, x.Proven)
			e.WithExpected("a comparison of %s + %d with the end of the packet", data, x.Needed)
		}
		pass := p.pass()
		if pass == "" {
			pass = "0"
		}
		if x.Variable {
			pointer := p.names().Pointer(x)
			if pointer == "" {
				pointer = "pointer"
			}
			e.WithHint("(when (> (+ %s %d) %s) (return %s))", pointer, x.Needed, end, pass)
		} else {
			e.WithHint("(when (> (+ %s %d) %s) (return %s)), or with-packet with :min-len %d", data, x.Needed, end, pass, x.Needed)
		}
	}},
	facts.StalePointer: {"stale-pointer", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this uses %s from before `%s`, which may move the packet", p.named(x), x.By)
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
		e.What = fmt.Sprintf("this uses %s that `%s` has given back", p.named(x), x.By)
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
	facts.MemoryBounds: {"memory-bounds", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("%s %s of %s, which has %s", touches(x), places(x), p.memory(x), bytes(x.Proven))
		if x.Least < 0 {
			e.WithExpected("an offset of 0 or more").WithHint("(logand i mask), or an unsigned comparison such as (when (< i %d) ...)", max(x.Proven-x.Needed+1, 1))
			return
		}
		e.WithExpected("an offset from 0 to %d", max(x.Proven-x.Needed, 0))
		if x.Variable {
			e.WithHint("(when (< i %d) ...) around it, or (logand i mask)", max(x.Proven-x.Needed+1, 1))
		}
	}},
	facts.StackBounds: {"stack-bounds", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("%s %s of %s on the stack, which has %s", touches(x), places(x), p.memory(x), bytes(x.Proven))
		e.WithExpected("an offset from 0 to %d", max(x.Proven-x.Needed, 0))
		if x.Variable {
			e.WithHint("(when (< i %d) ...) around it, or (logand i mask)", max(x.Proven-x.Needed+1, 1))
		}
	}},
	facts.PointerOffset: {"pointer-offset", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this moves a pointer to %s by a number that may be %s", x.Space.Words(), extreme(x.Least, x.Most))
		e.WithExpected("a number that is known to lie between -2^29 and 2^29").WithHint("(logand n mask), or (when (< n limit) ...) around it; nothing is known of a remainder or a quotient")
	}},
	facts.PointerArithmetic: {"pointer-arithmetic", func(p *function, x *facts.Finding, e *source.Error) {
		if x.Space == ir.PtrStack {
			e.What = "this subtracts a variable number from a pointer to the stack"
			e.WithExpected("an addition").WithHint("compute the offset first and add it to the start of the variable")
			return
		}
		e.What = fmt.Sprintf("this moves a pointer to %s, which stays where it is", x.Space.Words())
		e.WithExpected("arithmetic on the other pointer").WithHint("(+ data n) on the other side of the comparison")
	}},
	facts.Misaligned: {"misaligned", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this accesses %d bytes at a place that is no multiple of %d", x.Needed, x.Needed)
		if x.Variable {
			e.What = fmt.Sprintf("this accesses %d bytes at a place that may be no multiple of %d", x.Needed, x.Needed)
		}
		e.WithExpected("an aligned place").WithHint("accesses of the stack and atomic ones are aligned: read bytes, or multiply the index by %d", x.Needed)
	}},
	facts.MapDirection: {"map-direction", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this writes to the map `%s`, which programs only read", x.By)
		flag := "BPF_F_RDONLY_PROG"
		if !x.Write {
			e.What = fmt.Sprintf("this reads from the map `%s`, which programs only write", x.By)
			flag = "BPF_F_WRONLY_PROG"
		}
		e.WithExpected("another map").WithHint("leave %s out of the map's :map-flags", flag)
	}},
	facts.PacketReadOnly: {"packet-read-only", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this writes packet data, which a %s program only reads", p.ctx.Keyword)
		e.WithExpected("a program type that changes packets").WithHint(":xdp and :tc programs do")
	}},
	facts.AtomicPacket: {"atomic-packet", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = "there are no atomic operations on packet data"
		e.WithExpected("a map's value or a variable").WithHint("a packet belongs to one program at a time: load, compute, store")
	}},
	facts.PacketArgument: {"packet-argument", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("`%s` does not take a pointer to %s", x.To, x.Space.Words())
		e.WithExpected("memory on the stack or in a map's value").WithHint("copy the bytes with memcpy, xdp-load-bytes or skb-load-bytes first")
	}},
	facts.SizeArgument: {"size-argument", func(p *function, x *facts.Finding, e *source.Error) {
		what := "too large: " + extreme(x.Least, x.Most)
		hint := "(min n limit) or (logand n mask)"
		switch {
		case x.Null:
			what, hint = "0", "(+ 1 (logand n mask)) is never 0"
		case x.Least < 0:
			what, hint = "negative", "(logand n mask), or an unsigned comparison such as (when (< n limit) ...)"
		}
		e.What = fmt.Sprintf("the size that `%s` gets as argument %d may be %s", x.To, x.Needed, what)
		e.WithExpected("a size that is known to fit").WithHint("%s", hint)
	}},
	facts.ContextArgument: {"context-argument", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("`%s` gets a pointer into the context, and wants its start", x.To)
		e.WithExpected("(ctx-ptr)")
	}},
	facts.ResultRange: {"result-range", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("the result may be %s, and a program in the section %s gives %d to %d", extreme(x.Least, x.Most), p.section, x.Proven, x.Needed)
		e.WithExpected("a result from %d to %d", x.Proven, x.Needed).WithHint("(if test 1 0) or (logand n 1)")
	}},
	facts.TooComplex: {"too-complex", func(p *function, x *facts.Finding, e *source.Error) {
		times := x.Needed
		if times > 1000 {
			times = times / 1000 * 1000
		}
		if x.Callback {
			e.What = fmt.Sprintf("the verifier walks the body of this again for every value that its variables get, where they decide something, and gives up after more than %d walks", times)
			e.WithExpected("no test of a variable that the body changes, or fewer turns").
				WithHint("count in a map's value or a global variable, of which the verifier knows nothing: a number that it knows makes every walk another one")
			return
		}
		if x.Variable {
			e.What = fmt.Sprintf("there are too many paths through this program: the verifier gives up after a million instructions, and more than %d times this test makes two paths of one", times)
			e.WithExpected("fewer branches that multiply").WithHint("in a loop, count in a map's value or a global variable, of which the verifier knows nothing: a number that it knows makes every path another one")
			return
		}
		e.What = fmt.Sprintf("this program is too long for the verifier, which gives up after a million instructions, and comes by this test more than %d times", times)
		e.WithExpected("fewer turns, or fewer instructions in each").WithHint("(bpf-loop (i n) ...), whose body is verified once")
	}},
	facts.UninitializedStack: {"uninitialized-stack", func(p *function, x *facts.Finding, e *source.Error) {
		e.What = "this reads bytes of the stack that nothing has written"
	}},
	facts.AlwaysTrue:  {"always-true", decided("true")},
	facts.AlwaysFalse: {"always-false", decided("false")},
}

// names reads the names of variables in the sources.
func (fn *function) names() fix.Texts {
	if fn.texts == nil {
		fn.texts = fix.Texts{}
	}
	return fn.texts
}

// named is the pointer of x in words, by the name of its variable where there is one.
func (fn *function) named(x *facts.Finding) string {
	if name := fn.names().Pointer(x); name != "" {
		return fmt.Sprintf("`%s`, a pointer to %s", name, x.Space.Words())
	}
	return "a pointer to " + x.Space.Words()
}

// null says which pointer is null, or may be, and why.
func null(p *function, x *facts.Finding) string {
	who, why := "the pointer", ""
	if name := p.names().Pointer(x); name != "" {
		who, why = "`"+name+"`", because(x)
	} else if !x.Null {
		who += " " + pointer(x)
	}
	is := " may be null here"
	if x.Null {
		is = " is null here"
	}
	if x.To != "" {
		is += fmt.Sprintf(", and `%s` does not take null", x.To)
	}
	return who + is + why
}

// because says at which place a pointer becomes null.
func because(x *facts.Finding) string {
	if !x.Origin.Known() {
		return ""
	}
	at := x.Origin.String()
	if x.Origin.File == x.Pos.File {
		line, col := x.Origin.LineCol()
		at = fmt.Sprintf("%d:%d", line, col)
	}
	switch {
	case strings.HasPrefix(x.By, "map-lookup"):
		return fmt.Sprintf(": the lookup at %s can miss", at)
	case strings.HasPrefix(x.By, "ringbuf-reserve"):
		return fmt.Sprintf(": the reservation at %s can fail", at)
	case x.By != "":
		return fmt.Sprintf(": `%s` at %s can give none", x.By, at)
	}
	return ""
}

// pass is the verdict that lets a packet pass, "" where no program calls the function.
func (fn *function) pass() string {
	switch {
	case fn.ctx == nil || fn.sub != nil:
		return ""
	case fn.ctx.Pass != "":
		return fn.ctx.Pass
	}
	return fmt.Sprint(fn.ctx.PassValue)
}

func decided(how string) func(*function, *facts.Finding, *source.Error) {
	return func(p *function, x *facts.Finding, e *source.Error) {
		e.What = fmt.Sprintf("this comparison is always %s: its operands can have no other values", how)
		if text := x.Pos.Text(); !strings.HasPrefix(text, "(=") && !strings.HasPrefix(text, "(/=") {
			e.WithHint("the comparisons s< s<= s> s>= take their operands as signed")
		}
	}
}

// touches says what x does.
func touches(x *facts.Finding) string {
	switch {
	case x.To != "":
		return fmt.Sprintf("`%s` gets %s", x.To, bytes(x.Needed))
	case x.Write:
		return "this writes " + bytes(x.Needed)
	}
	return "this reads " + bytes(x.Needed)
}

func bytes(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// memory is what x is beside of, by the name of the pointer where it has one.
func (fn *function) memory(x *facts.Finding) string {
	name := fn.names().Pointer(x)
	if name != "" {
		name = "`" + name + "`"
	}
	switch {
	case x.By != "" && name != "":
		return fmt.Sprintf("%s, a value of `%s`", name, x.By)
	case x.By != "":
		return fmt.Sprintf("`%s`", x.By)
	case x.Space == ir.PtrRecord:
		return strings.TrimSpace("the record " + name)
	case name != "":
		return name
	case x.Kind == facts.StackBounds:
		return "a variable"
	}
	return "the memory"
}

// places says where x begins.
func places(x *facts.Finding) string {
	if !x.Variable {
		return fmt.Sprintf("at offset %d", x.Least)
	}
	return "at an offset that may be " + extreme(x.Least, x.Most)
}

// extreme is a range in words.
func extreme(least, most int64) string {
	switch {
	case least <= math.MinInt32 && most >= math.MaxInt32:
		return "any number"
	case most >= math.MaxInt32:
		return fmt.Sprintf("%d or any larger number", least)
	case least <= math.MinInt32:
		return fmt.Sprintf("any number up to %d", most)
	case least == most:
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
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
	e.Cause = fix.Mistake{Finding: x, Pass: p.pass()}
	for _, b := range x.Way {
		if way := "holds"; b.Pos.Known() {
			if !b.Holds {
				way = "does not hold"
			}
			e.WithNote(b.Pos, "on the way here this %s", way)
		}
	}
	if !x.Kind.Refused() {
		e.Severity = source.SevWarning
	}
	return e
}
