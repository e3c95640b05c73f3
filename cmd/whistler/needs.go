package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/needs"
	"github.com/whistler-lang/whistler/load"
)

// needsCmd says which kernels can run a source or object.
type needsCmd struct {
	input
	Verbose bool `short:"v" help:"List everything, not only the newest thing, with the commits of Linux."`
}

// A need as it is printed.
type need struct {
	What    string `json:"what"`
	Version string `json:"version,omitempty"`
	Commit  string `json:"commit,omitempty"`
	At      string `json:"at,omitempty"`
}

func (c *needsCmd) Run(a *app) error {
	data, src, err := c.object(a)
	if err != nil {
		return err
	}
	var names []string
	list := map[string][]need{}
	if src != nil {
		for _, p := range src.Programs() {
			names = append(names, p.Name)
			list[p.Name] = ofSource(src.Needs(p.Name))
		}
	} else if names, err = ofObject(data, list); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	for _, name := range names {
		all := list[name]
		if c.JSON {
			out := map[string]any{"program": name, "needs": all}
			if len(all) > 0 && all[0].Version != "" {
				out["kernel"] = all[0].Version
			}
			if err := json.NewEncoder(a.out).Encode(out); err != nil {
				return err
			}
			continue
		}
		for i, n := range all {
			head, version := "", "Linux "+n.Version
			if i == 0 {
				head = name
			}
			if n.Version == "" {
				version = "unknown"
			}
			if i > 0 && !c.Verbose && n.Version != "" {
				continue
			}
			what := n.What
			if c.Verbose && n.Commit != "" {
				what += " (commit " + n.Commit + ")"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", head, version, n.At, what)
		}
	}
	return w.Flush()
}

func ofSource(all []whistler.Need) (out []need) {
	for _, n := range all {
		x := need{n.What, n.Version, n.Commit, ""}
		if n.Pos.Known() {
			line, col := n.Pos.LineCol()
			x.At = fmt.Sprintf("%s:%d:%d", n.Pos.File.Name, line, col)
		}
		out = append(out, x)
	}
	return out
}

// ofObject looks at an object that another compiler may have made.
func ofObject(data []byte, list map[string][]need) (names []string, err error) {
	spec, err := load.Read(data)
	if err != nil {
		return nil, err
	}
	for name := range spec.Programs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f, at, err := function(spec, spec.Programs[name])
		if err != nil {
			return nil, err
		}
		for _, n := range needs.Of(f) {
			x := need{What: n.What}
			x.Version, x.Commit = n.Kernel()
			if n.Slot >= 0 {
				x.At = at[n.Slot]
			}
			list[name] = append(list[name], x)
		}
	}
	return names, nil
}

// function is the code of a program, and the source line of each slot.
func function(spec *ebpf.CollectionSpec, p *ebpf.ProgramSpec) (f *needs.Function, at []string, err error) {
	f = &needs.Function{Section: p.SectionName}
	if s := abi.SectionMatch(p.SectionName); s != nil && s.ProgType() != nil {
		f.Type = s.ProgType().C
	}
	f.Map = func(name string) (*abi.MapType, uint32) {
		if m := spec.Maps[name]; m != nil {
			return abi.MapTypeByID(uint32(m.Type)), m.Flags
		}
		return nil, 0
	}
	link, _ := abi.Constant("BPF_F_LINK")
	for name, m := range spec.Maps {
		if m.Type == ebpf.StructOpsMap && m.Flags&uint32(link) != 0 && m.Value != nil && strings.HasPrefix(p.AttachTo, m.Value.TypeName()+":") {
			f.Ops = name
		}
	}
	last := ""
	for _, ins := range p.Instructions {
		code, err := rawInsn(p.Name, ins)
		if err != nil {
			return nil, nil, err
		}
		if l, ok := ins.Source().(interface {
			FileName() string
			LineNumber() uint32
			LineColumn() uint32
		}); ok && l.LineNumber() > 0 {
			last = fmt.Sprintf("%s:%d:%d", l.FileName(), l.LineNumber(), l.LineColumn())
		}
		slot := len(f.Insns)
		switch ref := ins.Reference(); {
		case ref == "":
		case ins.IsKfuncCall():
			f.Refs = append(f.Refs, bpf.Ref{Slot: slot, Kind: bpf.RefKfunc, Name: ref})
		case ins.IsLoadFromMap() && load.Internal(ref):
			f.Refs = append(f.Refs, bpf.Ref{Slot: slot, Kind: bpf.RefGlobal, Name: ref})
		case ins.IsLoadFromMap():
			f.Refs = append(f.Refs, bpf.Ref{Slot: slot, Kind: bpf.RefMap, Name: ref})
		}
		for range code {
			at = append(at, last)
		}
		f.Insns = append(f.Insns, code...)
	}
	return f, at, nil
}
