package load

import (
	"bufio"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// missing turns an error about a program into a Missing if the kernel does
// not have what the program's section names, and can say so.
func missing(program string, s *ebpf.ProgramSpec, err error) error {
	kind, name, _ := strings.Cut(s.SectionName, "/")
	kind = strings.TrimSuffix(kind, ".s")
	var what string
	var known []string
	switch kind {
	case "kprobe", "kretprobe", "fentry", "fexit", "fmod_ret", "kprobe.multi", "kretprobe.multi", "kprobe.session":
		name, _, _ = strings.Cut(name, "+")
		if strings.ContainsAny(name, "*?") {
			return err
		}
		what, known = "function", kernelFunctions()
	case "tp", "tracepoint":
		what, known = "tracepoint", tracepoints(true)
	case "raw_tp", "raw_tracepoint", "tp_btf", "raw_tp.w", "raw_tracepoint.w":
		what, known = "tracepoint", tracepoints(false)
	}
	if name == "" || len(known) == 0 || slices.Contains(known, name) {
		return err
	}
	return &Missing{program, "the kernel", what, name, known, err}
}

// kernelFunctions are the names of the kernel's functions, those of modules
// too.
func kernelFunctions() (names []string) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		if w := strings.Fields(in.Text()); len(w) >= 3 && strings.ContainsAny(w[1], "tTwW") {
			names = append(names, w[2])
		}
	}
	return names
}

// tracepoints are the kernel's, as category/event or by their events alone.
func tracepoints(categories bool) (names []string) {
	text, err := os.ReadFile("/sys/kernel/tracing/available_events")
	if err != nil {
		return nil
	}
	for _, line := range strings.Fields(string(text)) {
		category, event, _ := strings.Cut(line, ":")
		switch {
		case categories:
			names = append(names, category+"/"+event)
		case category != "syscalls":
			names = append(names, event)
		}
	}
	if !categories { // that every system call passes, and that have other events
		names = append(names, "sys_enter", "sys_exit")
	}
	return names
}
