//go:build linux

package main

import (
	"strings"

	"golang.org/x/sys/unix"
)

// mapOp asks whether a helper takes a map of some type: a call with the map
// where the helper wants it and plausible other arguments.
type mapOp struct {
	name   string
	helper string
	prog   uint32 // program type that may call it
	attach uint32
}

var mapOps = []mapOp{
	{"OpLookup", "bpf_map_lookup_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpUpdate", "bpf_map_update_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpDelete", "bpf_map_delete_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpPush", "bpf_map_push_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpPop", "bpf_map_pop_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpPeek", "bpf_map_peek_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpForEach", "bpf_for_each_map_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpLookupPercpu", "bpf_map_lookup_percpu_elem", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpTailCall", "bpf_tail_call", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpPerfOutput", "bpf_perf_event_output", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpPerfRead", "bpf_perf_event_read", unix.BPF_PROG_TYPE_KPROBE, 0},
	{"OpStackID", "bpf_get_stackid", unix.BPF_PROG_TYPE_KPROBE, 0},
	{"OpUnderCgroup", "bpf_skb_under_cgroup", unix.BPF_PROG_TYPE_SCHED_CLS, 0},
	{"OpRedirect", "bpf_redirect_map", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpSockRedirect", "bpf_sk_redirect_map", unix.BPF_PROG_TYPE_SK_SKB, 0},
	{"OpSockRedirect", "bpf_sk_redirect_hash", unix.BPF_PROG_TYPE_SK_SKB, 0},
	{"OpSockUpdate", "bpf_sock_map_update", unix.BPF_PROG_TYPE_SOCK_OPS, unix.BPF_CGROUP_SOCK_OPS},
	{"OpSockUpdate", "bpf_sock_hash_update", unix.BPF_PROG_TYPE_SOCK_OPS, unix.BPF_CGROUP_SOCK_OPS},
	{"OpSelectReuseport", "bpf_sk_select_reuseport", unix.BPF_PROG_TYPE_SK_REUSEPORT, unix.BPF_SK_REUSEPORT_SELECT},
	{"OpRing", "bpf_ringbuf_output", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpUserRing", "bpf_user_ringbuf_drain", unix.BPF_PROG_TYPE_XDP, 0},
	{"OpSkStorage", "bpf_sk_storage_get", unix.BPF_PROG_TYPE_SCHED_CLS, 0},
	{"OpTaskStorage", "bpf_task_storage_get", unix.BPF_PROG_TYPE_KPROBE, 0},
	{"OpInodeStorage", "bpf_inode_storage_get", unix.BPF_PROG_TYPE_KPROBE, 0},
	{"OpCgrpStorage", "bpf_cgrp_storage_get", unix.BPF_PROG_TYPE_KPROBE, 0},
	{"OpLocalStorage", "bpf_get_local_storage", unix.BPF_PROG_TYPE_CGROUP_SKB, unix.BPF_CGROUP_INET_EGRESS},
}

// probeOps calls each helper with the map and arguments as it wants them, and
// takes the verifier's yes for an answer.
func (m *mapType) probeOps() {
	fd, err := createMap(m.base)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for _, op := range mapOps {
		if len(m.ops) > 0 && m.ops[len(m.ops)-1] == op.name {
			continue
		}
		ok, held := m.accepts(op, fd)
		if ok {
			m.ops = append(m.ops, op.name)
		}
		if held {
			m.ops = append(m.ops, "OpSockLookup")
		}
	}
}

func (m *mapType) accepts(op mapOp, fd int) (ok, held bool) {
	h := parsedHelpers[op.helper]
	prog := []insn{mov(6, 1)}
	for off := int16(-64); off < 0; off += 8 {
		prog = append(prog, storeImm64(10, off, 0))
	}
	var extra programExtra
	fixup := -1
	for i, k := range h.kinds {
		r := uint8(i + 1)
		switch k {
		case "ArgMap":
			prog = append(prog, mapFD(r, fd)...)
		case "ArgCtx":
			prog = append(prog, mov(r, 6))
		case "ArgScalar":
			prog = append(prog, movImm(r, 0))
		case "ArgSize", "ArgSizeOrZero", "ArgConstSize":
			prog = append(prog, movImm(r, 8))
		case "ArgFunc":
			fixup = len(prog)
			prog = append(prog, insn{op: 0x18, dst: r, src: 4}, insn{})
		case "ArgCallbackCtx":
			prog = append(prog, movImm(r, 0))
		case "ArgSock", "ArgKernelPtr":
			prog = append(prog, movImm(r, 0))
		default:
			prog = append(prog, mov(r, 10), addImm(r, -64))
		}
	}
	prog = append(prog, call(h.id), movImm(0, 0), exit())
	if fixup >= 0 {
		t := callbackTypes()
		prog[fixup].imm = int32(len(prog) - fixup - 1)
		extra = programExtra{btfFD: t.fd, funcInfo: funcInfo(0, t.mainFunc, uint32(len(prog)), t.staticFunc)}
		prog = append(prog, movImm(0, 0), exit())
	}
	// The storage helpers want a socket, a task or a cgroup, which would take a
	// program each; the map's own name says enough.
	if of, ok := storageOf[op.name]; ok {
		return of == m.keyword, false
	}
	text, err := loadProgExtra(variant{typ: op.prog, attach: op.attach}, prog, extra)
	// A socket found in a sockmap must be released, which this program does not.
	held = strings.Contains(text, "Unreleased reference")
	return err == nil || held, held
}

var storageOf = map[string]string{"OpSkStorage": "sk-storage", "OpTaskStorage": "task-storage", "OpCgrpStorage": "cgrp-storage",
	"OpInodeStorage": "inode-storage"}

var callbackBTF *probeTypes

func callbackTypes() probeTypes {
	if callbackBTF == nil {
		t := loadTypes("xdp_md")
		callbackBTF = &t
	}
	return *callbackBTF
}

// parsedHelpers are the helpers by C name.
var parsedHelpers = map[string]*helper{}
