package load

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
)

// Targets say what to attach to, where the section of a program does not.
type Targets struct {
	Interface string            // XDP, TC, netkit, socket filters, lightweight tunnels
	XDPMode   string            // "driver", "generic" or "" for the best that works
	Cgroup    string            // path of a cgroup2 directory
	Clsact    bool              // TC: use a clsact filter even where TCX exists
	NetNS     string            // sk_lookup, flow_dissector: a name under /run/netns or a path; "" is the caller's
	NFHook    string            // netfilter: "ipv4/input", "ipv6/output/-10"
	Route     string            // lightweight tunnels: "10.9.0.0/16"
	Redirect  []string          // xdp/devmap: the interfaces that entries 0, 1, ... of the devmap lead to
	Map       string            // sk_skb, sk_msg, iterators: a map of the object, or the path of a pinned one; "" is the only one
	Pid       int               // uprobes, perf events, task iterators: of this process only; 0 is all
	Frequency int               // perf events: samples a second, 0 is 99
	Event     string            // perf events: "page-faults" or, for each tenth, "page-faults:10"; "" is "cpu-clock"
	Own       map[string]string // by program: where this one goes, an interface, a cgroup's directory, or what its section names
	Socket    syscall.Conn      // sk_reuseport, and socket filters without an interface

	coll *Collection
}

// An attacher attaches one program; a row of the table.
type attacher struct {
	kind    string
	matches func(s *ebpf.ProgramSpec) bool
	attach  func(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error)
	options string // those of `whistler run` that say where
}

// ErrNoTarget says that an option is missing.
type ErrNoTarget struct{ Program, Section, Option string }

func (e *ErrNoTarget) Error() string {
	return fmt.Sprintf("the program `%s` (section %q) needs %s", e.Program, e.Section, e.Option)
}

// TargetError is an option that says nothing.
type TargetError struct{ Option, What string }

func (e *TargetError) Error() string { return e.Option + ": " + e.What }

// CanAttach reports whether there is a way to attach programs of s's type.
func CanAttach(s *ebpf.ProgramSpec) bool {
	return attacherOf(s) != nil || s.Type == ebpf.Syscall || s.Type == ebpf.StructOps
}

// Takes reports whether an option of `whistler run` says something about
// some program of the object, and about all of them.
func Takes(spec *ebpf.CollectionSpec, option string) (some, all bool) {
	all = true
	for _, s := range spec.Programs {
		if a := attacherOf(s); a != nil && slices.Contains(strings.Fields(a.options), option) {
			some = true
		} else {
			all = false
		}
	}
	return some, some && all
}

func attacherOf(s *ebpf.ProgramSpec) *attacher {
	for i := range attachers {
		if attachers[i].matches(s) {
			return &attachers[i]
		}
	}
	return nil
}

// tailCalled lists the programs that prog-arrays hold: they run through
// tail calls and are not attached themselves.
func (c *Collection) tailCalled() map[string]bool {
	in := map[string]bool{}
	for _, m := range c.Spec.Maps {
		if m.Type != ebpf.ProgramArray {
			continue
		}
		for _, kv := range m.Contents {
			if name, ok := kv.Value.(string); ok {
				in[name] = true
			}
		}
	}
	return in
}

// Attach attaches every program by its section, all or none.
func (c *Collection) Attach(t Targets) error {
	skip := c.tailCalled()
	t.coll = c
	for _, name := range c.Programs() {
		s := c.Spec.Programs[name]
		if skip[name] || s.Type == ebpf.Syscall || s.Type == ebpf.StructOps {
			continue
		}
		if own := t.Own[name]; own != "" {
			if _, err := c.AttachProgram(name, own, t); err != nil {
				c.Detach()
				return err
			}
			continue
		}
		a := attacherOf(s)
		if a == nil {
			c.Detach()
			return fmt.Errorf("the program `%s` is of type %v (section %q), which cannot be attached here", name, s.Type, s.SectionName)
		}
		l, what, err := a.attach(c.coll.Programs[name], s, t)
		if err != nil {
			c.Detach()
			switch err.(type) {
			case *ErrNoTarget, *TargetError:
				return err
			}
			return missing(name, s, fmt.Errorf("attaching `%s` to %s: %w", name, what, err))
		}
		c.links = append(c.links, attached{name + " on " + what, l})
	}
	for _, o := range c.ops {
		l, err := o.register()
		if err != nil {
			c.Detach()
			return fmt.Errorf("registering `%s` as %s: %w", o.name, o.kind, err)
		}
		c.links = append(c.links, attached{o.name + " as " + o.what(), l})
	}
	return nil
}

// An Attachment is one program attached to one thing.
type Attachment struct {
	What string // "count_packets on lo (xdp, generic mode)"
	c    *Collection
	l    closer
}

// AttachProgram attaches one program. target, where it is not "", is the
// interface or the cgroup that it goes to, or takes the place of what the
// section names behind its first slash: the function of a kprobe, PATH:SYMBOL
// of a uprobe, CATEGORY/EVENT of a tracepoint. The attachment ends with the
// collection, if it is not closed before.
func (c *Collection) AttachProgram(program, target string, t Targets) (*Attachment, error) {
	s := c.Spec.Programs[program]
	if s == nil {
		return nil, fmt.Errorf("the object has no program %s", program)
	}
	a := attacherOf(s)
	if a == nil {
		return nil, fmt.Errorf("the program `%s` is of type %v (section %q), which cannot be attached here", program, s.Type, s.SectionName)
	}
	options := strings.Fields(a.options)
	switch {
	case target == "":
	case slices.Contains(options, "--iface"):
		t.Interface = target
	case slices.Contains(options, "--cgroup"):
		t.Cgroup = target
	default:
		head, _, _ := strings.Cut(s.SectionName, "/")
		if target = strings.TrimPrefix(target, head+"/"); s.AttachTo != "" && s.AttachTo != target && s.Type != ebpf.Kprobe && s.Type != ebpf.TracePoint && s.Type != ebpf.RawTracepoint {
			return nil, fmt.Errorf("what `%s` is attached to, %s, was settled when it was loaded: :section or :attach of its definition says it", program, s.AttachTo)
		}
		own := *s
		own.SectionName = head + "/" + target
		s = &own
	}
	t.coll = c
	l, what, err := a.attach(c.coll.Programs[program], s, t)
	if err != nil {
		switch err.(type) {
		case *ErrNoTarget, *TargetError:
			return nil, err
		}
		return nil, missing(program, s, fmt.Errorf("attaching `%s` to %s: %w", program, what, err))
	}
	at := &Attachment{What: program + " on " + what, c: c, l: l}
	c.links = append(c.links, attached{at.What, l})
	return at, nil
}

// Close detaches the program; a second time it does nothing.
func (a *Attachment) Close() error {
	if a.l == nil {
		return nil
	}
	l := a.l
	a.l = nil
	a.c.links = slices.DeleteFunc(a.c.links, func(x attached) bool { return x.link == l })
	return l.Close()
}
