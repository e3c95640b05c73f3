// Package whistler compiles a Lisp to eBPF: programs that run inside the
// Linux kernel. It needs no C compiler, no LLVM and no kernel headers.
//
// Compile turns sources into an ELF object that libbpf, bpftool and
// cilium/ebpf load. The same sources give the same bytes, on any machine.
package whistler

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

// Version of the compiler.
const Version = "0.1.0"

// DefaultCPU is the BPF cpu version compiled for by default.
const DefaultCPU = 3

// A Source is a text and the name that messages and objects show.
type Source struct {
	Name, Text string
}

// A Kernel answers what sources ask of a kernel: formats of tracepoints.
type Kernel = lang.Kernel

// A TraceField is a field of a tracepoint's record.
type TraceField = lang.TraceField

// Options of a compilation. The zero value is good.
type Options struct {
	// CPU is the BPF cpu version, 2 to 4; 0 means DefaultCPU.
	CPU int
	// Target is the oldest kernel that must run the object, such as "5.10".
	// What it lacks is an error at its form, or is replaced where that can be:
	// instructions by those of an older CPU, bpf-loop by a bounded loop. "" is
	// any kernel.
	Target string
	// Arch is the target's architecture as Go names it; "" means amd64.
	Arch string
	// ReadFile reads what (include ...) names, relative to the main source;
	// nil refuses include.
	ReadFile func(name string) ([]byte, error)
	// Kernel describes the kernel for forms that ask for one; nil refuses them.
	Kernel Kernel
	// Pid compiles a filter into tracing programs: they run for this
	// process only. 0 is none.
	Pid int
	// Define gives global variables values when compiling, by name: integers
	// as Lisp writes them, or text for arrays of bytes. The value of a constant
	// one is folded into the code, and the variable leaves the object.
	Define map[string]string
	// Fragment says that the sources are a part of one: programs may be missing,
	// and maps need no use.
	Fragment bool
	// CountLosses adds a hidden per-CPU map that counts what the kernel does
	// not: records that ring buffers had no room for, and new entries that full
	// maps did not take. It costs instructions on the arm that fails only.
	CountLosses bool
	// MaxSteps and MaxCells limit macro code; 0 means generous defaults.
	MaxSteps, MaxCells int64
	// KeepLisp keeps what the source is in Lisp with the Object, for the packages
	// of this module that run its tests and sessions or want its constants.
	KeepLisp bool
	// Trace sees the program after every stage.
	Trace func(program, stage string, what fmt.Stringer)
}

// A Program of an object.
type Program struct {
	Name    string // in the object: count_packets
	Lisp    string // in the source: count-packets
	Type    string // keyword: "xdp"
	Section string
	Slots   int // instructions of 8 bytes
	Stack   int // bytes of stack
	Walked  int // about how many instructions the kernel's verifier walks; 0 if that is not known
	Doc     string
}

// A Map of an object.
type Map struct {
	Name       string // in the object: pkt_count
	Lisp       string // in the source: pkt-count
	Type       string // keyword: "percpu-hash"
	KeySize    int    // bytes
	ValueSize  int    // bytes
	MaxEntries int64
	Events     []string // structs that a ring or perf buffer carries
}

// An Object is a compiled source.
type Object struct {
	result *compile.Result
}

// A Diagnostic is an error or a warning at a place of a source.
type Diagnostic = source.Error

// Diagnostics are what a failed Compile returns as its error.
type Diagnostics = source.List

// Compile compiles sources into one object. Where they are wrong, the error
// is Diagnostics.
func Compile(ctx context.Context, sources []Source, o Options) (obj *Object, err error) {
	defer func() {
		if r := recover(); r != nil {
			obj, err = nil, Diagnostics{bug(r, debug.Stack())}
		}
	}()
	if o.CPU != 0 && (o.CPU < 2 || o.CPU > 4) {
		return nil, fmt.Errorf("BPF cpu version %d: want 2, 3 or 4", o.CPU)
	}
	if _, ok := abi.ParseVersion(o.Target); o.Target != "" && !ok {
		return nil, fmt.Errorf("target %q: want the version of a kernel, such as 5.10", o.Target)
	}
	if len(sources) == 0 {
		return nil, errors.New("no sources")
	}
	var files []*source.File
	for _, s := range sources {
		if bad := invalidUTF8(s.Text); bad >= 0 {
			f := source.NewFile(s.Name, s.Text[:bad])
			e := source.Errorf(source.Pos{File: f, Start: int32(bad), End: int32(bad)}, "%s is not text: byte %d is not UTF-8", s.Name, bad)
			return nil, Diagnostics{e.WithExpected("a Lisp source in UTF-8").WithCode("not-text")}
		}
		files = append(files, source.NewFile(s.Name, s.Text))
	}
	co := compile.Options{Trace: o.Trace, Options: LangOptions(o), CountLosses: o.CountLosses, KeepLisp: o.KeepLisp}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, errs := compile.Compile(files, co)
	if len(errs.Errors()) > 0 {
		return nil, errs
	}
	return &Object{r}, nil
}

// bug is the diagnostic of a panic: no input should get one.
func bug(r any, stack []byte) *source.Error {
	e := source.Errorf(source.Pos{}, "%v", r).WithHint("please report it, with the source and this:\n%s", stack).WithCode("bug")
	e.Severity = source.SevBug
	return e
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or NUL; -1
// if all are.
func invalidUTF8(s string) int {
	for i, r := range s {
		if r == 0 || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// Bytes is the ELF object.
func (o *Object) Bytes() []byte { return o.result.Object }

// Warnings of the compilation.
func (o *Object) Warnings() Diagnostics { return o.result.Warnings }

// License of the programs.
func (o *Object) License() string { return o.result.Spec.License }

// Programs lists the programs in the order of the source.
func (o *Object) Programs() (ps []Program) {
	for i, p := range o.result.Programs {
		ps = append(ps, Program{p.Name, p.Lisp, p.Type, p.Section, len(p.Insns), p.Stack, p.Walked, o.result.Unit.Programs[i].Doc})
	}
	return ps
}

// Tracing reports whether a program runs in the context of a process, which
// is where Options.Pid applies.
func (o *Object) Tracing() bool {
	for _, p := range o.result.Unit.Programs {
		if p.Tracing() {
			return true
		}
	}
	return false
}

// Maps lists the maps in the order of the source.
func (o *Object) Maps() (ms []Map) {
	for _, m := range o.result.Unit.Maps {
		x := Map{m.C, m.Name, m.Type.Keyword, m.KeySize, m.ValueSize, m.MaxEntries, nil}
		for _, e := range m.Events {
			x.Events = append(x.Events, e.Name)
		}
		ms = append(ms, x)
	}
	return ms
}

// Sections lists the ELF sections of the programs, sorted.
func (o *Object) Sections() (names []string) {
	seen := map[string]bool{}
	for _, p := range o.result.Programs {
		if !seen[p.Section] {
			seen[p.Section] = true
			names = append(names, p.Section)
		}
	}
	sort.Strings(names)
	return names
}

// LangOptions is o as the language's own packages take it; it is for the
// commands of this module.
func LangOptions(o Options) lang.Options {
	if o.CPU == 0 {
		o.CPU = DefaultCPU
	}
	if o.Arch == "" {
		o.Arch = "amd64"
	}
	l := lang.Options{CPU: o.CPU, Arch: o.Arch, Kernel: o.Kernel, MaxSteps: o.MaxSteps, MaxCells: o.MaxCells, Define: o.Define, Pid: o.Pid, Fragment: o.Fragment}
	l.Target, _ = abi.ParseVersion(o.Target)
	if o.ReadFile != nil {
		l.Include = func(name string) (*source.File, error) {
			text, err := o.ReadFile(name)
			if err != nil {
				return nil, err
			}
			return source.NewFile(path.Clean(name), string(text)), nil
		}
	}
	return l
}

// A Need is something that a program wants of the kernel.
type Need struct {
	What    string     // "the helper bpf_loop"
	Version string     // the first kernel that has it; "" where that is not known
	Commit  string     // of Linux, the source of the fact
	Pos     source.Pos // the form that needs it
}

// Needs lists what a program needs, by its name in the object: the newest
// thing first.
func (o *Object) Needs(program string) (out []Need) {
	for _, p := range o.result.Programs {
		if p.Name != program {
			continue
		}
		for _, n := range o.result.Needs(p) {
			version, commit := n.Kernel()
			out = append(out, Need{n.What, version, commit, n.Pos})
		}
	}
	return out
}

// FindLine gives the place of a line of one of the sources, as an object
// names it; it is not Known where there is none.
func (o *Object) FindLine(file string, line int) source.Pos {
	for _, p := range o.result.Programs {
		for _, l := range p.Lines {
			if n, _ := l.Pos.LineCol(); n == line && l.Pos.File.Name == file {
				return l.Pos
			}
		}
	}
	return source.Pos{}
}

// Result is for the packages of this module: its type is internal.
func (o *Object) Result() *compile.Result { return o.result }

// Mend gives the diagnostics that Compile gave for sources the fixes that there
// are: edits after which the sources compile without the mistake. It compiles
// them once more for each edit that it tries; with first it stops at the first
// mistake that can be mended.
func Mend(sources []Source, o Options, said Diagnostics, first bool) {
	var files []*source.File
	for _, s := range sources {
		f := source.NewFile(s.Name, s.Text)
		for _, e := range said {
			if g := e.Pos.File; g != nil && g.Name == s.Name && g.Text == s.Text {
				f = g
			}
		}
		files = append(files, f)
	}
	compile.Mend(files, said, compile.Options{Options: LangOptions(o), CountLosses: o.CountLosses}, first)
}
