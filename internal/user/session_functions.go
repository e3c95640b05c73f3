package user

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// linkRef is what bpf:attach gives.
type linkRef struct{ l Link }

// PrintLisp prints #<link what>.
func (r *linkRef) PrintLisp() string { return "#<link " + r.l.What() + ">" }

// consumer is what reads a ring or perf buffer.
type consumer struct {
	m       *mapRef
	handler sexp.Value
	raw     bool
}

// PrintLisp prints #<consumer map>.
func (r *consumer) PrintLisp() string { return "#<consumer of " + r.m.m.Name + ">" }

// sessionFunctions are what sessions may call besides Lisp and what looks at
// maps.
func sessionFunctions(s *Session) []function {
	alias := func(name, of string) function {
		for _, f := range mapFunctions {
			if f.name == of {
				return function{name, f.params, f.doc, f.run}
			}
		}
		panic("no function " + of)
	}
	return []function{
		{"bpf:attach", "program &optional target symbol &key iface cgroup xdp-mode event freq pid offset",
			"Attaches a program, and gives a link. Where to is in its section, or in target: the function of a kprobe, CATEGORY/EVENT of a tracepoint, an interface, a cgroup's directory; of a uprobe target is the file and symbol the function in it. At the end of the session it is detached.", s.attach},
		{"attach", "program &optional target symbol &key iface cgroup xdp-mode event freq pid offset", "As bpf:attach.", s.attach},
		{"bpf:detach", "link", "Detaches what bpf:attach has attached.", s.detach},
		{"detach", "link", "As bpf:detach.", s.detach},
		alias("bpf:map-ref", "getmap"), alias("(setf bpf:map-ref)", "(setf getmap)"), alias("bpf:map-delete", "remmap"),
		alias("map-lookup-int", "map-lookup"), alias("map-lookup-struct", "map-lookup"),
		alias("map-update-int", "map-update"), alias("map-update-struct", "map-update"),
		alias("map-delete-int", "map-delete"), alias("map-delete-struct", "map-delete"),
		{"map-get-next-key", "map &optional key", "The key behind a key, in the kernel's order; the first without one, or where the key is not there; nil behind the last.", nextKey},
		{"map-get-next-key-int", "map &optional key", "As map-get-next-key.", nextKey},
		{"map-get-next-key-struct", "map &optional key", "As map-get-next-key.", nextKey},
		{"ring-poll", "consumer &optional seconds", "Waits for records, at most so many seconds, by default until there are some, calls the consumer's function with each, and gives their number.", s.poll},
		{"lost", "map", "How many records a perf buffer had no room for so far.", func(c *call) sexp.Value {
			n, err := s.live(c).Lost(c.mapArg(0))
			c.must(err)
			return number(n)
		}},
		{"sleep", "seconds", "Waits. Ctrl-C ends the session.", func(c *call) sexp.Value {
			s.wait(c.seconds(c.args[0], "the time"))
			return sexp.Nil
		}},
		{"exit", "&optional code", "Ends the program with an exit code, 0 by default. Everything is detached first.", func(c *call) sexp.Value {
			code := 0
			if len(c.args) > 0 {
				code = int(c.uint(c.args[0], 8, "the exit code"))
			}
			s.stop(&Exit{code})
			return sexp.Nil
		}},
		{"getenv", "name", "The value of a variable of the environment, a string; nil if there is none.", func(c *call) sexp.Value {
			v, ok := s.world.Getenv(c.text(c.args[0], "the name"))
			if !ok {
				return sexp.Nil
			}
			return sexp.NewString(v)
		}},
		{"command-line-args", "", "The arguments behind the file on the command line, a list of strings.", func(c *call) sexp.Value {
			var out []sexp.Value
			for _, a := range s.world.Args {
				out = append(out, sexp.NewString(a))
			}
			return sexp.List(out...)
		}},
		{"unix-time", "", "The time in seconds since 1970, with a fraction.", func(c *call) sexp.Value { return s.world.Now() }},
		{"getpid", "", "The number of this process.", func(c *call) sexp.Value { return int64(s.world.Pid) }},
		{"print-table", "rows &key headers", "Prints rows, lists of values, in columns, under headers where they are given.", func(c *call) sexp.Value {
			k := c.keys(1, "headers")
			var rows [][]string
			add := func(v sexp.Value) {
				items, ok := sexp.Slice(v)
				if !ok {
					c.fail("%s is no list of values", sexp.Print(v))
				}
				var row []string
				for _, x := range items {
					row = append(row, sexp.Display(x))
				}
				rows = append(rows, row)
			}
			if v, ok := k["headers"]; ok {
				add(v)
			}
			list, ok := sexp.Slice(c.args[0])
			if !ok {
				c.fail("%s is no list of rows", sexp.Print(c.args[0]))
			}
			for _, r := range list {
				add(r)
			}
			s.world.Out(columns(rows))
			return sexp.Nil
		}},
		{"print-histogram", "map-or-entries &key unit", "Prints a histogram in powers of two: entry n of the map, or (n count) of a list, counts values from 2^n on, entry 0 also those below.", func(c *call) sexp.Value {
			k := c.keys(1, "unit")
			unit := ""
			if v, ok := k["unit"]; ok {
				unit = sexp.Display(v)
			}
			entries := c.args[0]
			if _, isMap := entries.(*mapRef); isMap {
				entries = s.run.entries(c)
			}
			s.world.Out(Histogram(c.counts(entries), unit))
			return sexp.Nil
		}},
		{"ip-string", "number-or-bytes", "An address of IPv4, a number as programs read it from a packet, or of IPv6, 16 bytes, as people write it.", func(c *call) sexp.Value { return sexp.NewString(ipText(c.ipBytes(c.args[0], "the address"))) }},
		{"byte-string", "bytes", "The text in bytes, up to the first NUL.", func(c *call) sexp.Value {
			text, _, _ := strings.Cut(string(c.bytes(c.args[0], "the bytes")), "\x00")
			return sexp.NewString(strings.ToValidUTF8(text, "?"))
		}},
	}
}

// sessionSpecials are the operators of sessions.
func sessionSpecials(s *Session) []special {
	return []special{
		{"with-bpf-session", "() {(bpf:map name options...) | (bpf:prog name (options...) body...) | form}...", "Loads the maps and programs of the source, and evaluates the forms.", s.with},
		{"do-map", "((key value) map) &body body", "Evaluates the body for each entry of a map.", s.doMap},
		{"with-ring-consumer", "(consumer map function) &body body", "Evaluates the body with a consumer of a ring or perf buffer, whose function ring-poll calls with the bytes of each record.", s.withConsumer},
		{"with-decoding-ring-consumer", "(consumer map function) &body body", "Evaluates the body with a consumer of a ring or perf buffer, whose function ring-poll calls with each record, a struct.", s.withConsumer},
	}
}

func (s *Session) attach(c *call) sexp.Value {
	p := c.program(c.args[0])
	var words []string
	rest := c.args[1:]
	for len(rest) > 0 {
		t, isText := rest[0].(*sexp.String)
		if !isText {
			break
		}
		words = append(words, t.String())
		rest = rest[1:]
	}
	if len(words) > 2 {
		c.fail("a target and a symbol at most come before the options")
	}
	k := (&call{c.s, c.in, c.name, rest}).keys(0, "iface", "cgroup", "xdp-mode", "event", "freq", "pid", "offset")
	var at Place
	text := func(name string, to *string) {
		if v, ok := k[name]; ok {
			*to = c.text(v, ":"+name)
		}
	}
	number := func(name string, to *int) {
		if v, ok := k[name]; ok {
			*to = int(c.uint(v, 31, ":"+name))
		}
	}
	text("iface", &at.Iface)
	text("cgroup", &at.Cgroup)
	text("xdp-mode", &at.XDPMode)
	text("event", &at.Event)
	number("freq", &at.Freq)
	number("pid", &at.Pid)
	offset := 0
	number("offset", &offset)
	if len(words) > 0 {
		switch kind := p.Type.AttachKind; {
		case strings.Contains(kind, "cgroup"):
			at.Cgroup = words[0]
		case kind == "xdp" || kind == "tc" || kind == "tcx" || kind == "netkit":
			at.Iface = words[0]
		default:
			at.Target = words[0]
		}
	}
	if len(words) == 2 {
		at.Target += ":" + words[1]
	}
	if offset > 0 {
		at.Target += fmt.Sprintf("+%d", offset)
	}
	l, err := s.live(c).Attach(p, at)
	c.must(err)
	return &linkRef{l}
}

func (s *Session) detach(c *call) sexp.Value {
	l, ok := c.args[0].(*linkRef)
	if !ok {
		c.fail("%s is no link", sexp.Print(c.args[0]))
	}
	c.must(l.l.Close())
	return sexp.T
}

func nextKey(c *call) sexp.Value {
	m := c.mapArg(0)
	keys, err := c.s.run.host.Keys(m)
	c.must(err)
	if len(keys) == 0 {
		return sexp.Nil
	}
	if len(c.args) < 2 || c.args[1] == sexp.Value(sexp.Nil) {
		return fromBytes(m.Key, keys[0])
	}
	k := string(c.key(m, c.args[1]))
	for i, x := range keys {
		if string(x) == k {
			if i+1 == len(keys) {
				return sexp.Nil
			}
			return fromBytes(m.Key, keys[i+1])
		}
	}
	return fromBytes(m.Key, keys[0])
}

// entries are those of the map that is the first argument.
func (r *run) entries(c *call) sexp.Value {
	for _, f := range mapFunctions {
		if f.name == "map-entries" {
			return f.run(c)
		}
	}
	return sexp.Nil
}

func (s *Session) doMap(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	var names []sexp.Value
	var m sexp.Value
	if head, ok := sexp.Slice(c.args[0]); ok && len(head) == 2 {
		names, _ = sexp.Slice(head[0])
		m = head[1]
	}
	if len(names) != 2 {
		c.fail("%s is no ((key value) map)", sexp.Print(c.args[0]))
	}
	// The body may change the map: all entries are read first.
	entries := s.run.entries(&call{c.s, c.in, c.name, []sexp.Value{c.eval(m, env)}})
	list, _ := sexp.Slice(entries)
	for _, e := range list {
		kv, _ := sexp.Slice(e)
		quote := func(v sexp.Value) sexp.Value { return sexp.List(sexp.Quote, v) }
		let := sexp.ListStar([]sexp.Value{c.in.Table().Intern("LET"), sexp.List(sexp.List(names[0], quote(kv[0])), sexp.List(names[1], quote(kv[1])))}, sexp.List(c.args[1:]...))
		c.eval(let, env)
	}
	return sexp.Nil
}

func (s *Session) withConsumer(c *call, form *sexp.Cons, env *lisp.Env) sexp.Value {
	head, ok := sexp.Slice(c.args[0])
	if !ok || len(head) != 3 {
		c.fail("%s is no (consumer map function)", sexp.Print(c.args[0]))
	}
	m, ok := c.eval(head[1], env).(*mapRef)
	if !ok || m.m.Type.Keyword != "ringbuf" && m.m.Type.Keyword != "perf-event-array" {
		c.fail("%s is no ring or perf buffer", sexp.Print(head[1]))
	}
	r := &consumer{m, c.eval(head[2], env), c.name == "with-ring-consumer"}
	let := sexp.ListStar([]sexp.Value{c.in.Table().Intern("LET"), sexp.List(sexp.List(head[0], sexp.List(sexp.Quote, r)))}, sexp.List(c.args[1:]...))
	return c.eval(let, env)
}

// poll waits in short pieces, so that it can be interrupted.
func (s *Session) poll(c *call) sexp.Value {
	r, ok := c.args[0].(*consumer)
	if !ok {
		c.fail("%s is no consumer", sexp.Print(c.args[0]))
	}
	const piece = 0.1
	limit := -1.0
	if len(c.args) > 1 && c.args[1] != sexp.Value(sexp.Nil) {
		limit = c.seconds(c.args[1], "the time")
	}
	start := s.world.Now()
	for {
		if s.world.Stop() {
			s.stop(ErrInterrupted)
		}
		wait := piece
		if limit >= 0 {
			wait = min(piece, max(0, limit-(s.world.Now()-start)))
		}
		records, err := s.live(c).Wait(r.m.m, wait)
		c.must(err)
		for _, b := range records {
			v := vectorOf(b)
			if !r.raw {
				v = record(r.m.m, b)
			}
			if _, err := c.in.Apply(r.handler, []sexp.Value{v}); err != nil {
				panic(source.AsList(err)[0])
			}
		}
		if len(records) > 0 || limit >= 0 && s.world.Now()-start >= limit {
			return int64(len(records))
		}
	}
}
