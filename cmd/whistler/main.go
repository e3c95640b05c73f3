// Command whistler compiles a Lisp to eBPF, loads it, runs it and looks at
// what it does.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/source"
	_ "github.com/whistler-lang/whistler/internal/warm" // first of all
)

// Exit codes.
const (
	exitOK    = 0
	exitUser  = 1 // the user's source, object or machine
	exitUsage = 2 // the command line
	exitBug   = 3 // the compiler
)

// commands is the table of commands: a field is a command, in a file of its
// name.
type commands struct {
	Compile    compileCmd    `cmd:"" help:"Compile a source to an eBPF object."`
	Gen        genCmd        `cmd:"" help:"Write bindings for Go, C, Rust, Python and Lisp, and the object."`
	Run        runCmd        `cmd:"" help:"Compile or read an object, load and attach it, and show its maps and events."`
	Check      checkCmd      `cmd:"" help:"Compile and load without attaching: sizes, and the verifier's answer."`
	Test       testCmd       `cmd:"" help:"Run the tests of sources: without privileges, in the virtual machine, or in the kernel."`
	Repl       replCmd       `cmd:"" help:"Explore at a prompt: define, run and attach programs, look at maps."`
	Needs      needsCmd      `cmd:"" help:"Say which kernel each program needs, and for which line."`
	Cost       costCmd       `cmd:"" help:"Say what each form costs: instructions, the verifier's work, instructions and time of a run."`
	Disasm     disasmCmd     `cmd:"" help:"Print the instructions of a source or object between their source lines."`
	Fmt        fmtCmd        `cmd:"" help:"Lay sources out: indentation, and no white space at the ends of lines."`
	Expand     expandCmd     `cmd:"" help:"Print a source with the macros that it defines expanded."`
	Stages     stagesCmd     `cmd:"" help:"Print a program after every stage of the compiler."`
	Ps         psCmd         `cmd:"" help:"List the BPF programs and links in the kernel."`
	Detach     detachCmd     `cmd:"" help:"Detach a link by its number."`
	Doctor     doctorCmd     `cmd:"" help:"Say what this machine and user can do."`
	Help       helpCmd       `cmd:"" help:"Explain a form, macro, helper, map type or program type."`
	Explain    explainCmd    `cmd:"" help:"Describe a diagnostic by its code, with a wrong and a right example."`
	Completion completionCmd `cmd:"" help:"Print a completion script for bash, zsh or fish."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// An app is what commands share.
type app struct {
	out, err io.Writer
	style    source.Style // colours of err
}

// errSilent ends a command whose errors are already shown.
type errSilent int

func (e errSilent) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// errUsage is a mistake on the command line.
type errUsage struct{ error }

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, errw *os.File) int {
	a := &app{out: out, err: errw}
	if isTerminal(errw) && os.Getenv("NO_COLOR") == "" {
		a.style = source.ANSI
	}
	exit := -1
	all, one := grammar(args)
	parser, err := kong.New(all, one, kong.Name("whistler"), kong.Description("A Lisp that compiles to eBPF. `whistler help FORM` explains a form of the language."),
		kong.UsageOnError(), kong.Writers(out, errw), kong.Exit(func(code int) { exit = code; panic(errSilent(code)) }), kong.Bind(a),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errw, err)
		return exitBug
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	for i, arg := range args {
		if args[0] == "test" && arg == "-run" { // as go test has it
			args = append(append(slices.Clone(args[:i]), "--run"), args[i+1:]...)
		}
	}
	ctx, err := parse(parser, args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintf(errw, "whistler: %v\n`whistler --help` lists the commands\n", err)
		return exitUsage
	}
	return a.finish(ctx.Run(a))
}

// grammar is the commands that the command line may be about: the one that
// it begins with, which saves the time to look into all others, or all, of
// which completion tells.
func grammar(args []string) (all any, one kong.Option) {
	c := &commands{}
	if len(args) > 0 && args[0] != "completion" {
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			if f := v.Type().Field(i); strings.ToLower(f.Name) == args[0] {
				return &struct{}{}, kong.DynamicCommand(args[0], f.Tag.Get("help"), "", v.Field(i).Addr().Interface())
			}
		}
	}
	return c, kong.OptionFunc(func(*kong.Kong) error { return nil })
}

func parse(p *kong.Kong, args []string) (ctx *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(errSilent); !ok {
				panic(r)
			}
		}
	}()
	return p.Parse(args)
}

// finish shows what is left to show of err and gives the exit code.
func (a *app) finish(err error) int {
	var silent errSilent
	var usage errUsage
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &silent):
		return int(silent)
	case errors.As(err, &usage):
		fmt.Fprintf(a.err, "whistler: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(a.err, "whistler: %v\n", err)
	return exitUser
}

// line writes one JSON object on a line of its own.
func (a *app) line(v any) {
	if err := json.NewEncoder(a.out).Encode(v); err != nil {
		fmt.Fprintf(a.err, "whistler: %v\n", err)
	}
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && st.Mode()&os.ModeDevice != 0 && f.Name() != os.DevNull
}

// diagnostics shows errors and warnings, and gives the exit code that they
// mean. asJSON writes them as one JSON array to out.
func (a *app) diagnostics(l source.List, asJSON bool) error {
	code := exitOK
	for _, e := range l {
		switch e.Severity {
		case source.SevBug:
			code = exitBug
		case source.SevError:
			code = max(code, exitUser)
		}
	}
	if asJSON {
		enc := json.NewEncoder(a.out)
		if err := enc.Encode(map[string]any{"diagnostics": diagnosticsJSON(l)}); err != nil {
			return err
		}
	} else {
		for _, e := range l {
			io.WriteString(a.err, e.Render(a.style))
		}
		if n := len(l.Errors()); n > 1 {
			fmt.Fprintf(a.err, "%d errors\n", n)
		}
	}
	if code == exitOK {
		return nil
	}
	return errSilent(code)
}

// A jsonDiagnostic is a diagnostic as tools read it.
type jsonDiagnostic struct {
	Severity  string      `json:"severity"`
	Code      string      `json:"code,omitempty"`
	File      string      `json:"file,omitempty"`
	Line      int         `json:"line,omitempty"`
	Column    int         `json:"column,omitempty"`
	EndLine   int         `json:"endLine,omitempty"`
	EndColumn int         `json:"endColumn,omitempty"`
	Message   string      `json:"message"`
	Expected  string      `json:"expected,omitempty"`
	Hint      string      `json:"hint,omitempty"`
	Notes     []jsonPlace `json:"notes,omitempty"`
	Expansion []jsonPlace `json:"expansion,omitempty"`
	Fixes     []jsonFix   `json:"fixes,omitempty"`
}

type jsonPlace struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

func diagnosticsJSON(l source.List) []jsonDiagnostic {
	out := []jsonDiagnostic{}
	place := func(p source.Pos, text string) jsonPlace {
		j := jsonPlace{Message: text}
		if p.Known() {
			j.File = p.File.Name
			j.Line, j.Column = p.LineCol()
		}
		return j
	}
	for _, e := range l {
		j := jsonDiagnostic{Severity: e.Severity.String(), Code: e.Code, Message: e.What, Expected: e.Expected, Hint: e.Hint}
		if e.Pos.Known() {
			j.File = e.Pos.File.Name
			j.Line, j.Column = e.Pos.LineCol()
			end := e.Pos
			end.Start = end.End
			j.EndLine, j.EndColumn = end.LineCol()
		}
		for _, n := range e.Notes {
			j.Notes = append(j.Notes, place(n.Pos, n.Text))
		}
		for _, f := range e.Expansion {
			j.Expansion = append(j.Expansion, place(f.Pos, f.Name))
		}
		j.Fixes = fixesJSON(e)
		out = append(out, j)
	}
	return out
}

// versionCmd prints the version.
type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	fmt.Fprintf(a.out, "whistler %s\n", whistler.Version)
	return nil
}
