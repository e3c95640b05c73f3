package abi

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// fits tells whether what the verifier says it expects is what the kind says.
func fits(k ArgKind, expected string) bool {
	memory := strings.HasPrefix(expected, "fp, pkt,")
	switch k {
	case ArgScalar, ArgAddress, ArgVariadic:
		return expected == "anything" || expected == "scalar"
	case ArgSize, ArgSizeOrZero, ArgConstSize:
		return expected == "scalar"
	case ArgMap:
		return expected == "map_ptr"
	case ArgCtx:
		return expected == "ctx"
	case ArgMapKey, ArgMapValue, ArgMapValueOut, ArgMem, ArgMemOrNull, ArgMemOut, ArgMemInOut, ArgFixedIn, ArgFixedOut, ArgFixedInOut:
		return memory
	case ArgString, ArgTimer:
		return expected == "map_value"
	case ArgFunc:
		return expected == "func"
	case ArgRingRecord:
		return expected == "ringbuf_mem"
	case ArgSock:
		return strings.HasPrefix(expected, "sock_common, sock")
	case ArgKernelPtr:
		return strings.HasPrefix(expected, "ptr_")
	case ArgSpinLock, ArgKptrField:
		return strings.HasPrefix(expected, "map_value, ptr_")
	case ArgDynptr, ArgDynptrOut:
		return expected == "fp, dynptr_ptr"
	case ArgPercpuPtr:
		return strings.HasPrefix(expected, "percpu_ptr_")
	case ArgCallbackCtx:
		return strings.HasPrefix(expected, "fp")
	}
	return false
}

// oddArgs are helpers that take something else from other program types than
// the one the probe asked.
var oddArgs = map[string]string{
	"get-cgroup-classid": "cgroup programs call the same name without looking at the argument",
}

func TestArgKindsAgreeWithVerifier(t *testing.T) {
	checked := 0
	for name, expected := range expectedArgs {
		h := HelperByName(name)
		for i, e := range expected {
			if oddArgs[name] != "" {
				continue
			}
			checked++
			if !fits(h.Args[i], e) {
				t.Errorf("%s: argument %s is %v (kind %d), the verifier expects %q", name, h.Params[i], h.Args[i], h.Args[i], e)
			}
		}
	}
	if checked < 400 {
		t.Errorf("only %d arguments were checked", checked)
	}
}

func TestResultsAgreeWithVerifier(t *testing.T) {
	for name, r0 := range expectedResults {
		h := HelperByName(name)
		ok := false
		switch h.Result {
		case ResultInt, ResultU32, ResultU64, ResultVoid:
			ok = r0 == "scalar"
		case ResultMapValueOrNull:
			ok = r0 == "map_value_or_null"
		case ResultMapValue:
			ok = r0 == "map_value"
		case ResultRingOrNull:
			ok = r0 == "ringbuf_mem_or_null"
		case ResultSockOrNull:
			ok = strings.HasPrefix(r0, "sock") && strings.HasSuffix(r0, "_or_null")
		case ResultPtr:
			ok = strings.Contains(r0, "ptr_")
		}
		if !ok {
			t.Errorf("%s: result is %v, the verifier holds %s", name, h.Result, r0)
		}
	}
}

// asm.BuiltinFunc is generated from another kernel's list of helpers.
func TestHelperIDs(t *testing.T) {
	if len(Helpers()) != 211 {
		t.Errorf("%d helpers", len(Helpers()))
	}
	for i := range Helpers() {
		h := &Helpers()[i]
		want := "Fn" + strings.ReplaceAll(h.Name, "-", "")
		if got := asm.BuiltinFunc(h.ID).String(); !strings.EqualFold(got, want) {
			t.Errorf("%s has id %d, which is %s", h.Name, h.ID, got)
		}
		if HelperByID(h.ID) != h || HelperByName(h.Name) != h || HelperByName(strings.ToUpper(h.Name)) != h || HelperByName(h.C) != h {
			t.Errorf("%s is not found", h.Name)
		}
		if len(h.Args) != len(h.Params) || len(h.Args) > MaxArgs || h.Doc == "" || h.Progs == 0 {
			t.Errorf("%s: odd row %+v", h.Name, h)
		}
		for j, k := range h.Args {
			if k.Sized() && (j+1 == len(h.Args) || h.Args[j+1] != ArgSize && h.Args[j+1] != ArgSizeOrZero) {
				t.Errorf("%s: no size follows %s", h.Name, h.Params[j])
			}
			_ = k.String()
		}
	}
	if HelperByID(0) != nil || HelperByID(212) != nil || HelperByID(-1) != nil || HelperByName("no-such") != nil {
		t.Error("found a helper that is none")
	}
}

func TestHelperRights(t *testing.T) {
	for _, c := range []struct {
		name, prog string
		may        bool
	}{
		{"map-lookup-elem", "xdp", true}, {"xdp-adjust-head", "xdp", true}, {"xdp-adjust-head", "tc", false},
		{"skb-load-bytes", "socket-filter", true}, {"skb-store-bytes", "tc", true}, {"skb-store-bytes", "cgroup-skb", false},
		{"probe-read-kernel", "kprobe", true}, {"get-stackid", "xdp", false}, {"bind", "cgroup-sock-addr", true},
		{"get-current-comm", "tracepoint", true}, {"redirect-map", "xdp", true}, {"redirect-map", "tc", false},
		{"copy-from-user", "uprobe", true}, {"copy-from-user", "kprobe", false}, {"ktime-get-ns", "socket-filter", true},
		{"sk-lookup-tcp", "xdp", true}, {"override-return", "kprobe", true}, {"probe-write-user", "xdp", false},
	} {
		if got := HelperByName(c.name).Progs.Has(ProgTypeByKeyword(c.prog)); got != c.may {
			t.Errorf("%s in %s: %v", c.name, c.prog, got)
		}
	}
	for _, n := range []string{"xdp-adjust-head", "skb-pull-data", "skb-store-bytes", "skb-vlan-push", "msg-pull-data", "l4-csum-replace"} {
		if !HelperByName(n).ChangesPacket {
			t.Errorf("%s must make packet pointers stale", n)
		}
	}
	for _, n := range []string{"map-update-elem", "skb-load-bytes", "redirect", "fib-lookup", "ktime-get-ns", "csum-diff"} {
		if HelperByName(n).ChangesPacket {
			t.Errorf("%s leaves packet pointers alone", n)
		}
	}
	for n, gpl := range map[string]bool{"trace-printk": true, "probe-read-kernel": true, "perf-event-output": true,
		"ktime-get-ns": false, "map-lookup-elem": false, "ringbuf-output": false, "get-current-comm": false} {
		if HelperByName(n).GPL != gpl {
			t.Errorf("%s: GPL is %v", n, !gpl)
		}
	}
	for n, acq := range map[string]bool{"ringbuf-reserve": true, "sk-lookup-udp": true, "sk-fullsock": false, "map-lookup-elem": false} {
		if HelperByName(n).Acquires != acq {
			t.Errorf("%s: Acquires is %v", n, !acq)
		}
	}
}
