package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/gen"
)

// compileCmd writes an object.
type compileCmd struct {
	input
	fixing
	Define  map[string]string `short:"D" help:"Give a global variable a value; that of a constant one is folded into the code." placeholder:"NAME=VALUE" mapsep:"none"`
	Output  string            `short:"o" help:"Where the object goes; - is standard output. Default: the source's name with .bpf.o." placeholder:"OUT.bpf.o"`
	Losses  bool              `name:"count-losses" help:"Count what maps cannot take, in a hidden map: records without room in a ring buffer, new entries of full maps. run does so by itself."`
	Gen     string            `help:"Write bindings beside the object too: go, c, rust, python, lisp, or all; gen has more options." placeholder:"LANG,..."`
	Quiet   bool              `short:"q" help:"Print errors only."`
	Verbose bool              `short:"v" help:"Print the time of compilation, and the hash of what the source asked of a kernel, too."`
}

func (c *compileCmd) Run(a *app) error {
	var ls []gen.Language
	if c.Gen != "" {
		var err error
		if ls, err = gen.Choose(c.Gen); err == nil && c.Output == "-" {
			err = errors.New("--gen writes files beside the object, which -o - does not write")
		}
		if err != nil {
			return errUsage{err}
		}
	}
	c.define, c.losses, c.fixes = c.Define, c.Losses, true
	if err := c.mend(a, &c.input); err != nil {
		return err
	}
	obj, took, err := c.compile(a)
	if err != nil {
		return err
	}
	out := c.Output
	if out == "" {
		out = "out.bpf.o"
		if c.File != "-" {
			out = strings.TrimSuffix(c.File, filepath.Ext(c.File)) + ".bpf.o"
		}
	}
	if out == "-" {
		_, err := a.out.Write(obj.Bytes())
		return err
	}
	if err := writeFile(out, obj.Bytes()); err != nil {
		return err
	}
	bindings, err := writeBindings(obj, ls, c.File, out, "", "")
	if err != nil {
		return err
	}
	if c.JSON {
		return a.objectJSON(obj, out)
	}
	if c.Quiet {
		return nil
	}
	fmt.Fprintf(a.out, "%s: %d bytes\n", out, len(obj.Bytes()))
	a.summary(obj)
	for _, f := range bindings {
		fmt.Fprintf(a.out, "  bindings %s\n", f)
	}
	if c.Verbose {
		for _, what := range c.kernel.asked() {
			fmt.Fprintln(a.out, what)
		}
		fmt.Fprintf(a.out, "compiled in %v\n", took)
	}
	return nil
}

// summary lists programs and maps.
func (a *app) summary(obj *whistler.Object) {
	out := bufio.NewWriter(a.out) // a tabwriter writes each cell on its own
	defer out.Flush()
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, p := range obj.Programs() {
		fmt.Fprintf(w, "  program %s\t%s\t%d slots\t%d bytes of stack\n", p.Lisp, p.Section, p.Slots, p.Stack)
	}
	for _, m := range obj.Maps() {
		fmt.Fprintf(w, "  map %s\t%s\tkey %d, value %d\t%d entries\n", m.Lisp, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	}
	w.Flush()
}

func (a *app) objectJSON(obj *whistler.Object, file string) error {
	type prog struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Section string `json:"section"`
		Slots   int    `json:"slots"`
		Stack   int    `json:"stack"`
	}
	type mp struct {
		Name       string   `json:"name"`
		Type       string   `json:"type"`
		KeySize    int      `json:"keySize"`
		ValueSize  int      `json:"valueSize"`
		MaxEntries int64    `json:"maxEntries"`
		Events     []string `json:"events,omitempty"`
	}
	out := struct {
		File        string           `json:"file"`
		Bytes       int              `json:"bytes"`
		License     string           `json:"license"`
		Programs    []prog           `json:"programs"`
		Maps        []mp             `json:"maps"`
		Diagnostics []jsonDiagnostic `json:"diagnostics"`
	}{File: file, Bytes: len(obj.Bytes()), License: obj.License(), Programs: []prog{}, Maps: []mp{}, Diagnostics: diagnosticsJSON(obj.Warnings())}
	for _, p := range obj.Programs() {
		out.Programs = append(out.Programs, prog{p.Name, p.Type, p.Section, p.Slots, p.Stack})
	}
	for _, m := range obj.Maps() {
		out.Maps = append(out.Maps, mp{m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Events})
	}
	return json.NewEncoder(a.out).Encode(out)
}

// writeFile replaces a file at once, so that nobody sees half of it.
func writeFile(name string, data []byte) error {
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o644) // a device or pipe
	}
	return replaceFile(name, data, 0o644)
}

func replaceFile(name string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".whistler-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}
