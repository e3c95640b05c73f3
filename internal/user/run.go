package user

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/sexp"
)

// runFunctions run programs and tell what came of the last run.
var runFunctions = []function{
	{"run", "program &key packet ctx args result cpu repeat",
		"Runs a program and gives its result, a number. packet is what it runs on; ctx is a list of :field value for its context, by the fields' names in (ctx field), or for a tracepoint by those of its format, where text and vectors are bytes; args are the arguments, and result the result, of the function that a kprobe, fentry or raw tracepoint program sees. cpu is the processor, and repeat how often it runs, on the same input.", runRun},
	{"packet-out", "", "The packet as the last run left it.", func(c *call) sexp.Value { return vectorOf(c.last().Packet) }},
	{"ctx-out", "field", "A field of the context as the last run left it: (ctx-out :mark).", func(c *call) sexp.Value {
		c.last()
		name := c.fieldName(c.args[0])
		v, ok := c.s.run.last.Field(name)
		if !ok {
			c.fail("the context of %s has no number %s that can be read here", c.s.run.program.Name, name)
		}
		return number(v)
	}},
	{"printed", "", "What the last run wrote with printk, a list of strings. In the kernel it is not known.", func(c *call) sexp.Value {
		c.s.vm(c.in, "printed")
		var lines []sexp.Value
		for _, l := range c.last().Printed {
			lines = append(lines, sexp.NewString(l))
		}
		return sexp.List(lines...)
	}},
	{"signals", "", "The signals that runs of this test have sent, the oldest first.", func(c *call) sexp.Value {
		var out []sexp.Value
		for _, s := range c.s.vm(c.in, "signals").M.Signals {
			out = append(out, int64(s.Signal))
		}
		return sexp.List(out...)
	}},
	{"written", "", "What iterators of this test have written, a string.", func(c *call) sexp.Value {
		return sexp.NewString(string(c.s.vm(c.in, "written").M.Output))
	}},
	{"redirects", "", "Where runs of this test have sent packets with redirect, redirect-map and their kin: a list of (map key) or (nil interface), the oldest first.", func(c *call) sexp.Value {
		var out []sexp.Value
		for _, r := range c.s.vm(c.in, "redirects").M.Redirects {
			if r.Map == "" {
				out = append(out, sexp.List(sexp.Nil, int64(r.Index)))
				continue
			}
			var m sexp.Value = sexp.NewString(r.Map)
			for _, d := range c.s.r.Unit.Maps {
				if d.C == r.Map {
					m = &mapRef{d}
				}
			}
			out = append(out, sexp.List(m, fromBytes(nil, r.Key)))
		}
		return sexp.List(out...)
	}},
}

func (c *call) last() *Outcome {
	if c.s.run.last == nil {
		c.fail("no program has run yet")
	}
	return c.s.run.last
}

// fieldName is the C name that a keyword or symbol means.
func (c *call) fieldName(v sexp.Value) string {
	s, ok := v.(*sexp.Symbol)
	if !ok {
		c.fail("%s is no name of a field", sexp.Print(v))
	}
	return strings.ReplaceAll(strings.ToLower(s.Name), "-", "_")
}

func runRun(c *call) sexp.Value {
	p := c.program(c.args[0])
	k := c.keys(1, "packet", "ctx", "args", "result", "cpu", "repeat")
	in := Input{Fields: map[string]uint64{}, Texts: map[string][]byte{}, Repeat: 1}
	if v, ok := k["packet"]; ok {
		if in.Packet = c.bytes(v, ":packet"); in.Packet == nil {
			in.Packet = []byte{}
		}
	}
	if v, ok := k["ctx"]; ok {
		c.context(&in, p, v)
	}
	if v, ok := k["args"]; ok {
		items, isList := sexp.Slice(v)
		if !isList {
			c.fail(":args is %s, and should be a list of numbers", sexp.Print(v))
		}
		for _, x := range items {
			in.Args = append(in.Args, c.address(x, "an element of :args"))
		}
	}
	if v, ok := k["result"]; ok {
		n := c.uint(v, 64, ":result")
		in.Result = &n
	}
	if v, ok := k["cpu"]; ok {
		in.CPU = int(c.uint(v, 31, ":cpu"))
	} else if h, ok := c.s.run.host.(*VM); ok {
		in.CPU = h.M.CPU
	}
	if v, ok := k["repeat"]; ok {
		in.Repeat = int(c.uint(v, 31, ":repeat"))
	}
	o, err := c.s.run.host.Run(p, in)
	c.must(err)
	c.s.run.last, c.s.run.program = o, p
	return verdict(p, o.Result)
}

// verdict is a result as a number: signed but for the types whose result is a
// length.
func verdict(p *lang.Program, v uint32) sexp.Value {
	if p.Type.Keyword == "socket-filter" {
		return int64(v)
	}
	return int64(int32(v))
}

// address is a number, or text or bytes that get a place in the memory of
// the process.
func (c *call) address(v sexp.Value, what string) uint64 {
	switch v.(type) {
	case *sexp.String, *sexp.Vector, *Record:
		b := c.bytes(v, what)
		if _, text := v.(*sexp.String); text {
			b = append(b, 0)
		}
		return c.s.vm(c.in, "memory of a process").M.NewMemory("the memory of the process", b, true)
	}
	return c.uint(v, 64, what)
}

// context reads the list of :field value.
func (c *call) context(in *Input, p *lang.Program, v sexp.Value) {
	items, ok := sexp.Slice(v)
	if !ok || len(items)%2 != 0 {
		c.fail(":ctx is %s, and should be a list of :field value", sexp.Print(v))
	}
	layout := abi.CtxStructByName(p.Type.Ctx)
	for i := 0; i < len(items); i += 2 {
		name := c.fieldName(items[i])
		switch items[i+1].(type) {
		case *sexp.String, *sexp.Vector, *Record:
			if p.Type.Keyword == "tracepoint" {
				in.Texts[name] = c.bytes(items[i+1], name)
				continue
			}
		}
		if layout != nil {
			base, _, _ := strings.Cut(name, "[")
			if layout.Field(base) == nil && p.Type.Ctx != "pt_regs" {
				c.fail("the context of %s, struct %s, has no field %s", p.Name, layout.Name, name)
			}
		}
		in.Fields[name] = c.address(items[i+1], name)
	}
}
