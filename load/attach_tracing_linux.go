package load

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// tracingAttachers are the ways to attach to the kernel's own code.
var tracingAttachers = []attacher{
	{"raw-tracepoint", func(s *ebpf.ProgramSpec) bool {
		return s.Type == ebpf.RawTracepoint || s.Type == ebpf.RawTracepointWritable
	}, attachRawTracepoint, ""},
	{"tracing", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.Tracing && s.AttachType != ebpf.AttachTraceIter }, attachTracing, ""},
	{"lsm", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.LSM && s.AttachType != ebpf.AttachLSMCgroup }, attachLSM, ""},
	{"freplace", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.Extension }, attachFreplace, "--program"},
	{"kprobe", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.Kprobe && isKprobe(s.SectionName) }, attachKprobe, ""},
	{"ksyscall", underSection("ksyscall", "kretsyscall"), attachKsyscall, ""},
	{"kprobe-multi", underSection("kprobe.multi", "kretprobe.multi", "kprobe.session"), attachKprobeMulti, ""},
}

// named is what stands behind the first / of a section's name.
func named(s *ebpf.ProgramSpec, what string) (string, error) {
	_, t, _ := strings.Cut(s.SectionName, "/")
	if t == "" {
		return "", fmt.Errorf("the section %q names no %s: want %s/NAME", s.SectionName, what, s.SectionName)
	}
	return t, nil
}

func attachRawTracepoint(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	name, err := named(s, "tracepoint")
	if err != nil {
		return nil, "a raw tracepoint", err
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: p})
	return l, "raw tracepoint " + name, err
}

func attachTracing(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	if s.AttachType == attachFSession {
		l, err := link.AttachRawLink(link.RawLinkOptions{Program: p, Attach: s.AttachType})
		return l, s.SectionName, err
	}
	l, err := link.AttachTracing(link.TracingOptions{Program: p, AttachType: s.AttachType})
	return l, s.SectionName, err
}

func attachLSM(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	l, err := link.AttachLSM(link.LSMOptions{Program: p})
	if errors.Is(err, ebpf.ErrNotSupported) {
		err = fmt.Errorf("%w: does the kernel's command line have lsm=...,bpf? /sys/kernel/security/lsm lists the modules", err)
	}
	return l, s.SectionName, err
}

func isKprobe(section string) bool {
	kind, _, _ := strings.Cut(section, "/")
	return kind == "kprobe" || kind == "kretprobe"
}

// attachKprobe attaches by kprobe/FUNCTION+OFFSET or kretprobe/FUNCTION.
func attachKprobe(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	name, err := named(s, "function")
	if err != nil {
		return nil, "a kernel function", err
	}
	symbol, offset, has := strings.Cut(name, "+")
	o := &link.KprobeOptions{}
	if has {
		if o.Offset, err = strconv.ParseUint(offset, 0, 64); err != nil {
			return nil, name, fmt.Errorf("the offset %q in the section %q is no number", offset, s.SectionName)
		}
	}
	attach := link.Kprobe
	if strings.HasPrefix(s.SectionName, "kretprobe") {
		attach = link.Kretprobe
	}
	l, err := attach(symbol, p, o)
	return l, s.SectionName, err
}

// attachKsyscall attaches to the entry or the return of a system call, whose
// function has another name on each architecture.
func attachKsyscall(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	name, err := named(s, "system call")
	if err != nil {
		return nil, "a system call", err
	}
	attach := link.Kprobe
	if strings.HasPrefix(s.SectionName, "kretsyscall") {
		attach = link.Kretprobe
	}
	for _, prefix := range []string{"__x64_sys_", "__arm64_sys_", "sys_"} {
		var l link.Link
		if l, err = attach(prefix+name, p, nil); err == nil || !errors.Is(err, os.ErrNotExist) {
			return l, s.SectionName, err
		}
	}
	return nil, s.SectionName, err
}

// attachKprobeMulti attaches to all functions that a pattern with * and ?
// names.
func attachKprobeMulti(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	pattern, err := named(s, "function")
	if err != nil {
		return nil, "kernel functions", err
	}
	symbols := []string{pattern}
	if strings.ContainsAny(pattern, "*?") {
		if symbols, err = functions(pattern); err != nil {
			return nil, s.SectionName, err
		}
	}
	o := link.KprobeMultiOptions{Symbols: symbols, Session: s.AttachType == ebpf.AttachTraceKprobeSession}
	attach := link.KprobeMulti
	if strings.HasPrefix(s.SectionName, "kretprobe") {
		attach = link.KretprobeMulti
	}
	l, err := attach(p, o)
	if errors.Is(err, ebpf.ErrNotSupported) {
		err = errors.New("the kernel is built without CONFIG_FPROBE, or older than 5.18")
	}
	return l, fmt.Sprintf("%s (%d functions)", s.SectionName, len(symbols)), err
}

// functions lists the kernel functions that a pattern names and that can be
// traced.
func functions(pattern string) (names []string, err error) {
	text, err := os.ReadFile("/sys/kernel/tracing/available_filter_functions")
	known := strings.Split(string(text), "\n")
	if err != nil { // locked down: all functions then, and the kernel refuses those that it does not trace
		known = kernelFunctions()
	}
	seen := map[string]bool{}
	for _, line := range known {
		name, _, _ := strings.Cut(line, " ")
		if ok, err := path.Match(pattern, name); err != nil {
			return nil, fmt.Errorf("malformed pattern %q", pattern)
		} else if ok && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no kernel function matches %q", pattern)
	}
	return names, nil
}
