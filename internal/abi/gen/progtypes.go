//go:build linux

package main

import (
	"log"
	"sort"
	"strconv"
	"strings"
)

// progType is a row of the table with what follows from its sections.
type progType struct {
	progRow
	index     int
	sections  []*section // the default first
	min, max  int64
	hasRet    bool
	checked   bool
	passVal   int64
	probed    bool
	hasPacket bool
}

// progTypes joins rows and sections, and gives each section its keyword.
func progTypes(src *sources, secs []section) []*progType {
	var out []*progType
	for _, r := range progRows {
		p := &progType{progRow: r}
		for _, pat := range strings.Fields(r.patterns) {
			found := false
			for i := range secs {
				if strings.TrimSuffix(secs[i].pattern, "+") != pat {
					continue
				}
				if secs[i].keyword != "" {
					log.Fatalf("section %s is in two rows", pat)
				}
				secs[i].keyword, found = r.keyword, true
				p.sections = append(p.sections, &secs[i])
			}
			if !found {
				log.Fatalf("libbpf has no section %s", pat)
			}
		}
		out = append(out, p)
	}
	for _, s := range secs {
		if s.keyword == "" {
			log.Fatalf("section %s has no row in progRows", s.pattern)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].keyword < out[j].keyword })
	for i, p := range out {
		p.index = i
	}
	if len(out) > 64 {
		log.Fatal("a ProgSet holds 64 program types only")
	}
	return out
}

// finishProgTypes fills what needs constants and the probe of results.
func finishProgTypes(progs []*progType, secs []section) {
	values := constantValues()
	number := func(s string) int64 {
		if v, err := strconv.ParseInt(s, 0, 64); err == nil {
			return v
		}
		v, ok := values[s]
		if !ok {
			log.Fatalf("no constant %s", s)
		}
		return v
	}
	for _, p := range progs {
		p.passVal = number(p.pass)
		if p.progRow.min != "" {
			p.min, p.max, p.hasRet = number(p.progRow.min), number(p.progRow.max), true
		}
		first := true
		for _, s := range p.sections {
			p.probed = p.probed || s.ret.loads && !manyKinds[p.keyword]
			if !s.ret.known {
				first = first && !s.ret.loads
				continue
			}
			// The union over the sections; a section without a check leaves the type open.
			if first && p.progRow.min == "" {
				p.min, p.max, p.hasRet, p.checked = s.ret.min, s.ret.max, true, true
			} else if p.checked {
				p.min, p.max = min(p.min, s.ret.min), max(p.max, s.ret.max)
			}
			p.checked = p.checked || p.progRow.min != "" && p.min == s.ret.min && p.max == s.ret.max
			first = false
		}
		for _, s := range p.sections {
			if s.ret.loads && !s.ret.known && p.progRow.min == "" {
				p.hasRet, p.checked, p.min, p.max = false, false, 0, 0
			}
		}
	}
}

// manyKinds are types that load here but whose rights depend on the target,
// so that one probe says nothing about the next.
var manyKinds = map[string]bool{"struct-ops": true, "freplace": true}

// markPackets notes which types can read packet data through their context.
func markPackets(progs []*progType, structs []*ctxStruct) {
	for _, s := range structs {
		for _, f := range s.fields {
			for _, p := range progs {
				if f.kind == "CtxPacket" && f.read>>p.index&1 != 0 && p.ctx == s.name {
					p.hasPacket = true
				}
			}
		}
	}
}

// argsCtx are the program types whose context is an array of u64 arguments.
var argsCtx = map[string]bool{"tp-btf": true, "fentry": true, "fexit": true, "fsession": true, "fmod-ret": true, "lsm": true,
	"lsm-cgroup": true, "raw-tracepoint": true, "raw-tracepoint-writable": true, "struct-ops": true, "iter": true}

func emitProgTypes(w *buf, progs []*progType) {
	w.p("var progTypes = [...]ProgType{\n")
	for _, p := range progs {
		d := p.sections[0]
		w.p("{Keyword:%q,Index:%d,Type:%d,C:%q,Attach:%d,HasAttach:%v,\n", p.keyword, p.index, d.typ, d.typeC, d.attach, d.attachC != "")
		name, target := strings.CutSuffix(d.pattern, "+")
		w.p("Section:%q,Target:%v,Sections:[]string{", name, target && p.keyword != "struct-ops" && p.keyword != "uprobe-multi")
		for i, s := range p.sections {
			if i > 0 {
				w.p(",")
			}
			w.p("%q", s.pattern)
		}
		pass := p.pass
		if _, err := strconv.Atoi(pass); err == nil {
			pass = ""
		}
		w.p("},\nCtx:%q,CtxArgs:%v,Pass:%q,PassValue:%d,RetMin:%d,RetMax:%d,HasRet:%v,RetChecked:%v,\n",
			p.ctx, argsCtx[p.keyword], pass, p.passVal, p.min, p.max, p.hasRet, p.checked)
		w.p("Packet:%v,PacketL3:%v,PacketStart:%q,SKB:%v,AttachKind:%q,Probed:%v,\nDoc:%q},\n",
			p.hasPacket, p.packet == "ip", p.packet, p.ctx == "__sk_buff", p.kind, p.probed, p.doc)
	}
	w.p("}\n\n")
}
