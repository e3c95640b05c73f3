package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

// stagesCmd prints a program after every stage.
type stagesCmd struct {
	input
	Program string `help:"Only this program." placeholder:"NAME"`
}

func (c *stagesCmd) Run(a *app) error {
	text, name, err := c.read()
	if err != nil {
		return err
	}
	trace := func(program, stage string, what fmt.Stringer) {
		if c.Program == "" || strings.EqualFold(c.Program, program) {
			if c.JSON {
				a.line(map[string]any{"program": program, "stage": stage, "text": what.String()})
				return
			}
			fmt.Fprintf(a.out, "== %s: %s\n%v\n", program, stage, what)
		}
	}
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: name, Text: string(text)}}, c.options(trace))
	if err != nil {
		return a.compileError(err, c.JSON)
	}
	if c.JSON {
		return nil // disasm --json has the last stage
	}
	return disassembleObject(a, obj, c.Program)
}

// expandCmd prints a source with its macros expanded.
type expandCmd struct {
	input
}

func (c *expandCmd) Run(a *app) error {
	text, name, err := c.read()
	if err != nil {
		return err
	}
	forms, errs := lang.Expand([]*source.File{source.NewFile(name, string(text))}, whistler.LangOptions(c.options(nil)))
	if len(errs.Errors()) > 0 {
		return a.diagnostics(errs, c.JSON)
	}
	for _, f := range forms {
		if c.JSON {
			a.line(map[string]any{"form": f})
			continue
		}
		fmt.Fprintln(a.out, f)
	}
	return nil
}

// disassembleObject prints the last stage: the instructions.
func disassembleObject(a *app, obj *whistler.Object, only string) error {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(obj.Bytes()))
	if err != nil {
		return err
	}
	for _, p := range obj.Programs() {
		if only != "" && !strings.EqualFold(only, p.Lisp) {
			continue
		}
		fmt.Fprintf(a.out, "== %s: emitted\n", p.Lisp)
		if err := disassemble(a.out, spec.Programs[p.Name]); err != nil {
			return err
		}
	}
	return nil
}
