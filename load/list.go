package load

import (
	"errors"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// A Loaded is a program in the kernel, once for each link of it.
type Loaded struct {
	ID       uint32 `json:"program"`
	Type     string `json:"type"`
	Name     string `json:"name"`
	Link     uint32 `json:"link,omitempty"`
	Attached string `json:"attached,omitempty"`
}

// ErrNoLink says that no link has the number.
var ErrNoLink = errors.New("no such link")

// List gives all programs in the kernel, with their links.
func List() (out []Loaded, err error) {
	links := map[uint32][]Loaded{}
	ops := map[uint32]uint32{} // links of structs of operations, by their maps
	it := new(link.Iterator)
	for it.Next() {
		info, err := it.Link.Info()
		if err == nil {
			if id := opsMap(it.Link, info); id != 0 {
				ops[id] = uint32(info.ID)
			}
			links[uint32(info.Program)] = append(links[uint32(info.Program)], Loaded{Link: uint32(info.ID), Attached: where(info)})
		}
		it.Link.Close()
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	for id, rows := range opsMembers(ops) {
		links[id] = append(links[id], rows...)
	}
	id := ebpf.ProgramID(0)
	for {
		id, err = ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // it ended between the two calls
		}
		if info, err := p.Info(); err == nil {
			row := Loaded{ID: uint32(id), Type: info.Type.String(), Name: info.Name}
			if len(links[uint32(id)]) == 0 {
				out = append(out, row)
			}
			for _, l := range links[uint32(id)] {
				row.Link, row.Attached = l.Link, l.Attached
				out = append(out, row)
			}
		}
		p.Close()
	}
}

// ErrNoDetach says that a link of this kind ends with its owner only.
var ErrNoDetach = errors.New("links of this kind end with the process that holds them")

// DetachLink takes a link off what it is attached to; its owner keeps a
// link that does nothing.
func DetachLink(id uint32) error {
	l, err := link.NewFromID(link.ID(id))
	if errors.Is(err, os.ErrNotExist) {
		return ErrNoLink
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Detach(); errors.Is(err, ebpf.ErrNotSupported) {
		return ErrNoDetach
	} else {
		return err
	}
}
