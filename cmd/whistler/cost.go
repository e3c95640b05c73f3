package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/load"
)

// costCmd says what each form of a program costs.
type costCmd struct {
	input
	Packet       string `help:"What the programs run on: a file with the bytes of a frame, or the bytes in hex. Default: 64 bytes of Ethernet, IPv4 and TCP." placeholder:"FILE"`
	Program      string `help:"Loaded program whose functions freplace programs replace, as of run." placeholder:"PROGRAM"`
	Sort         string `help:"Order of the forms: place, or the most of slots, verifier or time first." default:"place" enum:"place,slots,verifier,time"`
	Diff         string `help:"Show what differs from an older source or object." placeholder:"OLD"`
	FailOnGrowth bool   `help:"With --diff: exit with 1 if a program has more slots than the old one."`
	Verbose      bool   `short:"v" help:"Show the verifier's whole log where it refuses."`
}

// sortColumns are the columns that --sort names; place is none of them.
var sortColumns = map[string]int{"slots": slotsColumn, "verifier": processedColumn, "time": executedColumn}

func (c *costCmd) Run(a *app) error {
	if c.FailOnGrowth && c.Diff == "" {
		return errUsage{errors.New("--fail-on-growth needs --diff")}
	}
	if c.File == "-" && c.Diff == "-" {
		return errUsage{errors.New("standard input is one file only")}
	}
	packet, err := packetOf(c.Packet)
	if err != nil {
		return err
	}
	if c.Diff == "" {
		progs, err := c.measure(a, &c.input, packet, true)
		if err != nil {
			return err
		}
		for i, p := range progs {
			c.sort(p.forms, func(f *costForm) counts { return f.n })
			if c.JSON {
				a.line(p.json())
				continue
			}
			if i > 0 {
				fmt.Fprintln(a.out)
			}
			p.print(a)
		}
		return nil
	}
	other := c.input
	other.File = c.Diff
	old, err := c.measure(a, &other, packet, false)
	if err != nil {
		return err
	}
	progs, err := c.measure(a, &c.input, packet, false)
	if err != nil {
		return err
	}
	return c.diff(a, old, progs)
}

// measure gives what can be had of the programs of a file; what cannot is
// said on stderr.
func (c *costCmd) measure(a *app, in *input, packet []byte, timed bool) (progs []*costed, err error) {
	data, src, err := in.object(a)
	if err != nil {
		return nil, err
	}
	spec, err := load.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.File, err)
	}
	coll, denied, err := c.open(a, data, src)
	if err != nil {
		return nil, err
	}
	if coll != nil {
		defer coll.Close()
	}
	names := slices.Sorted(maps.Keys(spec.Programs))
	stacks, walked := map[string]int{}, map[string]int{}
	if src != nil {
		names = nil
		for _, p := range src.Programs() {
			names = append(names, p.Name)
			stacks[p.Name], walked[p.Name] = p.Stack, p.Walked
		}
	}
	var absent absences
	for _, name := range names {
		p := formsOf(spec.Programs[name])
		progs = append(progs, p)
		left, err := p.execute(spec, packet)
		absent.add(name, "executed instructions", err)
		if left != "" {
			absent.add(name, "instructions executed after a tail call", fmt.Errorf("they are those of %s", left))
		}
		if coll == nil {
			p.walked = walked[name]
			absent.add(name, "verifier's work, no time", denied)
		} else {
			absent.add(name, "verifier's work by form", p.verifier(coll))
			if timed {
				absent.add(name, "time", p.time(coll, packet))
			}
		}
		if n, ok := stacks[name]; ok && p.stack < 0 {
			p.stack = n
		} else if p.stack < 0 {
			absent.add(name, "size of the stack", errors.New("of an object only the verifier's log tells it"))
		}
	}
	absent.print(a, filepath.Base(in.File))
	return progs, nil
}

// open loads an object; denied is why this user may not.
func (c *costCmd) open(a *app, data []byte, src *whistler.Object) (coll *load.Collection, denied, err error) {
	o, done, err := loadOptions(c.Program)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	coll, err = load.OpenWith(data, o)
	switch {
	case err == nil:
		return coll, nil, nil
	case load.Denied(err) && !isRefusal(err):
		return nil, errors.New("this user may not use bpf() (run as root for them)"), nil
	}
	return nil, nil, a.loadError(err, src, c.Verbose, c.JSON)
}

// An absence is what cannot be had, of which programs, and why.
type absence struct {
	what, why string
	programs  []string
}

type absences []*absence

func (l *absences) add(program, what string, why error) {
	if why == nil {
		return
	}
	text, _, _ := strings.Cut(why.Error(), "\n")
	for _, x := range *l {
		if x.what == what && x.why == text {
			x.programs = append(x.programs, program)
			return
		}
	}
	*l = append(*l, &absence{what, text, []string{program}})
}

func (l absences) print(a *app, file string) {
	for _, x := range l {
		fmt.Fprintf(a.err, "%s: no %s of %s: %s\n", file, x.what, strings.Join(x.programs, ", "), x.why)
	}
}

// sort orders forms, which stand as in the source, as --sort says.
func (c *costCmd) sort(forms []*costForm, of func(*costForm) counts) {
	if column, ok := sortColumns[c.Sort]; ok {
		slices.SortStableFunc(forms, func(x, y *costForm) int { return cmp.Compare(of(y)[column], of(x)[column]) })
	}
}

// print shows a program: what it costs in all, and a line for each form.
func (p *costed) print(a *app) {
	fmt.Fprintf(a.out, "%s: %s, %d slots", p.name, p.section, p.total[slotsColumn])
	if p.stack >= 0 {
		fmt.Fprintf(a.out, ", %d bytes of stack", p.stack)
	}
	if n := p.total[processedColumn]; n > 0 {
		fmt.Fprintf(a.out, ", %d processed by the verifier", n)
	} else if p.walked > 0 {
		fmt.Fprintf(a.out, ", about %d for the verifier to process", p.walked)
	}
	if p.has[executedColumn] {
		fmt.Fprintf(a.out, ", %d executed", p.total[executedColumn])
	}
	if p.ns >= 0 {
		fmt.Fprintf(a.out, ", %d ns (an empty program: %d ns)", p.ns, p.emptyNs)
	}
	fmt.Fprintln(a.out)
	rows := [][]string{nil}
	for i, name := range columnNames {
		if p.has[i] {
			rows[0] = append(rows[0], strings.ToUpper(name))
		}
	}
	if p.has[executedColumn] {
		rows[0] = append(rows[0], "SHARE")
	}
	rows[0] = append(rows[0], "PLACE", "FORM")
	for _, f := range p.forms {
		var row []string
		for i := range columns {
			if p.has[i] {
				row = append(row, fmt.Sprint(f.n[i]))
			}
		}
		if p.has[executedColumn] {
			row = append(row, fmt.Sprintf("%.1f%%", 100*float64(f.n[executedColumn])/float64(max(1, p.total[executedColumn]))))
		}
		rows = append(rows, append(row, f.place(), shortened(f.text)))
	}
	table(a, rows)
}

// table writes rows whose last two columns are text, the others numbers.
func table(a *app, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, s := range r {
			width[i] = max(width[i], len(s))
		}
	}
	for _, r := range rows {
		for i, s := range r {
			switch {
			case i == len(r)-1:
				fmt.Fprintf(a.out, "  %s\n", s)
			case i == len(r)-2:
				fmt.Fprintf(a.out, "  %-*s", width[i], s)
			default:
				fmt.Fprintf(a.out, "  %*s", width[i], s)
			}
		}
	}
}

// json is a program as tools read it. What could not be had is left out.
func (p *costed) json() map[string]any {
	forms := []map[string]any{}
	for _, f := range p.forms {
		j := map[string]any{"text": f.text}
		if f.file != "" {
			j["file"], j["line"], j["column"] = f.file, f.line, f.col
		}
		for i, name := range columnNames {
			if p.has[i] {
				j[name] = f.n[i]
			}
		}
		forms = append(forms, j)
	}
	out := map[string]any{"program": p.name, "section": p.section, "forms": forms}
	for i, name := range columnNames {
		if p.has[i] || p.total[i] > 0 {
			out[name] = p.total[i]
		}
	}
	if p.walked > 0 {
		out["processedAbout"] = p.walked
	}
	if p.stack >= 0 {
		out["stack"] = p.stack
	}
	if p.ns >= 0 {
		out["ns"], out["emptyNs"] = p.ns, p.emptyNs
	}
	return out
}
