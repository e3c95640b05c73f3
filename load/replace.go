package load

import (
	"errors"

	"github.com/cilium/ebpf"
)

// errNoReplace says that the kernel replaces no program of this kind.
var errNoReplace = errors.New("programs attached in this way are not replaced in place")

// Replace puts another program into the place of the one that is attached, at
// once: each packet or event sees one of the two. Programs of XDP, TCX, netkit,
// cgroups and network namespaces can be replaced; for others it is an error
// that Replaceable reports.
func (a *Attachment) Replace(p *ebpf.Program) error {
	u, ok := a.l.(interface{ Update(*ebpf.Program) error })
	if !ok {
		return errNoReplace
	}
	err := u.Update(p)
	if errors.Is(err, ebpf.ErrNotSupported) {
		return errNoReplace
	}
	return err
}

// Replaceable reports whether err is not that of Replace for an attachment
// that cannot be replaced in place.
func Replaceable(err error) bool { return !errors.Is(err, errNoReplace) }

// Take makes the attachment one of another collection: closing the one that
// it was of no longer ends it.
func (a *Attachment) Take(c *Collection) {
	for i, x := range a.c.links {
		if x.link == a.l {
			a.c.links = append(a.c.links[:i], a.c.links[i+1:]...)
			break
		}
	}
	a.c = c
	c.links = append(c.links, attached{a.What, a.l})
}
