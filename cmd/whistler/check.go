package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// checkCmd compiles and loads files without attaching them.
type checkCmd struct {
	Files   []string `arg:"" name:"file" help:"Lisp sources or objects."`
	CPU     string   `help:"BPF cpu version: v2, v3 or v4." default:"v3" enum:"v2,v3,v4,2,3,4"`
	Target  string   `help:"The oldest kernel that must run it, such as 5.10." placeholder:"VERSION"`
	Tracefs string   `help:"Directory with the kernel's tracing files." placeholder:"DIR"`
	Program string   `help:"Loaded program whose functions freplace programs replace, as of run." placeholder:"PROGRAM"`
	JSON    bool     `name:"json" help:"Write JSON, one object per file."`
	fixing
	Verbose bool `short:"v" help:"Show the verifier's whole log where it refuses."`
}

// A checked program, for the table and for tools.
type checkedProgram struct {
	Name      string `json:"name"`
	Section   string `json:"section"`
	Slots     int    `json:"slots"`
	Stack     int    `json:"stack"`
	Processed uint32 `json:"processed,omitempty"`
}

func (c *checkCmd) Run(a *app) error {
	code := exitOK
	for _, f := range c.Files {
		in := &input{File: f, CPU: c.CPU, Target: c.Target, Tracefs: c.Tracefs, JSON: c.JSON, fixes: true}
		if err := c.one(a, in); err != nil {
			var silent errSilent
			if !errors.As(err, &silent) {
				fmt.Fprintf(a.err, "whistler: %s: %v\n", f, err)
				silent = exitUser
				if errors.As(err, new(errUsage)) {
					silent = exitUsage
				}
			}
			code = max(code, int(silent))
		}
	}
	if code != exitOK {
		return errSilent(code)
	}
	return nil
}

func (c *checkCmd) one(a *app, in *input) error {
	if err := c.mend(a, in); err != nil {
		return err
	}
	data, src, err := in.object(a)
	if err != nil {
		return err
	}
	o, done, err := loadOptions(c.Program)
	if err != nil {
		return err
	}
	defer done()
	coll, err := load.OpenWith(data, o)
	loaded := "ok"
	switch {
	case err == nil:
		defer coll.Close()
	case load.Denied(err) && !isRefusal(err):
		loaded = "not loaded: this user may not use bpf(); only the compiler's own checks were made (run as root for the verifier's)"
	default:
		return a.loadError(err, src, c.Verbose, c.JSON)
	}
	var progs []checkedProgram
	if src != nil {
		for _, p := range src.Programs() {
			progs = append(progs, checkedProgram{p.Name, p.Section, p.Slots, p.Stack, 0})
		}
	} else if coll != nil {
		for _, name := range coll.Programs() {
			s := coll.Spec.Programs[name]
			progs = append(progs, checkedProgram{name, s.SectionName, slots(s), 0, 0})
		}
	}
	for i := range progs {
		if coll != nil {
			progs[i].Processed = coll.Processed(progs[i].Name)
		}
	}
	if c.JSON {
		return json.NewEncoder(a.out).Encode(map[string]any{"file": in.File, "kernel": loaded, "programs": progs})
	}
	fmt.Fprintf(a.out, "%s: %s\n", in.File, loaded)
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	for _, p := range progs {
		fmt.Fprintf(w, "  %s\t%s\t%d slots\t%d bytes of stack", p.Name, p.Section, p.Slots, p.Stack)
		if p.Processed > 0 {
			fmt.Fprintf(w, "\t%d instructions processed by the verifier", p.Processed)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// loadOptions finds the program whose functions are replaced.
func loadOptions(program string) (o load.Options, done func(), err error) {
	if program == "" {
		return o, func() {}, nil
	}
	if o.Replaced, err = load.LoadedProgram(program); err != nil {
		return o, nil, fmt.Errorf("--program %s: %w", program, err)
	}
	return o, func() { o.Replaced.Close() }, nil
}

func isRefusal(err error) bool {
	var r *load.Refusal
	return errors.As(err, &r)
}

// nearest adds to what the kernel does not have the name that is nearest.
func nearest(err error) error {
	var m *load.Missing
	if errors.As(err, &m) {
		if n := lang.Nearest(m.Name, m.Known); n != "" {
			return fmt.Errorf("%w: did you mean `%s`?", err, n)
		}
	}
	return err
}

// loadError shows why the kernel did not take an object: a refusal at the
// Lisp line, with the verifier's reason.
func (a *app) loadError(err error, src *whistler.Object, verbose, asJSON bool) error {
	var target *load.ErrNoTarget
	if errors.As(err, &target) {
		return errUsage{target}
	}
	var r *load.Refusal
	if !errors.As(err, &r) {
		return nearest(err)
	}
	if verbose {
		fmt.Fprintln(a.err, r.Log)
	}
	return a.diagnostics(source.List{refused(r, src, verbose)}, asJSON)
}
