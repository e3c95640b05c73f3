package repl

import (
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/user"
)

// VM is the virtual machine as a Machine: no privileges, and nothing to attach
// to.
type VM struct {
	Kernel lang.Kernel
	Arch   string

	host *user.VM
	last *compile.Result
}

// Name is "the virtual machine".
func (*VM) Name() string { return "the virtual machine" }

// Processed is 0: nobody but the compiler has looked.
func (*VM) Processed(string) uint32 { return 0 }

// Close does nothing.
func (*VM) Close() {}

// Load makes a new machine, with the contents that maps had.
func (v *VM) Load(r *compile.Result) (user.Host, []string, error) {
	h, err := user.NewVM(r)
	if err != nil {
		return nil, nil, err
	}
	h.Kernel, h.Arch = v.Kernel, v.Arch
	if v.host != nil {
		for _, m := range r.Unit.Maps {
			old := mapNamed(v.last, m.C)
			if old == nil || old.Type != m.Type || old.KeySize != m.KeySize || old.ValueSize != m.ValueSize || !m.Type.Array && !m.Type.Hash {
				continue
			}
			keys, err := v.host.Keys(old)
			if err != nil {
				continue
			}
			for _, k := range keys {
				if vs, ok, err := v.host.Lookup(old, k); err == nil && ok && len(vs) > 0 {
					h.Update(m, k, vs) // what no longer fits is left out
				}
			}
		}
		h.M.CPU, h.M.Time = v.host.M.CPU, v.host.M.Time
	}
	v.host, v.last = h, r
	return h, nil, nil
}

func mapNamed(r *compile.Result, c string) *lang.Map {
	for _, m := range r.Unit.Maps {
		if m.C == c {
			return m
		}
	}
	return nil
}
