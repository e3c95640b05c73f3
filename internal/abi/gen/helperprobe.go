//go:build linux

package main

import (
	"log"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// probeHelpers asks the verifier of every program type about every helper.
// It judges permission, licence and sleeping before it looks at arguments, so
// a bare call suffices.
func probeHelpers(hs []*helper, progs []*progType, structs []*ctxStruct) {
	var unknown uint64
	for _, p := range progs {
		if !p.probed {
			unknown |= 1 << p.index
			continue
		}
		for _, sec := range distinct(p.sections) {
			if sec.ret.loads {
				for _, h := range hs {
					probeHelper(h, p, sec)
				}
			}
		}
	}
	for _, h := range hs {
		if c, ok := configHelpers[h.c]; ok && h.progs == 0 {
			h.gpl = true
			for _, p := range progs {
				if c.typ == 0 || p.sections[0].typ == c.typ {
					h.progs |= parsedHelpers[c.like].progs & (1 << p.index)
				}
			}
		}
		h.progs |= unknown
		probeChanges(h, structs)
		probeArgs(h)
		probeResult(h)
	}
}

// configHelpers are helpers that this kernel's configuration or lockdown keeps
// from everybody. The kernel gives probe_write_user to tracing programs, as it
// does get_func_ip, and override_return to kprobes alone.
var configHelpers = map[string]struct {
	like string
	typ  uint32
}{
	"bpf_probe_write_user": {"bpf_get_func_ip", 0},
	"bpf_override_return":  {"bpf_get_func_ip", unix.BPF_PROG_TYPE_KPROBE},
}

func probeHelper(h *helper, p *progType, sec *section) {
	v := variantOf(sec)
	text, err := loadProg(v, []insn{call(h.id), movImm(0, sec.okResult()), exit()})
	if err != nil {
		switch {
		case strings.Contains(text, "cannot use helper"), strings.Contains(text, "invalid func"), strings.Contains(text, "unknown func"):
			return
		case strings.Contains(text, "might sleep"):
			h.sleeps = true
			return
		case text == "" || strings.Contains(text, "cannot call GPL"):
			log.Fatalf("%s in %s: %v %s", h.c, sec.pattern, err, text)
		}
	}
	h.progs |= 1 << p.index
	h.allowed = append(h.allowed, v)
	v.noGPL = true
	if text, _ := loadProg(v, []insn{call(h.id), movImm(0, sec.okResult()), exit()}); strings.Contains(text, "GPL-restricted") {
		h.gpl = true
	}
}

// packetPlaces are the program types in which packet pointers can go stale,
// and the context that data and data_end stand in.
var packetPlaces = []struct {
	typ uint32
	ctx string
}{
	{unix.BPF_PROG_TYPE_XDP, "xdp_md"}, {unix.BPF_PROG_TYPE_SCHED_CLS, "__sk_buff"},
	{unix.BPF_PROG_TYPE_LWT_XMIT, "__sk_buff"}, {unix.BPF_PROG_TYPE_LWT_IN, "__sk_buff"},
	{unix.BPF_PROG_TYPE_LWT_OUT, "__sk_buff"}, {unix.BPF_PROG_TYPE_LWT_SEG6LOCAL, "__sk_buff"},
	{unix.BPF_PROG_TYPE_SK_SKB, "__sk_buff"}, {unix.BPF_PROG_TYPE_CGROUP_SKB, "__sk_buff"},
	{unix.BPF_PROG_TYPE_SK_MSG, "sk_msg_md"}, {unix.BPF_PROG_TYPE_SK_REUSEPORT, "sk_reuseport_md"},
	{unix.BPF_PROG_TYPE_SOCK_OPS, "bpf_sock_ops"},
}

// packetField finds data or data_end, plain or as sock_ops names it.
func packetField(structs []*ctxStruct, ctx, name string) field {
	for _, s := range structs {
		for _, f := range s.fields {
			if s.name == ctx && (f.name == name || f.name == "skb_"+name) {
				return f.field
			}
		}
	}
	panic(ctx + " has no " + name)
}

var packetBTF = map[string]probeTypes{}

// probeChanges reads the packet after the call of a global function that
// contains the helper's call. The verifier works out what a function may
// change before it looks at any argument, and verifies the caller first: the
// complaint about the stale pointer comes before one about the arguments.
func probeChanges(h *helper, structs []*ctxStruct) {
	for _, place := range packetPlaces {
		for _, v := range h.allowed {
			if v.typ != place.typ {
				continue
			}
			t, ok := packetBTF[place.ctx]
			if !ok {
				t = loadTypes(place.ctx)
				packetBTF[place.ctx] = t
			}
			data, end := packetField(structs, place.ctx, "data"), packetField(structs, place.ctx, "data_end")
			prog := []insn{
				mov(6, 1),
				{op: loadOp(data.size), dst: 7, src: 6, off: int16(data.offset)},
				{op: loadOp(end.size), dst: 8, src: 6, off: int16(end.offset)},
				mov(9, 7), addImm(9, 14),
				{op: 0x2d, dst: 9, src: 8, off: 3}, // if r9 > r8 goto out
				mov(1, 6),
				{op: 0x85, src: 1, imm: 3}, // call global
				{op: 0x71, dst: 0, src: 7}, // r0 = packet[0]
				movImm(0, 1), exit(),       // out:
				call(h.id), movImm(0, 0), exit(), // global:
			}
			text, err := loadProgExtra(v, prog, programExtra{btfFD: t.fd, funcInfo: funcInfo(0, t.mainFunc, 11, t.globalFunc)})
			if err == nil {
				return
			}
			if strings.Contains(text, "R7 invalid mem access") {
				h.changes = true
			} else if !strings.Contains(text, "Validating global()") {
				log.Printf("%s: no answer about packet pointers: %.300s", h.c, text)
			}
			return
		}
	}
}

// packetVariant prefers a program type with a packet: there a context is a
// context; in tracing programs some helpers take a typed pointer in its place.
func (h *helper) packetVariant() variant {
	for _, place := range packetPlaces {
		for _, v := range h.allowed {
			if v.typ == place.typ {
				return v
			}
		}
	}
	return h.allowed[0]
}

var expectRE = regexp.MustCompile(`R(\d) type=(\S+) expected=(.*)`)

// probeArgs gives each argument in turn a register of the wrong type and
// notes what the verifier would have liked. It stops at an argument that the
// probe cannot make right.
func probeArgs(h *helper) {
	if len(h.allowed) == 0 {
		return
	}
	v := h.packetVariant()
	for i := range h.kinds {
		want := ""
		right := false
		for _, wrong := range []string{"scalar", "ctx", "stack"} {
			prog := []insn{mov(6, 1)}
			for off := int16(-64); off < 0; off += 8 {
				prog = append(prog, storeImm64(10, off, 0))
			}
			for j := 0; j < i; j++ {
				code, ok := rightArg(h, j)
				if !ok {
					return
				}
				prog = append(prog, code...)
			}
			r := uint8(i + 1)
			switch wrong {
			case "scalar":
				prog = append(prog, movImm(r, 77))
			case "ctx":
				prog = append(prog, mov(r, 6))
			case "stack":
				prog = append(prog, mov(r, 10), addImm(r, -64))
			}
			prog = append(prog, call(h.id), movImm(0, 0), exit())
			text, _ := loadProg(v, prog)
			m := expectRE.FindStringSubmatch(text)
			if m == nil {
				right = true
				continue
			}
			if m[1] == string(rune('0'+i+1)) {
				want = m[3]
				break
			}
			if m[1] < string(rune('0'+i+1)) {
				return // an earlier argument is not right
			}
			right = true
		}
		if want == "" && right {
			want = "anything"
		}
		h.expected = append(h.expected, want)
	}
}

var resultRE = regexp.MustCompile(`R0(?:_\w+)?=([a-z_]+)`)

// probeResult calls the helper with everything right, where the probe can,
// and reads what the verifier holds of r0 then, and whether it misses a release.
func probeResult(h *helper) {
	if len(h.allowed) == 0 || h.result == "ResultNever" {
		return
	}
	prog := []insn{mov(6, 1)}
	for off := int16(-64); off < 0; off += 8 {
		prog = append(prog, storeImm64(10, off, 0))
	}
	for j := range h.kinds {
		code, ok := rightArg(h, j)
		if !ok {
			return
		}
		prog = append(prog, code...)
	}
	prog = append(prog, call(h.id))
	at := len(prog)
	prog = append(prog, movImm(7, 0), movImm(0, 1), exit())
	text, _ := loadProgLevel(h.packetVariant(), prog, 2)
	h.acquires = h.acquires || strings.Contains(text, "Unreleased reference")
	for line := range strings.SplitSeq(text, "\n") {
		if m := resultRE.FindStringSubmatch(line); m != nil && (strings.HasPrefix(line, strconv.Itoa(at-1)+": (85)") || strings.HasPrefix(line, strconv.Itoa(at)+": R0")) {
			h.r0 = m[1]
		}
	}
}

// rightArg sets up argument j as the helper wants it.
func rightArg(h *helper, j int) ([]insn, bool) {
	r := uint8(j + 1)
	switch h.kinds[j] {
	case "ArgMap":
		fd := probeMapFor(h.c)
		return mapFD(r, fd), true
	case "ArgCtx":
		return []insn{mov(r, 6)}, true
	case "ArgScalar", "ArgAddress", "ArgCallbackCtx":
		return []insn{movImm(r, 0)}, true
	case "ArgSize", "ArgSizeOrZero", "ArgConstSize":
		return []insn{movImm(r, 8)}, true
	case "ArgMem", "ArgMemOrNull", "ArgMemOut", "ArgMemInOut", "ArgMapKey", "ArgMapValue", "ArgMapValueOut", "ArgFixedOut", "ArgFixedIn", "ArgFixedInOut":
		return []insn{mov(r, 10), addImm(r, -64)}, true
	}
	return nil, false
}

// probeMapTypes are maps that a helper takes, by a part of its name; the
// first match counts. A hash serves the rest.
var probeMapTypes = []struct {
	part string
	attr mapAttr
}{
	{"ringbuf", mapAttr{mapType: 27, maxEntries: 4096}},
	{"perf_event", mapAttr{mapType: 4, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"stackid", mapAttr{mapType: 7, keySize: 4, valueSize: 8, maxEntries: 1}},
	{"under_cgroup", mapAttr{mapType: 8, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"tail_call", mapAttr{mapType: 3, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"_push_elem", mapAttr{mapType: 22, valueSize: 8, maxEntries: 1}},
	{"_pop_elem", mapAttr{mapType: 22, valueSize: 8, maxEntries: 1}},
	{"_peek_elem", mapAttr{mapType: 22, valueSize: 8, maxEntries: 1}},
	{"percpu_elem", mapAttr{mapType: 6, keySize: 4, valueSize: 8, maxEntries: 1}},
	{"sk_redirect_map", mapAttr{mapType: 15, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"msg_redirect_map", mapAttr{mapType: 15, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"sock_map", mapAttr{mapType: 15, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"redirect_hash", mapAttr{mapType: 18, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"sock_hash", mapAttr{mapType: 18, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"redirect_map", mapAttr{mapType: 14, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"reuseport", mapAttr{mapType: 20, keySize: 4, valueSize: 4, maxEntries: 1}},
	{"", mapAttr{mapType: 1, keySize: 4, valueSize: 8, maxEntries: 1}},
}

var probeMaps = map[string]int{}

// probeMapFor is a map of a type that the helper takes.
func probeMapFor(c string) int {
	for _, p := range probeMapTypes {
		if !strings.Contains(c, p.part) {
			continue
		}
		fd, ok := probeMaps[p.part]
		if !ok {
			var err error
			if fd, err = createMap(p.attr); err != nil {
				log.Fatalf("map for %s: %v", c, err)
			}
			probeMaps[p.part] = fd
		}
		return fd
	}
	panic("unreachable")
}
