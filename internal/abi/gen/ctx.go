//go:build linux

package main

import (
	"log"
	"regexp"
	"sort"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// paramStructs are UAPI structs that are no context but that helpers take or
// give back; they share the table for their layout.
var paramStructs = []string{"bpf_tcp_sock", "bpf_flow_keys", "bpf_fib_lookup", "bpf_sock_tuple", "bpf_tunnel_key",
	"bpf_redir_neigh", "bpf_pidns_info", "bpf_xfrm_state", "bpf_perf_event_value", "btf_ptr", "bpf_spin_lock", "bpf_timer",
	"bpf_dynptr", "bpf_wq", "bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount"}

type ctxStruct struct {
	name    string
	size    uint32
	context bool
	fields  []*ctxField
}

type ctxField struct {
	field
	kind        string
	nullOK      bool
	narrow      bool
	read, write uint64
	typed       uint64 // of read, those that get a pointer

	noRead, noWrite uint64 // attach types of sections that may not, of types that otherwise may
	writeOne        bool   // only the first element is writable
}

// ctxStructs reads the layouts and asks the verifier about each field, for
// each program type and section that has the context.
func ctxStructs(src *sources, progs []*progType) []*ctxStruct {
	var out []*ctxStruct
	by := map[string]*ctxStruct{}
	add := func(name string, context bool) *ctxStruct {
		if s := by[name]; s != nil {
			return s
		}
		t := structByName(src.btf, name)
		s := &ctxStruct{name: name, size: t.Size, context: context}
		for _, f := range flatten(withoutFlex(t).Members, 0, "") {
			if f.bitSize == 0 && f.size > 0 && !strings.HasPrefix(f.name, "__") {
				s.fields = append(s.fields, &ctxField{field: f, kind: "CtxScalar"})
			}
		}
		sort.SliceStable(s.fields, func(i, j int) bool { return s.fields[i].offset < s.fields[j].offset })
		by[name] = s
		out = append(out, s)
		return s
	}
	for _, p := range progs {
		if p.ctx == "" {
			continue
		}
		s := add(p.ctx, true)
		for _, f := range s.fields {
			probeSections(f, p)
		}
		if p.probed {
			continue
		}
		for _, f := range s.fields {
			f.read |= 1 << p.index
			f.write |= 1 << p.index
		}
	}
	for _, n := range paramStructs {
		add(n, false)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

// withoutFlex gives a flexible array at the end (raw tracepoint arguments)
// the number of elements that the verifier lets read: MAX_BPF_FUNC_ARGS.
func withoutFlex(t *btf.Struct) *btf.Struct {
	last := &t.Members[len(t.Members)-1]
	if a, ok := last.Type.(*btf.Array); ok && a.Nelems == 0 {
		c := *t
		c.Members = append([]btf.Member(nil), t.Members...)
		b := *a
		b.Nelems = 12
		c.Members[len(c.Members)-1].Type = &b
		return &c
	}
	return t
}

// distinct keeps one section for each way to load a program.
func distinct(secs []*section) []*section {
	seen := map[variant]bool{}
	var out []*section
	for _, s := range secs {
		if v := variantOf(s); !seen[v] {
			seen[v] = true
			out = append(out, s)
		}
	}
	return out
}

// okResult is a result that a section's programs may return.
func (s *section) okResult() int32 {
	if s.ret.known {
		return int32(s.ret.max)
	}
	return 0
}

// regState finds the type of r6 in a log of level 2: "R6_w=pkt(r=0)".
var regState = regexp.MustCompile(`R6(?:_\w+)?=([a-z_]+)`)

// probeSections asks for all sections of a type. What holds for some only is
// noted by their attach types.
func probeSections(f *ctxField, p *progType) {
	var may, mayNot [2]uint64
	for _, sec := range distinct(p.sections) {
		if !sec.ret.loads {
			continue
		}
		was := *f
		f.read, f.write = f.read&^(1<<p.index), f.write&^(1<<p.index)
		probeField(f, p, sec)
		for i, now := range []uint64{f.read, f.write} {
			if now&(1<<p.index) != 0 {
				may[i] |= 1 << sec.attach
			} else {
				mayNot[i] |= 1 << sec.attach
			}
		}
		f.read |= was.read
		f.write |= was.write
	}
	for i, set := range []*uint64{&f.noRead, &f.noWrite} {
		if may[i] == 0 {
			continue
		}
		if mayNot[i]&may[i] != 0 || *set&may[i] != 0 {
			log.Fatalf("%s: sections of one attach type differ", f.name)
		}
		*set |= mayNot[i]
	}
}

func probeField(f *ctxField, p *progType, sec *section) {
	v := variantOf(sec)
	load := func(size uint32) (string, bool) {
		text, err := loadProgLevel(v, []insn{
			{op: loadOp(size), dst: 6, src: 1, off: int16(f.offset)}, movImm(0, sec.okResult()), exit(),
		}, 2)
		return text, err == nil
	}
	if loadOp(f.size) == 0 {
		return
	}
	if text, ok := load(f.size); ok {
		first := f.read == 0
		f.read |= 1 << p.index
		if m := regState.FindStringSubmatch(text); m != nil {
			if kind, null := kindOfState(m[1]); kind == "CtxSock" && !f.pointer {
				f.read = 0 // the other member of a union with a socket: a load gives the socket
				return
			} else if kind != "CtxScalar" {
				f.kind, f.nullOK = kind, null
				f.typed |= 1 << p.index
			}
		}
		narrow := f.kind == "CtxScalar"
		for w := f.size / 2; w > 0; w /= 2 {
			if _, ok := load(w); !ok {
				narrow = false
			}
		}
		f.narrow = narrow && f.size > 1 && (first || f.narrow)
	}
	store := func(i uint32) bool {
		_, err := loadProg(v, []insn{
			movImm(2, 0), {op: storeOp(f.size), dst: 1, src: 2, off: int16(f.offset + i*f.size)}, movImm(0, sec.okResult()), exit(),
		})
		return err == nil
	}
	if store(0) {
		f.write |= 1 << p.index
		f.writeOne = f.writeOne || f.count > 1 && !store(f.count-1)
	}
}

// kindOfState translates the verifier's names of pointer types.
func kindOfState(s string) (kind string, null bool) {
	null = strings.HasSuffix(s, "_or_null")
	switch strings.TrimSuffix(s, "_or_null") {
	case "pkt":
		return "CtxPacket", null
	case "pkt_end":
		return "CtxPacketEnd", null
	case "pkt_meta":
		return "CtxPacketMeta", null
	case "sock", "sock_common":
		return "CtxSock", null
	case "flow_keys":
		return "CtxFlowKeys", null
	case "scalar", "inv", "ctx":
		return "CtxScalar", false
	}
	if s[0] >= '0' && s[0] <= '9' {
		return "CtxScalar", false
	}
	return "CtxPointer", null
}

func emitCtx(w *buf, structs []*ctxStruct) {
	w.p("var ctxStructs = [...]CtxStruct{\n")
	for _, s := range structs {
		w.p("{Name:%q,Size:%d,Context:%v,Fields:[]CtxField{\n", s.name, s.size, s.context)
		for _, f := range s.fields {
			w.p("{Name:%q,Offset:%d,Size:%d,Count:%d,Type:%q", f.name, f.offset, f.size, f.count, f.typ)
			if f.kind != "CtxScalar" {
				w.p(",Kind:%s", f.kind)
			}
			for _, b := range []struct {
				name string
				on   bool
			}{{"Signed", f.signed}, {"NullOK", f.nullOK}, {"Net", f.net}, {"Narrow", f.narrow}} {
				if b.on {
					w.p(",%s:true", b.name)
				}
			}
			if f.read != 0 {
				w.p(",Read:%#x", f.read)
			}
			if f.write != 0 {
				w.p(",Write:%#x", f.write)
			}
			if f.typed != 0 && f.typed != f.read {
				w.p(",Typed:%#x", f.typed)
			}
			if f.noRead != 0 {
				w.p(",NoRead:%#x", f.noRead)
			}
			if f.noWrite != 0 {
				w.p(",NoWrite:%#x", f.noWrite)
			}
			if f.writeOne {
				w.p(",WriteOne:true")
			}
			w.p("},\n")
		}
		w.p("}},\n")
	}
	w.p("}\n")
}
