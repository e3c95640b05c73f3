//go:build linux

package main

import "strings"

// What a helper wants as argument is stated by no source that a program can
// read. Most of it follows from the C parameter's type and name; the rules
// are here, the exceptions in argOverrides, the one hand-written column of the
// table. The probe compares both with what the verifier says.

// deriveKinds applies the rules.
func (h *helper) deriveKinds() {
	if over, ok := argOverrides[h.c]; ok {
		for k := range strings.FieldsSeq(over) {
			h.kinds = append(h.kinds, "Arg"+k)
		}
		if len(h.kinds) != len(h.params) {
			panic("argOverrides: " + h.c)
		}
		return
	}
	for i, p := range h.params {
		h.kinds = append(h.kinds, h.kindOf(i, p))
	}
}

func (h *helper) kindOf(i int, p param) string {
	pointer := strings.HasSuffix(p.typ, "*")
	isConst := strings.HasPrefix(p.typ, "const ")
	switch {
	case !pointer:
		if i > 0 && strings.HasPrefix(h.kinds[i-1], "ArgMem") {
			if h.kinds[i-1] == "ArgMemOrNull" || h.kinds[i-1] == "ArgMemOut" {
				return "ArgSizeOrZero"
			}
			return "ArgSize"
		}
		return "ArgScalar"
	case p.name == "map" || p.name == "prog_array_map" || p.name == "ringbuf":
		return "ArgMap"
	case p.name == "callback_fn":
		return "ArgFunc"
	case p.name == "callback_ctx":
		return "ArgCallbackCtx"
	case p.name == "unsafe_ptr" || p.name == "user_ptr":
		return "ArgAddress"
	case p.name == "key" && p.typ != "struct bpf_tunnel_key *":
		return "ArgMapKey"
	case p.name == "value" && isConst:
		return "ArgMapValue"
	case i == 0 && ctxTypes[p.typ], p.name == "ctx", i == 0 && p.name == "skb":
		return "ArgCtx"
	case p.name == "sk" || p.name == "sock":
		return "ArgSock"
	case p.typ == "struct bpf_spin_lock *":
		return "ArgSpinLock"
	case p.typ == "struct bpf_timer *":
		return "ArgTimer"
	case strings.Contains(p.typ, "bpf_dynptr"):
		return "ArgDynptr"
	case kernelTypes[p.typ]:
		return "ArgKernelPtr"
	case i+1 < len(h.params) && sizeName(h.params[i+1]):
		if isConst || strings.HasPrefix(p.name, "data") || p.name == "from" || p.name == "params" {
			return "ArgMem"
		}
		return "ArgMemOut"
	case p.typ == "long *" || p.typ == "unsigned long *" || p.typ == "__u64 *" || p.typ == "__u32 *":
		return "ArgFixedOut"
	case p.typ == "const char *":
		return "ArgString"
	}
	return "ArgFixedIn"
}

// sizeName tells whether a parameter is the size of the one before it.
func sizeName(p param) bool {
	if strings.HasSuffix(p.typ, "*") {
		return false
	}
	n := p.name
	return strings.Contains(n, "size") || strings.HasSuffix(n, "len") || n == "sz" || strings.HasSuffix(n, "_sz")
}

// ctxTypes are program contexts when they come first.
var ctxTypes = map[string]bool{
	"struct __sk_buff *": true, "struct xdp_md *": true, "struct bpf_sock_ops *": true, "struct sk_msg_md *": true,
	"struct bpf_sock_addr *": true, "struct bpf_sysctl *": true, "struct sk_reuseport_md *": true,
	"struct bpf_perf_event_data *": true, "struct pt_regs *": true,
}

// kernelTypes are structs of the kernel that the verifier tracks by BTF.
var kernelTypes = map[string]bool{
	"struct task_struct *": true, "struct inode *": true, "struct file *": true, "struct path *": true, "struct seq_file *": true,
	"struct linux_binprm *": true, "struct cgroup *": true,
}

// argOverrides are the helpers whose parameters mean something else than the
// rules think, in the order of ids. Names without the Arg prefix.
var argOverrides = map[string]string{
	"bpf_trace_printk":                 "Mem Size",
	"bpf_csum_diff":                    "MemOrNull SizeOrZero MemOrNull SizeOrZero Scalar",
	"bpf_skb_get_tunnel_key":           "Ctx MemOut Size Scalar",
	"bpf_skb_set_tunnel_key":           "Ctx Mem Size Scalar",
	"bpf_skb_get_tunnel_opt":           "Ctx MemOut Size",
	"bpf_skb_set_tunnel_opt":           "Ctx Mem Size",
	"bpf_skb_load_bytes":               "Ctx Scalar MemOut Size",
	"bpf_skb_load_bytes_relative":      "Ctx Scalar MemOut Size Scalar",
	"bpf_probe_write_user":             "Address Mem Size",
	"bpf_get_current_comm":             "MemOut Size",
	"bpf_setsockopt":                   "Ctx Scalar Scalar Mem Size",
	"bpf_getsockopt":                   "Ctx Scalar Scalar MemOut Size",
	"bpf_perf_event_read_value":        "Map Scalar MemOut Size",
	"bpf_perf_prog_read_value":         "Ctx MemOut Size",
	"bpf_perf_event_output":            "Ctx Map Scalar Mem SizeOrZero",
	"bpf_skb_output":                   "KernelPtr Map Scalar Mem SizeOrZero",
	"bpf_xdp_output":                   "KernelPtr Map Scalar Mem SizeOrZero",
	"bpf_bind":                         "Ctx Mem Size",
	"bpf_skb_get_xfrm_state":           "Ctx Scalar MemOut Size Scalar",
	"bpf_fib_lookup":                   "Ctx MemInOut Size Scalar",
	"bpf_lwt_push_encap":               "Ctx Scalar Mem Size",
	"bpf_lwt_seg6_action":              "Ctx Scalar Mem Size",
	"bpf_sk_lookup_tcp":                "Ctx Mem Size Scalar Scalar",
	"bpf_sk_lookup_udp":                "Ctx Mem Size Scalar Scalar",
	"bpf_skc_lookup_tcp":               "Ctx Mem Size Scalar Scalar",
	"bpf_map_pop_elem":                 "Map MapValueOut",
	"bpf_map_peek_elem":                "Map MapValueOut",
	"bpf_tcp_check_syncookie":          "Sock Mem Size Mem Size",
	"bpf_tcp_gen_syncookie":            "Sock Mem Size Mem Size",
	"bpf_sysctl_get_name":              "Ctx MemOut Size Scalar",
	"bpf_sysctl_get_current_value":     "Ctx MemOut Size",
	"bpf_sysctl_get_new_value":         "Ctx MemOut Size",
	"bpf_sysctl_set_new_value":         "Ctx Mem Size",
	"bpf_strtol":                       "Mem Size Scalar FixedOut",
	"bpf_strtoul":                      "Mem Size Scalar FixedOut",
	"bpf_sk_storage_get":               "Map Sock MapValue Scalar",
	"bpf_inode_storage_get":            "Map KernelPtr MapValue Scalar",
	"bpf_inode_storage_delete":         "Map KernelPtr",
	"bpf_task_storage_get":             "Map KernelPtr MapValue Scalar",
	"bpf_cgrp_storage_get":             "Map KernelPtr MapValue Scalar",
	"bpf_tcp_send_ack":                 "KernelPtr Scalar",
	"bpf_read_branch_records":          "Ctx MemOut SizeOrZero Scalar",
	"bpf_get_ns_current_pid_tgid":      "Scalar Scalar MemOut Size",
	"bpf_sk_assign":                    "Ctx Sock Scalar",
	"bpf_seq_printf":                   "KernelPtr Mem Size MemOrNull SizeOrZero",
	"bpf_seq_write":                    "KernelPtr Mem SizeOrZero",
	"bpf_ringbuf_output":               "Map Mem SizeOrZero Scalar",
	"bpf_ringbuf_reserve":              "Map ConstSize Scalar",
	"bpf_ringbuf_submit":               "RingRecord Scalar",
	"bpf_ringbuf_discard":              "RingRecord Scalar",
	"bpf_load_hdr_opt":                 "Ctx MemInOut Size Scalar",
	"bpf_store_hdr_opt":                "Ctx Mem Size Scalar",
	"bpf_snprintf_btf":                 "MemOut Size Mem Size Scalar",
	"bpf_seq_printf_btf":               "KernelPtr Mem SizeOrZero Scalar",
	"bpf_redirect_neigh":               "Scalar MemOrNull SizeOrZero Scalar",
	"bpf_per_cpu_ptr":                  "PercpuPtr Scalar",
	"bpf_this_cpu_ptr":                 "PercpuPtr",
	"bpf_check_mtu":                    "Ctx Scalar FixedInOut Scalar Scalar",
	"bpf_snprintf":                     "MemOut SizeOrZero String MemOrNull SizeOrZero",
	"bpf_sys_bpf":                      "Scalar Mem Size",
	"bpf_btf_find_by_name_kind":        "Mem Size Scalar Scalar",
	"bpf_kallsyms_lookup_name":         "Mem SizeOrZero Scalar FixedOut",
	"bpf_trace_vprintk":                "Mem Size MemOrNull SizeOrZero",
	"bpf_strncmp":                      "Mem Size String",
	"bpf_get_func_arg":                 "Ctx Scalar FixedOut",
	"bpf_get_func_ret":                 "Ctx FixedOut",
	"bpf_xdp_store_bytes":              "Ctx Scalar Mem Size",
	"bpf_xdp_load_bytes":               "Ctx Scalar MemOut Size",
	"bpf_kptr_xchg":                    "KptrField Kptr",
	"bpf_dynptr_from_mem":              "Mem SizeOrZero Scalar DynptrOut",
	"bpf_ringbuf_reserve_dynptr":       "Map Scalar Scalar DynptrOut",
	"bpf_dynptr_write":                 "Dynptr Scalar Mem SizeOrZero Scalar",
	"bpf_dynptr_data":                  "Dynptr Scalar ConstSize",
	"bpf_tcp_raw_gen_syncookie_ipv4":   "FixedIn Mem SizeOrZero",
	"bpf_tcp_raw_gen_syncookie_ipv6":   "FixedIn Mem SizeOrZero",
	"bpf_tcp_raw_check_syncookie_ipv4": "FixedIn FixedIn",
	"bpf_tcp_raw_check_syncookie_ipv6": "FixedIn FixedIn",
	"bpf_user_ringbuf_drain":           "Map Func CallbackCtx Scalar",
	"bpf_d_path":                       "KernelPtr MemOut SizeOrZero",
	"bpf_get_branch_snapshot":          "MemOut SizeOrZero Scalar",
	"bpf_sock_from_file":               "KernelPtr",
	"bpf_copy_from_user_task":          "MemOut SizeOrZero Address KernelPtr Scalar",
}

// resultOverrides are results that the C type does not tell.
var resultOverrides = map[string]string{
	"bpf_ringbuf_reserve":      "ResultRingOrNull",
	"bpf_get_local_storage":    "ResultMapValue",
	"bpf_per_cpu_ptr":          "ResultPtrOrNull",
	"bpf_this_cpu_ptr":         "ResultPtr",
	"bpf_get_current_task_btf": "ResultPtr",
	"bpf_task_pt_regs":         "ResultPtr",
	"bpf_kptr_xchg":            "ResultPtrOrNull",
	"bpf_dynptr_data":          "ResultMemOrNull",
	"bpf_tail_call":            "ResultNever",
}

// acquires are helpers whose result, or the dynptr they fill, holds a reference
// and that the probe cannot call; it finds the others.
var acquires = map[string]bool{"bpf_kptr_xchg": true, "bpf_ringbuf_reserve_dynptr": true}

// releases are helpers that give a reference back: their pointer argument is
// gone after the call.
var releases = map[string]bool{
	"bpf_sk_release": true, "bpf_ringbuf_submit": true, "bpf_ringbuf_discard": true,
	"bpf_ringbuf_submit_dynptr": true, "bpf_ringbuf_discard_dynptr": true,
}
