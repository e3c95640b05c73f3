package load

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
)

// Replace puts a program of another collection in the place of the attached
// one, in one step: every packet or event meets the old program or the new
// one. The attachment belongs to c afterwards, so that the collection before
// can be closed. For maps to live on, load c with Options.Maps.
//
// The kernel replaces programs at interfaces (XDP, TCX, netkit), cgroups,
// network namespaces and hooks of netfilter. Where it does not the error is
// ebpf.ErrNotSupported: attach the new one, then close the old attachment.
func (a *Attachment) Replace(c *Collection, program string) error {
	p := c.coll.Programs[program]
	switch {
	case a.l == nil:
		return errors.New("the attachment is closed")
	case p == nil:
		return fmt.Errorf("the object has no program %s", program)
	}
	l, ok := a.l.(interface{ Update(*ebpf.Program) error })
	if !ok {
		return fmt.Errorf("replacing %s: %w", a.What, ebpf.ErrNotSupported)
	}
	if err := l.Update(p); err != nil {
		return fmt.Errorf("replacing %s: %w", a.What, err)
	}
	a.c.links = slices.DeleteFunc(a.c.links, func(x attached) bool { return x.link == a.l })
	a.c = c
	c.links = append(c.links, attached{a.What, a.l})
	return nil
}
