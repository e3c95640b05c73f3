package main

import (
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/gen"
)

// genCmd writes bindings, and the object that they are for.
type genCmd struct {
	input
	Define  map[string]string `short:"D" help:"Give a global variable a value; that of a constant one is folded into the code." placeholder:"NAME=VALUE" mapsep:"none"`
	Lang    string            `required:"" help:"Languages: go, c, rust, python, lisp, or all." placeholder:"LANG,..."`
	Dir     string            `short:"o" help:"Where the files go. Default: the directory of the source." placeholder:"DIR"`
	Package string            `help:"Package of Go and Lisp. Default: that of the go:generate line, or main; for Lisp the name of the source." placeholder:"NAME"`
	Prefix  string            `help:"What Go's names begin with; a capital letter exports them. Default: the name of the source." placeholder:"NAME"`
	Quiet   bool              `short:"q" help:"Print errors only."`
}

func (c *genCmd) Run(a *app) error {
	ls, err := gen.Choose(c.Lang)
	if err != nil {
		return errUsage{err}
	}
	c.define = c.Define
	obj, err := c.source(a)
	if err != nil {
		return err
	}
	dir := c.Dir
	if dir == "" {
		dir = filepath.Dir(c.File)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	out := filepath.Join(dir, strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File))+".bpf.o")
	if c.File == "-" {
		out = filepath.Join(dir, "out.bpf.o")
	}
	if err := writeFile(out, obj.Bytes()); err != nil {
		return err
	}
	files, err := writeBindings(obj, ls, c.File, out, c.Package, c.Prefix)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		a.line(map[string]any{"object": out, "files": files, "diagnostics": diagnosticsJSON(obj.Warnings())})
	case !c.Quiet:
		for _, f := range append([]string{out}, files...) {
			fmt.Fprintln(a.out, f)
		}
	}
	return nil
}

// source compiles the file; an object of another compiler has no source.
func (c *genCmd) source(a *app) (*whistler.Object, error) {
	if c.File != "-" {
		if text, _, err := c.read(); err == nil && isObject(text) {
			return nil, fmt.Errorf("%s is an object: bindings are made from a source", c.File)
		}
	}
	obj, _, err := c.compile(a)
	return obj, err
}

// writeBindings writes a file for each language beside the object.
func writeBindings(obj *whistler.Object, ls []gen.Language, source, object, pkg, prefix string) (files []string, err error) {
	name := gen.ModuleName(filepath.ToSlash(object))
	for _, l := range ls {
		o := gen.Options{Name: name, Source: filepath.Base(source), Object: filepath.Base(object), Package: pkg, Stem: prefix}
		if o.Package == "" {
			o.Package = strings.ReplaceAll(name, "_", "-")
			if l.Name == "go" {
				if o.Package = os.Getenv("GOPACKAGE"); o.Package == "" {
					o.Package = "main"
				}
			}
		}
		if o.Stem == "" {
			o.Stem = gen.Stem(name)
		}
		if l.Name == "go" && !token.IsIdentifier(o.Package) {
			return files, errUsage{fmt.Errorf("--package %s is no name of a Go package", o.Package)}
		}
		if l.Name == "go" && !token.IsIdentifier(o.Stem) {
			return files, errUsage{fmt.Errorf("--prefix %s is no name in Go", o.Stem)}
		}
		m := gen.New(obj.Result(), o)
		text, err := l.Write(m)
		if err != nil {
			return files, fmt.Errorf("%s bindings: %w", l.Name, err)
		}
		file := filepath.Join(filepath.Dir(object), m.File(l))
		if err := writeFile(file, text); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}
