//go:build linux

package main

import (
	"log"

	"github.com/cilium/ebpf/btf"
)

// headerRows name the packet headers of the language.
var headerRows = []struct{ name, c string }{
	{"eth", "ethhdr"}, {"ipv4", "iphdr"}, {"ipv6", "ipv6hdr"}, {"tcp", "tcphdr"}, {"udp", "udphdr"},
	{"icmp", "icmphdr"}, {"icmpv6", "icmp6hdr"}, {"arp", "arphdr"}, {"vlan", "vlan_hdr"},
}

type header struct {
	name, c string
	size    uint32
	fields  []field
}

// field is a leaf of a struct: unions and anonymous structs are flattened.
type field struct {
	name                 string
	offset, size, count  uint32
	bitOffset, bitSize   uint32
	net, signed, pointer bool
	typ                  string
}

func readHeaders(src *sources) []header {
	var out []header
	for _, r := range headerRows {
		s := structByName(src.btf, r.c)
		out = append(out, header{r.name, r.c, s.Size, flatten(s.Members, 0, "")})
	}
	return out
}

func structByName(spec *btf.Spec, name string) *btf.Struct {
	var s *btf.Struct
	if err := spec.TypeByName(name, &s); err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	return s
}

// flatten lists the leaves of members. Anonymous members lend their fields;
// members of a named struct or union are prefixed with its name.
func flatten(members []btf.Member, base uint32, prefix string) []field {
	var out []field
	for _, m := range members {
		off := base + uint32(m.Offset)/8
		sub := func(ms []btf.Member) []field {
			if m.Name == "" {
				return flatten(ms, off, prefix)
			}
			return flatten(ms, off, prefix+m.Name+"_")
		}
		f := field{name: prefix + m.Name, offset: off, count: 1}
		t := f.resolve(m.Type)
		if a, ok := t.(*btf.Array); ok {
			f.count = a.Nelems
			t = f.resolve(a.Type)
		}
		switch u := t.(type) {
		case *btf.Struct:
			// in6_addr and the like count as bytes when they stand for an address.
			if m.Name != "" && u.Name == "in6_addr" {
				f.size, f.count, f.typ = 1, 16, "struct in6_addr"
				out = append(out, f)
				continue
			}
			out = append(out, sub(u.Members)...)
			continue
		case *btf.Union:
			out = append(out, sub(u.Members)...)
			continue
		case *btf.Pointer:
			f.pointer, f.size = true, 8
			f.typ = "void *"
			if s, ok := btf.UnderlyingType(u.Target).(*btf.Struct); ok {
				f.typ = "struct " + s.Name + " *"
			}
		default:
			n, err := btf.Sizeof(t)
			if err != nil {
				log.Fatal(err)
			}
			f.size = uint32(n)
			if i, ok := t.(*btf.Int); ok {
				f.signed = i.Encoding == btf.Signed
			}
		}
		if m.BitfieldSize > 0 {
			unit := f.size * 8
			bit := base*8 + uint32(m.Offset)
			f.bitSize, f.bitOffset = uint32(m.BitfieldSize), bit%unit
			f.offset = bit / unit * f.size
		}
		out = append(out, f)
	}
	return out
}

// resolve follows typedefs and qualifiers, noting C name and byte order.
func (f *field) resolve(t btf.Type) btf.Type {
	for {
		switch u := t.(type) {
		case *btf.Typedef:
			if f.typ == "" {
				f.typ = u.Name
			}
			// Checksums are sums of big-endian words kept as they stand in the
			// packet; their arithmetic does not care, and users convert never.
			if u.Name == "__be16" || u.Name == "__be32" || u.Name == "__be64" {
				f.net = true
			}
			t = u.Type
		case *btf.Const:
			t = u.Type
		case *btf.Volatile:
			t = u.Type
		default:
			if i, ok := t.(*btf.Int); ok && f.typ == "" {
				f.typ = i.Name
			}
			return t
		}
	}
}

func emitHeaders(w *buf, hs []header) {
	w.p("var headers = [...]Header{\n")
	for _, h := range hs {
		w.p("{Name:%q,C:%q,Size:%d,Fields:[]HeaderField{\n", h.name, h.c, h.size)
		for _, f := range h.fields {
			w.p("{Name:%q,Offset:%d,Size:%d,Count:%d", f.name, f.offset, f.size, f.count)
			if f.net {
				w.p(",NetOrder:true")
			}
			if f.bitSize > 0 {
				w.p(",BitOffset:%d,BitSize:%d", f.bitOffset, f.bitSize)
			}
			w.p("},\n")
		}
		w.p("}},\n")
	}
	w.p("}\n")
}
