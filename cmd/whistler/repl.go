package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reeflective/readline"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/internal/repl"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/internal/user/live"
	"github.com/whistler-lang/whistler/load"
)

// replCmd is the prompt.
type replCmd struct {
	File    string `arg:"" optional:"" help:"A source to begin with."`
	VM      bool   `name:"vm" help:"Work in the virtual machine, even where the kernel can be used."`
	Iface   string `help:"Interface of XDP and TC programs that do not say where." placeholder:"IF"`
	Cgroup  string `help:"cgroup2 directory of cgroup programs that do not say where." placeholder:"PATH"`
	Tracefs string `help:"Directory with the kernel's tracing files." placeholder:"DIR"`
	BTF     string `name:"btf" help:"File with the kernel's types. Default: the running kernel's." placeholder:"FILE"`
	CPU     string `help:"BPF cpu version: v2, v3 or v4." default:"v3" enum:"v2,v3,v4,2,3,4"`
}

const (
	prompt     = "whistler> "
	promptMore = "        > "
)

func (c *replCmd) Run(a *app) error {
	kernel.MountTracefs()
	var stopped atomic.Bool
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	go func() {
		for range signals {
			stopped.Store(true)
		}
	}()
	r, err := c.open(a, &stopped)
	if err != nil {
		return err
	}
	defer r.Close()
	p := &prompter{a: a, r: r, stopped: &stopped}
	if c.File != "" {
		text, err := os.ReadFile(c.File)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", c.File, err)
		}
		if done, err := p.eval(string(text)); done || err != nil {
			return err
		}
	}
	if isTerminal(os.Stdin) {
		return p.interactive()
	}
	return p.script(os.Stdin)
}

// open makes the prompt: in the kernel where it may be used.
func (c *replCmd) open(a *app, stopped *atomic.Bool) (*repl.REPL, error) {
	k := kernel.Machine{Dir: c.Tracefs, File: c.BTF}
	dir := "."
	if c.File != "" {
		dir = filepath.Dir(c.File)
	}
	read := func(name string) ([]byte, error) { return readBeside(dir, name) }
	o := repl.Options{
		Compile: whistler.Options{CPU: int(c.CPU[len(c.CPU)-1] - '0'), Arch: runtime.GOARCH, Kernel: k, ReadFile: read},
		User:    user.Options{ReadFile: read, Kernel: k, Arch: runtime.GOARCH},
		World: user.World{
			Getenv: os.LookupEnv,
			Now:    func() float64 { return float64(time.Now().UnixNano()) / 1e9 },
			Stop:   stopped.Load,
			Sleep: func(seconds float64) bool {
				for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); {
					if stopped.Load() {
						return false
					}
					time.Sleep(min(20*time.Millisecond, time.Until(end)))
				}
				return true
			},
			Out: func(text string) { io.WriteString(a.out, text) },
			Pid: os.Getpid(),
		},
		Style:       a.style,
		Topics:      allTopics,
		Tracepoints: tracepointsLike(k),
		Commands:    promptCommands(),
		Explain: func(err error, obj *whistler.Object) error {
			var ref *load.Refusal
			if errors.As(err, &ref) {
				return &repl.Error{Text: refused(ref, obj, true).Render(a.style)}
			}
			return nearest(err)
		},
	}
	var why string
	if !c.VM {
		m := &live.Machine{Defaults: load.Targets{Interface: c.Iface, Cgroup: c.Cgroup}}
		o.Machine = m
		r, err := repl.New(o)
		if err == nil {
			err = tryKernel()
		}
		if err == nil {
			fmt.Fprintf(a.err, "Whistler %s, in the kernel. (commands) lists what only the prompt knows; (help name) explains; Ctrl-D ends it.\n", whistler.Version)
			return r, nil
		}
		if !load.Denied(err) {
			return nil, err
		}
		why = ": this user may not load programs into the kernel"
	}
	o.Machine = &repl.VM{Kernel: k, Arch: runtime.GOARCH}
	r, err := repl.New(o)
	if err == nil {
		fmt.Fprintf(a.err, "Whistler %s, in the virtual machine%s. Nothing is attached; (run program :packet (tcp-packet)) runs one. (commands) and (help name) explain; Ctrl-D ends it.\n", whistler.Version, why)
	}
	return r, err
}

// tryKernel loads the smallest program.
func tryKernel() error {
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "try", Text: "(defprog try (:type :socket-filter) 0)"}}, whistler.Options{})
	if err != nil {
		return err
	}
	coll, err := load.Open(obj.Bytes())
	if err != nil {
		return err
	}
	return coll.Close()
}

// tracepointsLike lists the kernel's events.
func tracepointsLike(k kernel.Machine) func(prefix string) []string {
	return func(prefix string) (out []string) {
		dir := k.Dir
		if dir == "" {
			dir = kernel.Find().Dir
		}
		category, _, inside := strings.Cut(prefix, "/")
		list := func(path string, join string) {
			entries, _ := os.ReadDir(path)
			for _, e := range entries {
				if e.IsDir() {
					out = append(out, join+e.Name())
				}
			}
		}
		if !inside {
			list(filepath.Join(dir, "events"), "")
			return out
		}
		if strings.ContainsAny(category, "./") {
			return nil
		}
		list(filepath.Join(dir, "events", category), category+"/")
		return out
	}
}

// promptCommands are the operators of the prompt that other commands serve.
func promptCommands() map[string]repl.Command {
	of := func(f func(a *app, r *repl.REPL, name string) error) func(r *repl.REPL, args []sexp.Value) (string, error) {
		return func(r *repl.REPL, args []sexp.Value) (string, error) {
			name, err := r.Name(args)
			if err != nil {
				return "", err
			}
			var b strings.Builder
			err = f(&app{out: &b, err: &b}, r, name)
			return b.String(), err
		}
	}
	known := func(r *repl.REPL, name string) error {
		for _, p := range r.Object().Programs() {
			if strings.EqualFold(p.Lisp, name) {
				return nil
			}
		}
		return &repl.Error{Text: fmt.Sprintf("there is no program %s", name)}
	}
	return map[string]repl.Command{
		"HELP": {Params: "name", Doc: "Explains a form, function, helper, map type or program type.", Run: of(func(a *app, _ *repl.REPL, name string) error {
			return (&helpCmd{Name: name}).Run(a)
		})},
		"DISASSEMBLE": {Params: "program", Doc: "Shows the instructions of a program between its source lines.", Run: of(func(a *app, r *repl.REPL, name string) error {
			if err := known(r, name); err != nil {
				return err
			}
			return disassembleObject(a, r.Object(), name)
		})},
		"STAGES": {Params: "program", Doc: "Shows a program after every stage of the compiler.", Run: of(func(a *app, r *repl.REPL, name string) error {
			if err := known(r, name); err != nil {
				return err
			}
			return r.Trace(func(program, stage string, what fmt.Stringer) {
				if strings.EqualFold(program, name) {
					fmt.Fprintf(a.out, "== %s: %s\n%v\n", program, stage, what)
				}
			})
		})},
		"SAVE": {Params: "file", Doc: "Writes the declarations so far to a file.", Run: of(func(a *app, r *repl.REPL, name string) error {
			if err := writeFile(name, []byte(r.Source())); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: %d bytes\n", name, len(r.Source()))
			return nil
		})},
		"LOAD-FILE": {Params: "file", Doc: "Enters the forms of a file.", Run: of(func(a *app, r *repl.REPL, name string) error {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			out, err := r.Eval(string(text))
			io.WriteString(a.out, out)
			return err
		})},
	}
}

// A prompter reads forms and shows what they give.
type prompter struct {
	a       *app
	r       *repl.REPL
	stopped *atomic.Bool
}

// eval evaluates a text; done says that the prompt is to end, err with which
// exit code.
func (p *prompter) eval(text string) (done bool, err error) {
	p.stopped.Store(false)
	out, err := p.r.Eval(text)
	io.WriteString(p.a.out, out)
	var exit *user.Exit
	var shown *repl.Error
	switch {
	case err == nil:
	case errors.Is(err, repl.ErrQuit):
		return true, nil
	case errors.As(err, &exit):
		if exit.Code != 0 {
			return true, errSilent(exit.Code)
		}
		return true, nil
	case errors.Is(err, user.ErrInterrupted):
		fmt.Fprintln(p.a.err, "interrupted")
	case errors.As(err, &shown):
		fmt.Fprintln(p.a.err, shown.Error())
	default:
		fmt.Fprintf(p.a.err, "whistler: %v\n", err)
	}
	return false, nil
}

// script reads from what is no terminal: forms, one or several on a line or
// over several lines. A mistake does not end it, but shows in the exit code.
func (p *prompter) script(from io.Reader) error {
	in := bufio.NewReader(from)
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		text.WriteString(line)
		if strings.TrimSpace(text.String()) != "" && (err != nil || !repl.Incomplete(text.String())) {
			done, e := p.eval(text.String())
			if done || e != nil {
				return e
			}
			text.Reset()
		}
		if err != nil {
			return nil
		}
	}
}

// interactive reads from a terminal.
func (p *prompter) interactive() error {
	rl := readline.NewShell()
	rl.Prompt.Primary(func() string { return prompt })
	rl.Prompt.Secondary(func() string { return promptMore })
	rl.AcceptMultiline = func(line []rune) bool { return !repl.Incomplete(string(line)) }
	if os.Getenv("NO_COLOR") == "" {
		rl.SyntaxHighlighter = func(line []rune) string { return p.r.Highlight(string(line)) }
	}
	rl.Completer = func(line []rune, cursor int) readline.Completions {
		text := string(line[:cursor])
		from, all := p.r.Complete(text, len(text))
		var values []string
		for _, c := range all {
			values = append(values, c.Text, c.Doc)
		}
		found := readline.CompleteValuesDescribed(values...)
		found.PREFIX = text[from:]
		return found
	}
	if file := historyFile(); file != "" {
		rl.History.AddFromFile("history", file)
	}
	for {
		line, err := rl.Readline()
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			continue // the line is given up
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if done, err := p.eval(line); done || err != nil {
			return err
		}
	}
}

// historyFile is where the lines entered are kept; "" if nowhere.
func historyFile() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	dir = filepath.Join(dir, "whistler")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ""
	}
	return filepath.Join(dir, "history")
}
