package live

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/load"
)

// A link is a program that is attached, and how.
type link struct {
	*load.Attachment
	program, target string
	targets         load.Targets
}

func (l *link) What() string { return l.Attachment.What }

// Attach attaches a program.
func (h *host) Attach(p *lang.Program, at user.Place) (user.Link, error) {
	t := h.defaults
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	set(&t.Interface, at.Iface)
	set(&t.Cgroup, at.Cgroup)
	set(&t.XDPMode, at.XDPMode)
	set(&t.Event, at.Event)
	if at.Freq != 0 {
		t.Frequency = at.Freq
	}
	if at.Pid != 0 {
		t.Pid = at.Pid
	}
	a, err := h.coll.AttachProgram(p.C, at.Target, t)
	if err != nil {
		return nil, err
	}
	l := &link{a, p.C, at.Target, t}
	h.links = append(h.links, l)
	return l, nil
}

// Wait waits for records and takes them.
func (h *host) Wait(m *lang.Map, seconds float64) ([][]byte, error) {
	r := h.rings[m.C]
	if r == nil {
		return nil, fmt.Errorf("the map %s carries no records", m.Name)
	}
	return r.take(seconds)
}

// Lost is how many records a perf buffer had no room for.
func (h *host) Lost(m *lang.Map) (uint64, error) {
	r := h.rings[m.C]
	if r == nil {
		return 0, fmt.Errorf("the map %s carries no records", m.Name)
	}
	return r.lost(), nil
}
