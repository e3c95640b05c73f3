package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// ops is a struct of operations in the kernel: a map that holds the struct.
type ops struct {
	name  string // of the object's variable
	kind  string // the kernel's struct: "tcp_congestion_ops"
	label string // what the struct itself is called, "" where it has no name
	m     *ebpf.Map
	value []byte
	link  bool
	ready bool // the value is written
}

// withoutOps is spec without structs of operations: the library would mix the
// programs of two structs of a type.
func withoutOps(spec *ebpf.CollectionSpec) *ebpf.CollectionSpec {
	rest := *spec
	rest.Maps = maps.Clone(spec.Maps)
	maps.DeleteFunc(rest.Maps, func(_ string, m *ebpf.MapSpec) bool { return m.Type == ebpf.StructOpsMap })
	return &rest
}

// openOps makes the maps of structs of operations. Nothing is registered yet.
func (c *Collection) openOps(vars []opsVar) error {
	for _, v := range vars {
		spec := c.Spec.Maps[v.name]
		if spec == nil || spec.Type != ebpf.StructOpsMap {
			continue
		}
		o := &ops{name: v.name, link: spec.Flags&linked != 0}
		if err := o.open(c, spec, v.programs); err != nil {
			return fmt.Errorf("the struct of operations `%s`: %w", v.name, err)
		}
		c.ops = append(c.ops, o)
	}
	return nil
}

func (o *ops) open(c *Collection, spec *ebpf.MapSpec, programs map[uint64]string) error {
	user, ok := btf.As[*btf.Struct](spec.Value)
	if !ok {
		return errors.New("its type is no struct")
	}
	o.kind = user.Name
	data, ok := spec.Contents[0].Value.([]byte)
	if !ok {
		return errors.New("it has no value")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("the kernel's types: %w", err)
	}
	var whole *btf.Struct
	if err := kernel.TypeByName("bpf_struct_ops_"+o.kind, &whole); err != nil {
		return fmt.Errorf("the kernel has no struct of operations `%s`", o.kind)
	}
	o.value = make([]byte, whole.Size)
	inner, at := opsInner(whole, o.kind)
	if inner == nil {
		return fmt.Errorf("the kernel's `%s` has no `%s` in it", whole.Name, o.kind)
	}
	for _, m := range user.Members {
		size, err := btf.Sizeof(m.Type)
		if err != nil {
			return err
		}
		if uint64(m.Offset.Bytes())+uint64(size) > uint64(len(data)) {
			return fmt.Errorf("the member `%s` stands outside of its value", m.Name)
		}
		from := data[m.Offset.Bytes():][:size]
		program := programs[uint64(m.Offset.Bytes())]
		k := memberNamed(inner, m.Name)
		switch {
		case program == "" && bytes.Count(from, []byte{0}) == len(from):
			continue
		case k == nil:
			return fmt.Errorf("the kernel's `%s` has no member `%s`", o.kind, m.Name)
		}
		to := o.value[at+k.Offset.Bytes():]
		if n, err := btf.Sizeof(k.Type); err != nil || n != size {
			return fmt.Errorf("the member `%s` has %d bytes, and the kernel's %d", m.Name, size, n)
		}
		if program != "" {
			p := c.coll.Programs[program]
			if p == nil {
				return fmt.Errorf("the member `%s`: the object has no program `%s`", m.Name, program)
			}
			binary.NativeEndian.PutUint64(to, uint64(p.FD()))
			continue
		}
		copy(to, from)
		if m.Name == "name" {
			text, _, _ := bytes.Cut(from, []byte{0})
			o.label = string(text)
		}
	}
	spec = spec.Copy()
	spec.Contents = nil
	if o.m, err = ebpf.NewMap(spec); err != nil {
		if errors.Is(err, syscall.EINVAL) && o.link {
			err = fmt.Errorf("%w: links of such structs are of Linux 6.4; (defstruct-ops ... :link nil) is for older kernels", err)
		}
		return err
	}
	c.coll.Maps[o.name] = o.m
	return nil
}

// opsInner is the struct proper, in the kernel's struct around it.
func opsInner(whole *btf.Struct, kind string) (inner *btf.Struct, at uint32) {
	for _, m := range whole.Members {
		if s, ok := btf.As[*btf.Struct](m.Type); ok && s.Name == kind {
			return s, m.Offset.Bytes()
		}
	}
	return nil, 0
}

func memberNamed(s *btf.Struct, name string) *btf.Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

// what says as what the kernel knows the struct.
func (o *ops) what() string {
	if o.label == "" {
		return o.kind
	}
	return fmt.Sprintf("%s %q", o.kind, o.label)
}

// register makes the kernel use the struct.
func (o *ops) register() (closer, error) {
	if !o.ready {
		if err := o.m.Put(uint32(0), o.value); err != nil {
			return nil, o.refused(err)
		}
		o.ready = true
	}
	if !o.link {
		return unregister{o}, nil
	}
	l, err := attachOps(o.m)
	return l, o.refused(err)
}

// refused says what the kernel's bare numbers mean here.
func (o *ops) refused(err error) error {
	switch {
	case errors.Is(err, syscall.EEXIST):
		return fmt.Errorf("%w: the kernel has one of this name already", err)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%w: a member that this kernel demands is missing, or has a value that it does not take", err)
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%w: what was taken off once is not registered again", err)
	}
	return err
}

// unregister takes off a struct that was registered when its value was
// written.
type unregister struct{ o *ops }

func (u unregister) Close() error { return u.o.m.Delete(uint32(0)) }
