package user

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/sim"
)

// mockFunctions give the world outside of programs, which only the virtual
// machine has in its hands.
var mockFunctions = []function{
	{"memory", "bytes &optional writable", "Puts bytes, or text with a NUL behind it, into the memory of the process that programs read with probe-read-user and its kin, and gives the address.", func(c *call) sexp.Value {
		return number(c.address(c.args[0], "bytes"))
	}},
	{"memory-bytes", "address n", "The n bytes at an address that memory gave.", func(c *call) sexp.Value {
		b, err := c.s.vm(c.in, "memory-bytes").M.Bytes(c.uint(c.args[0], 64, "the address"), int(c.uint(c.args[1], 20, "n")))
		if err != nil {
			c.fail("%v", err)
		}
		return vectorOf(b)
	}},
	{"(setf memory-bytes)", "value address n", "Writes bytes to an address: what a mocked helper fills.", func(c *call) sexp.Value {
		b := c.bytes(c.args[0], "the value")
		room, err := c.s.vm(c.in, "memory-bytes").M.Room(c.uint(c.args[1], 64, "the address"), int(c.uint(c.args[2], 20, "n")))
		if err != nil {
			c.fail("%v", err)
		}
		clear(room)
		copy(room, b)
		return c.args[0]
	}},
	{"cpu-count", "", "How many processors there are.", func(c *call) sexp.Value { return int64(c.s.run.host.CPUs()) }},
}

// mockSpecials change that world while their body runs.
var mockSpecials = []special{
	{"with-time", "ns &body body", "Runs the body at a time, in nanoseconds since the machine started, which ktime-get-ns and its kin give.", func(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
		m := c.s.vm(c.in, "with-time").M
		old := m.Time
		m.Time = c.uint(c.eval(c.args[0], env), 64, "the time")
		defer func() { m.Time = old }()
		return c.body(c.args[1:], env)
	}},
	{"with-process", "(&key pid tid uid gid comm cgroup) &body body", "Runs the body as a process: pid is what user space calls so, tid the thread, which is the pid unless it is given.", withProcess},
	{"with-cpu", "cpu &body body", "Runs the body on a processor.", func(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
		m := c.s.vm(c.in, "with-cpu").M
		old, n := m.CPU, c.uint(c.eval(c.args[0], env), 31, "the processor")
		if int(n) >= m.CPUs() {
			c.fail("there is no processor %d: they are 0 to %d", n, m.CPUs()-1)
		}
		m.CPU = int(n)
		defer func() { m.CPU = old }()
		return c.body(c.args[1:], env)
	}},
	{"with-helpers", "((helper (argument...) form...)...) &body body", "Runs the body with helpers, or kernel functions, that are written in Lisp: the arguments are numbers, and so is the value, nil being 0. (with-helpers ((get-prandom-u32 () 7)) ...)", withHelpers},
	{"with-failing", "(helper | (helper result [n]))... &body body", "Runs the body while helpers fail, with a null pointer or with -EINVAL unless a result is given; with n only the first n calls fail: (with-failing ((ringbuf-reserve 0 1)) ...).", withFailing},
}

// body evaluates forms where the operator stands.
func (c *call) body(forms []sexp.Value, env *lisp.Env) (v sexp.Value) {
	v = sexp.Nil
	for _, f := range forms {
		v = c.eval(f, env)
	}
	return v
}

func withProcess(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	m := c.s.vm(c.in, "with-process").M
	list, ok := sexp.Slice(c.args[0])
	if !ok {
		c.fail("%s is no list of :pid and the like", sexp.Print(c.args[0]))
	}
	sub := &call{c.s, c.in, c.name, nil}
	for i, x := range list {
		if i%2 == 1 {
			x = c.eval(x, env)
		}
		sub.args = append(sub.args, x)
	}
	k := sub.keys(0, "pid", "tid", "uid", "gid", "comm", "cgroup")
	pid, uid, comm, cgroup := m.PidTgid, m.UidGid, m.Comm, m.CgroupID
	defer func() { m.PidTgid, m.UidGid, m.Comm, m.CgroupID = pid, uid, comm, cgroup }()
	if v, ok := k["pid"]; ok {
		n := c.uint(v, 32, ":pid")
		m.PidTgid = n<<32 | n
	}
	if v, ok := k["tid"]; ok {
		m.PidTgid = m.PidTgid&^0xffffffff | c.uint(v, 32, ":tid")
	}
	if v, ok := k["uid"]; ok {
		m.UidGid = m.UidGid&^0xffffffff | c.uint(v, 32, ":uid")
	}
	if v, ok := k["gid"]; ok {
		m.UidGid = m.UidGid&0xffffffff | c.uint(v, 32, ":gid")<<32
	}
	if v, ok := k["comm"]; ok {
		m.Comm = c.text(v, ":comm")
	}
	if v, ok := k["cgroup"]; ok {
		m.CgroupID = c.uint(v, 64, ":cgroup")
	}
	return c.body(c.args[1:], env)
}

// helper finds a helper by the name that programs call it by; forms of the
// language stand for the helper that they call.
func (c *call) helper(v sexp.Value) *abi.Helper {
	s, ok := v.(*sexp.Symbol)
	var h *abi.Helper
	if ok {
		name := strings.ToLower(s.Name)
		if h = abi.HelperByName(name); h == nil {
			h = abi.HelperByName(name + "-elem") // map-lookup
		}
	}
	if h == nil {
		c.fail("%s is no helper", sexp.Print(v))
	}
	return h
}

// replace puts a function in the place of a helper while the body runs.
func (c *call) replace(id int32, f func([5]uint64) (uint64, error)) (undo func()) {
	mock := c.s.vm(c.in, c.name).M.Mock
	old, had := mock[id]
	mock[id] = f
	return func() {
		if delete(mock, id); had {
			mock[id] = old
		}
	}
}

func withHelpers(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	rows, ok := sexp.Slice(c.args[0])
	if !ok {
		c.fail("%s is no list of (helper (argument...) form...)", sexp.Print(c.args[0]))
	}
	for _, row := range rows {
		x, isList := row.(*sexp.Cons)
		var tail *sexp.Cons
		if isList {
			tail, _ = x.Cdr.(*sexp.Cons)
		}
		if tail == nil {
			c.fail("%s is no (helper (argument...) form...)", sexp.Print(row))
		}
		lambda := c.eval(sexp.ListStar([]sexp.Value{c.in.Table().Intern("LAMBDA")}, tail), env)
		params, _ := sexp.Slice(tail.Car)
		f := func(a [5]uint64) (uint64, error) {
			var args []sexp.Value
			for i := range min(len(params), 5) {
				args = append(args, number(a[i]))
			}
			v, err := c.in.Apply(lambda, args)
			if err != nil {
				return 0, err
			}
			if v == sexp.Value(sexp.Nil) {
				return 0, nil
			}
			return c.uint(v, 64, "the value of "+sexp.Print(x.Car)), nil
		}
		if s, isSym := x.Car.(*sexp.Symbol); isSym && abi.HelperByName(strings.ToLower(s.Name)) == nil {
			if k := c.s.kfunc(s); k != "" {
				m := c.s.vm(c.in, c.name).M
				old := m.Kfuncs[k]
				m.Kfuncs[k] = f
				defer func() { m.Kfuncs[k] = old }()
				continue
			}
		}
		defer c.replace(c.helper(x.Car).ID, f)()
	}
	return c.body(c.args[1:], env)
}

// kfunc is the C name of a kernel function that a program of the source calls.
func (s *Suite) kfunc(sym *sexp.Symbol) string {
	name := strings.ToLower(strings.ReplaceAll(sym.Name, "-", "_"))
	if s.r.Unit.Kfuncs[name] != nil {
		return name
	}
	return ""
}

func withFailing(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	rows, ok := sexp.Slice(c.args[0])
	if !ok {
		c.fail("%s is no list of helpers", sexp.Print(c.args[0]))
	}
	for _, row := range rows {
		name, result, limit := row, sexp.Value(nil), -1
		if parts, isList := sexp.Slice(row); isList && len(parts) > 0 {
			name = parts[0]
			if len(parts) > 1 {
				result = c.eval(parts[1], env)
			}
			if len(parts) > 2 {
				limit = int(c.uint(c.eval(parts[2], env), 31, "n"))
			}
		}
		h := c.helper(name)
		v := uint64(0)
		switch {
		case result != nil:
			v = c.uint(result, 64, "the result")
		case h.Result == abi.ResultInt:
			n, _ := abi.Constant("EINVAL")
			v = uint64(-n)
		}
		calls := 0
		defer c.replace(h.ID, func([5]uint64) (uint64, error) {
			if calls++; limit >= 0 && calls > limit {
				return 0, sim.ErrNotMocked
			}
			return v, nil
		})()
	}
	return c.body(c.args[1:], env)
}
