package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/internal/source"
)

// An input is the file that a command works on, with the options that all
// such commands have.
type input struct {
	File    string            `arg:"" help:"Lisp source, object file, or - for standard input."`
	CPU     string            `help:"BPF cpu version: v2, v3 or v4." default:"v3" enum:"v2,v3,v4,2,3,4"`
	Target  string            `help:"The oldest kernel that must run it, such as 5.10: what that kernel lacks is an error, or replaced." placeholder:"VERSION"`
	Tracefs string            `help:"Directory with the kernel's tracing files." placeholder:"DIR"`
	BTF     string            `name:"btf" help:"File with the types of the kernel that the source asks for: raw BTF, or an ELF file with a .BTF section. Default: the running kernel's." placeholder:"FILE"`
	JSON    bool              `name:"json" help:"Write JSON."`
	define  map[string]string // values of global variables, folded
	kernel  *recorder         // what the source asked of a kernel
	losses  bool              // count what maps cannot take
	fixes   bool              // JSON has the edits that mend what is said
	pid     int               // programs of tracing types run only for this process, 0 for all
}

// read gives the text of the file and its name for messages.
func (in *input) read() (text []byte, name string, err error) {
	if in.File == "-" {
		text, err = io.ReadAll(os.Stdin)
		return text, "<stdin>", err
	}
	text, err = os.ReadFile(in.File)
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = fmt.Errorf("cannot read %s: %w", in.File, pe.Err)
	}
	return text, filepath.Base(in.File), err
}

func isObject(text []byte) bool { return bytes.HasPrefix(text, []byte("\x7fELF")) }

func (in *input) options(trace func(program, stage string, what fmt.Stringer)) whistler.Options {
	in.kernel = &recorder{Machine: kernel.Machine{Dir: in.Tracefs, File: in.BTF}}
	dir := filepath.Dir(in.File)
	if in.File == "-" {
		dir = "."
	}
	return whistler.Options{
		CPU: int(in.CPU[len(in.CPU)-1] - '0'), Target: in.Target, Arch: runtime.GOARCH, Trace: trace, Pid: in.pid, Define: in.define, CountLosses: in.losses,
		Kernel: in.kernel, KeepLisp: true,
		ReadFile: func(name string) ([]byte, error) {
			text, err := os.ReadFile(filepath.Join(dir, name))
			var pe *os.PathError
			if errors.As(err, &pe) {
				err = pe.Err
			}
			return text, err
		},
	}
}

// compile compiles the source; what is wrong with it is shown. took is the
// time of the compilation alone.
func (in *input) compile(a *app) (obj *whistler.Object, took time.Duration, err error) {
	text, name, err := in.read()
	if err != nil {
		return nil, 0, err
	}
	start := time.Now()
	obj, err = whistler.Compile(context.Background(), []whistler.Source{{Name: name, Text: string(text)}}, in.options(nil))
	took = time.Since(start)
	if in.JSON && in.fixes {
		whistler.Mend([]whistler.Source{{Name: name, Text: string(text)}}, in.options(nil), said(obj, err), false)
	}
	if err != nil {
		return nil, took, a.compileError(err, in.JSON)
	}
	if !in.JSON {
		a.diagnostics(obj.Warnings(), false)
	}
	return obj, took, nil
}

func (a *app) compileError(err error, asJSON bool) error {
	var l source.List
	if errors.As(err, &l) {
		return a.diagnostics(l, asJSON)
	}
	return err
}

// object gives the bytes of an object: the file's own, or what compiling
// the source gives (then src is not nil).
func (in *input) object(a *app) (data []byte, src *whistler.Object, err error) {
	text, _, err := in.read()
	if err != nil {
		return nil, nil, err
	}
	if isObject(text) {
		return text, nil, nil
	}
	if in.File == "-" { // standard input is read once
		o, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "<stdin>", Text: string(text)}}, in.options(nil))
		if err != nil {
			return nil, nil, a.compileError(err, in.JSON)
		}
		if !in.JSON {
			a.diagnostics(o.Warnings(), false)
		}
		return o.Bytes(), o, nil
	}
	src, _, err = in.compile(a)
	if err != nil {
		return nil, nil, err
	}
	return src.Bytes(), src, nil
}
