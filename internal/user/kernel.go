package user

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/packet"
	"github.com/whistler-lang/whistler/internal/sexp"
)

// kernelAccessors are, for each struct that the source imports from the
// kernel: (make-NAME :field value...), which gives the address of one in
// simulated memory, and (NAME-field address), a place.
func (s *Suite) kernelAccessors() (out []lisp.Builtin) {
	fields, sizes := s.r.Unit.KernelFields()
	room := 0 // the object may be seen as one of the others: there is room for the largest
	for _, n := range sizes {
		room = max(room, n)
	}
	for name := range sizes {
		who := "make-" + strings.ToLower(name)
		out = append(out, lisp.Builtin{Name: strings.ToUpper(who), Max: -1, Params: "[:field value]...", Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
			c := s.call(in, who, args)
			addr := s.vm(in, who).M.NewMemory("the "+strings.ToLower(name), make([]byte, room), true)
			for i := 0; i < len(args); i += 2 {
				k, ok := args[i].(*sexp.Symbol)
				f, known := lang.KernelField{}, false
				if ok && k.Keyword {
					f, known = fields[name+"-"+k.Name]
				}
				if !known || i+1 == len(args) {
					c.fail("%s is no field with a value; those that the source imports are fields", sexp.Print(args[i]))
				}
				c.storeField(f, addr, args[i+1])
			}
			return number(addr)
		}})
	}
	for name, f := range fields {
		who := strings.ToLower(name)
		out = append(out,
			lisp.Builtin{Name: name, Min: 1, Max: 1, Params: "address", Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
				c := s.call(in, who, args)
				return c.loadField(f, c.uint(args[0], 64, "the address"))
			}},
			lisp.Builtin{Name: "(SETF " + name + ")", Min: 2, Max: 2, Params: "value address", Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
				c := s.call(in, who, args)
				c.storeField(f, c.uint(args[1], 64, "the address"), args[0])
				return args[0]
			}})
	}
	slices.SortFunc(out, func(a, b lisp.Builtin) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// at follows the pointers on the way to a field.
func (c *call) at(f lang.KernelField, addr uint64) uint64 {
	m := c.s.vm(c.in, c.name).M
	for _, off := range f.Offsets[:len(f.Offsets)-1] {
		next, err := m.Load(addr+uint64(off), 8)
		if err == nil && next == 0 {
			err = fmt.Errorf("a pointer on the way to it is null")
		}
		if err != nil {
			c.fail("%v", err)
		}
		addr = next
	}
	return addr + uint64(f.Offsets[len(f.Offsets)-1])
}

func (c *call) loadField(f lang.KernelField, addr uint64) sexp.Value {
	b, err := c.s.vm(c.in, c.name).M.Bytes(c.at(f, addr), f.Size)
	if err != nil {
		c.fail("%v", err)
	}
	if f.RShift > 0 {
		v := packet.Little(b) << f.LShift
		if f.Signed {
			return int64(v) >> f.RShift
		}
		return number(v >> f.RShift)
	}
	if f.Signed && len(b) <= 8 {
		return little(b, true)
	}
	return fromBytes(nil, b)
}

func (c *call) storeField(f lang.KernelField, addr uint64, v sexp.Value) {
	b, err := c.s.vm(c.in, c.name).M.Room(c.at(f, addr), f.Size)
	if err != nil {
		c.fail("%v", err)
	}
	if f.RShift > 0 {
		bits := 64 - f.RShift
		shift := f.RShift - f.LShift
		mask := (uint64(1)<<bits - 1) << shift
		n := c.uint(v, uint(bits), "the value")
		putLittle(b, packet.Little(b)&^mask|n<<shift)
		return
	}
	switch v.(type) {
	case *sexp.String, *sexp.Vector, *Record:
		from := c.bytes(v, "the value")
		if len(from) > len(b) {
			c.fail("%d bytes do not go into the field's %d", len(from), len(b))
		}
		clear(b)
		copy(b, from)
		return
	}
	if len(b) > 8 {
		c.fail("the field has %d bytes: give a vector, a string or a struct", len(b))
	}
	putLittle(b, c.uint(v, uint(8*len(b)), "the value"))
}
