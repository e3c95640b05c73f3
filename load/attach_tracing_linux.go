package load

import (
	"errors"
	"fmt"
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
	{"kprobe", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.Kprobe && isKprobe(s.SectionName) }, attachKprobe, ""},
}

// target is what stands behind the first / of a section's name.
func target(s *ebpf.ProgramSpec, what string) (string, error) {
	_, t, _ := strings.Cut(s.SectionName, "/")
	if t == "" {
		return "", fmt.Errorf("the section %q names no %s: want %s/NAME", s.SectionName, what, s.SectionName)
	}
	return t, nil
}

func attachRawTracepoint(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	name, err := target(s, "tracepoint")
	if err != nil {
		return nil, "a raw tracepoint", err
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: p})
	return l, "raw tracepoint " + name, err
}

func attachTracing(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
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
	name, err := target(s, "function")
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
