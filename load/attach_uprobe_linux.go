package load

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// target is what follows the first word of a section.
func target(s *ebpf.ProgramSpec) string {
	_, t, _ := strings.Cut(strings.TrimPrefix(s.SectionName, "?"), "/")
	return t
}

// probed opens the binary that a section names, PATH:WHAT.
func probed(s *ebpf.ProgramSpec, t Targets, want string) (b *executable, what string, err error) {
	file, what, ok := strings.Cut(target(s), ":")
	if !ok || file == "" || what == "" {
		kind, _, _ := strings.Cut(s.SectionName, "/")
		return nil, "", fmt.Errorf("the section %q does not say where: want %s/PATH:%s", s.SectionName, kind, want)
	}
	if file, err = findExecutable(file, t.Pid); err != nil {
		return nil, "", err
	}
	b, err = openExecutable(file)
	return b, what, err
}

func attachUprobe(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	what := target(s)
	b, fn, err := probed(s, t, "FUNCTION[+OFFSET]")
	if err != nil {
		return nil, what, err
	}
	off, plus, err := b.locate(fn)
	if err != nil {
		return nil, what, err
	}
	exe, err := link.OpenExecutable(b.path)
	if err != nil {
		return nil, what, err
	}
	attach := exe.Uprobe
	if strings.HasPrefix(s.SectionName, "uretprobe") {
		if plus != 0 {
			return nil, what, errors.New("a return probe is at the beginning of a function: leave the offset out")
		}
		attach = exe.Uretprobe
	}
	l, err := attach("", p, &link.UprobeOptions{Address: off + plus, PID: t.Pid})
	return l, what, err
}

func attachUprobeMulti(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	what := target(s)
	b, pattern, err := probed(s, t, "FUNCTION or PATTERN")
	if err != nil {
		return nil, what, err
	}
	offs, err := b.matching(pattern)
	if err != nil {
		return nil, what, err
	}
	what = fmt.Sprintf("%s (%d functions)", what, len(offs))
	if strings.HasPrefix(s.SectionName, "uprobe.session") {
		l, err := sessionLink(p, s.AttachType, b.path, offs, t.Pid)
		return l, what, err
	}
	exe, err := link.OpenExecutable(b.path)
	if err != nil {
		return nil, what, err
	}
	attach := exe.UprobeMulti
	if strings.HasPrefix(s.SectionName, "uretprobe") {
		attach = exe.UretprobeMulti
	}
	l, err := attach(nil, p, &link.UprobeMultiOptions{Addresses: offs, PID: uint32(t.Pid)})
	return l, what, err
}
