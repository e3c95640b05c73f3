//go:build linux

package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// constantHeaders are the headers whose integer macros and enumerators become
// constants. The list is split in groups that gcc can take together; a name
// keeps the value of the first group that has it.
var constantHeaders = [][]string{
	{"linux/bpf.h", "linux/bpf_common.h", "linux/btf.h", "linux/if_ether.h", "linux/ip.h", "linux/icmp.h", "linux/icmpv6.h",
		"linux/in.h", "linux/in6.h", "linux/ipv6.h", "linux/tcp.h", "linux/udp.h", "linux/pkt_cls.h", "linux/pkt_sched.h", "linux/if_packet.h",
		"linux/if_arp.h", "linux/if.h", "linux/if_link.h", "linux/if_xdp.h", "linux/if_tunnel.h", "linux/netfilter.h", "linux/capability.h", "linux/perf_event.h",
		"linux/sched.h", "linux/seg6.h", "linux/seg6_local.h", "linux/lirc.h", "linux/mman.h", "linux/fs.h", "linux/rtnetlink.h",
		"linux/inet_diag.h", "linux/igmp.h", "linux/sctp.h", "linux/errqueue.h", "linux/net.h", "linux/lwtunnel.h", "linux/audit.h"},
	{"sys/socket.h", "netinet/in.h", "netinet/tcp.h", "linux/mptcp.h"},
	{"linux/time.h"},
	{"errno.h", "signal.h", "fcntl.h", "sys/stat.h", "sys/mman.h", "linux/seccomp.h", "linux/ptrace.h"},
}

// skipConstant leaves out names that are no part of the API: the compiler's
// and the C library's own, limits of tables, include guards; and BPF_FUNC_*,
// which the table of helpers carries.
var skipConstant = regexp.MustCompile(`^(_|BPF_FUNC_|C?X86_|REG_|PTRACE_|FP_XSTATE|(U?INT|PTRDIFF|SIZE|WCHAR|SIG_ATOMIC|WINT)[A-Z0-9_]*_(MAX|MIN|WIDTH)$)|_H$|^(unix|linux|NULL)$`)

var constantName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// uapiPrefix marks BTF enums that are newer than the headers on this machine.
var uapiPrefix = regexp.MustCompile(`^(BPF_F_|BPF_FIB_|BPF_SOCK_OPS_|BPF_TCP_|BPF_SK_LOOKUP_|TCX_|NETKIT_|BPF_RB_|BPF_TRACE_|BPF_NETFILTER|BPF_RINGBUF_)`)

// constantSet is what constantValues found, kept for the other tables.
var constantSet map[string]int64

func constantValues() map[string]int64 {
	if constantSet != nil {
		return constantSet
	}
	out := map[string]int64{}
	for _, group := range constantHeaders {
		for n, v := range evalHeaders(group) {
			if _, ok := out[n]; !ok {
				out[n] = v
			}
		}
	}
	addEnums(out)
	constantSet = out
	return out
}

func readConstants(*sources) map[string]int64 { return constantValues() }

// evalHeaders lists the macros (gcc -dM) and enumerators of headers, drops
// those that are no integer constants, and runs a program that prints the rest.
func evalHeaders(headers []string) map[string]int64 {
	var text strings.Builder
	text.WriteString("#define _GNU_SOURCE\n#include <stdint.h>\n#include <stddef.h>\n")
	for _, h := range headers {
		if _, err := os.Stat("/usr/include/" + h); err != nil {
			if _, err := exec.Command("sh", "-c", "echo '#include <"+h+">' | gcc -E - >/dev/null 2>&1").Output(); err != nil {
				log.Printf("no header %s", h)
				continue
			}
		}
		fmt.Fprintf(&text, "#include <%s>\n", h)
	}
	names := map[string]bool{}
	for line := range strings.SplitSeq(gcc(text.String(), "-E", "-dM"), "\n") {
		f := strings.SplitN(line, " ", 3)
		if len(f) == 3 && f[0] == "#define" && constantName.MatchString(f[1]) && f[2] != "" {
			names[f[1]] = true
		}
	}
	for _, body := range regexp.MustCompile(`(?s)\benum\b[^{;()]*\{([^}]*)\}`).FindAllStringSubmatch(gcc(text.String(), "-E", "-P"), -1) {
		for _, m := range regexp.MustCompile(`(?:^|[,\n])\s*([A-Za-z]\w*)\s*(?:=|,|$|\n)`).FindAllStringSubmatch(strings.ReplaceAll(body[1], ",", ",\n"), -1) {
			names[m[1]] = true
		}
	}
	var list []string
	for n := range names {
		if !skipConstant.MatchString(n) && strings.ContainsAny(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			list = append(list, n)
		}
	}
	sort.Strings(list)
	return runConstants(text.String(), list)
}

var errorLine = regexp.MustCompile(`(?m)^consts\.c:(\d+):`)

// runConstants compiles one line a name, drops the lines that gcc refuses, and
// runs what is left.
func runConstants(head string, names []string) map[string]int64 {
	dir, err := os.MkdirTemp("", "abi")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "consts.c")
	for round := 0; ; round++ {
		var b bytes.Buffer
		b.WriteString(head)
		b.WriteString("#include <stdio.h>\nstatic const struct { const char *name; long long value; } table[] = {\n#line 1 \"consts.c\"\n")
		for _, n := range names {
			// An enumerator needs an integer constant expression: pointers,
			// strings, floats, types and calls do not compile.
			fmt.Fprintf(&b, "{\"%s\", __builtin_choose_expr(__builtin_classify_type(%s) == 1, (%s), (void)0)},\n", n, n, n)
		}
		b.WriteString("};\n#line 100000 \"end.c\"\nint main(void) { for (unsigned i = 0; i < sizeof table / sizeof *table; i++) printf(\"%s %lld\\n\", table[i].name, table[i].value); }\n")
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			log.Fatal(err)
		}
		out, err := exec.Command("gcc", "-w", "-fmax-errors=0", "-o", filepath.Join(dir, "consts"), file).CombinedOutput()
		if err == nil {
			break
		}
		bad := map[int]bool{}
		for line := range strings.SplitSeq(string(out), "\n") {
			if m := errorLine.FindStringSubmatch(line); m != nil && strings.Contains(line, "error:") {
				n, _ := strconv.Atoi(m[1])
				bad[n] = true
			}
		}
		if len(bad) == 0 || round > 10 {
			log.Fatalf("constants: %.2000s", out)
		}
		var kept []string
		for i, n := range names {
			if !bad[i+1] {
				kept = append(kept, n)
			}
		}
		names = kept
	}
	out, err := exec.Command(filepath.Join(dir, "consts")).Output()
	if err != nil {
		log.Fatal(err)
	}
	values := map[string]int64{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		n, v, _ := strings.Cut(line, " ")
		values[n], _ = strconv.ParseInt(v, 10, 64)
	}
	return values
}

func gcc(text string, args ...string) string {
	cmd := exec.Command("gcc", append(args, "-w", "-x", "c", "-")...)
	cmd.Stdin = strings.NewReader(text)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	return string(out)
}

// addEnums takes the kernel's own enumerators for every UAPI enum: one that
// shares an enumerator with the headers, or that has a UAPI prefix throughout.
// The kernel is newer than the headers, so it wins.
func addEnums(out map[string]int64) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		log.Fatal(err)
	}
	seen := map[string]bool{} // a name that two BTF enums define differently counts once
	for t, err := range spec.All() {
		if err != nil {
			log.Fatal(err)
		}
		e, ok := t.(*btf.Enum)
		if !ok {
			continue
		}
		// Kernel-internal enums may reuse a macro's name with their own value;
		// the enum is UAPI only if all that is known of it agrees.
		known, differ, prefixed := 0, 0, true
		for _, v := range e.Values {
			if w, ok := out[v.Name]; ok {
				if w == enumValue(e, v.Value) {
					known++
				} else if !strings.Contains(v.Name, "MAX") {
					differ++
				}
			}
			prefixed = prefixed && uapiPrefix.MatchString(v.Name)
		}
		if differ > 0 || known == 0 && !prefixed {
			continue
		}
		for _, v := range e.Values {
			if !skipConstant.MatchString(v.Name) && !seen[v.Name] && strings.ToUpper(v.Name) == v.Name {
				out[v.Name] = enumValue(e, v.Value)
				seen[v.Name] = true
			}
		}
	}
}

func enumValue(e *btf.Enum, v uint64) int64 {
	if e.Size < 8 && e.Signed {
		return int64(int32(v))
	}
	return int64(v)
}

func emitConstants(w *buf, values map[string]int64) {
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	sort.Strings(names)
	w.p("var constants = [...]constant{\n")
	for _, n := range names {
		w.p("{%q,%d},\n", n, values[n])
	}
	w.p("}\n")
}
