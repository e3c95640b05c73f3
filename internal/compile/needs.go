package compile

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/needs"
	"github.com/whistler-lang/whistler/internal/obj"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Need is what a program wants of the kernel, and where.
type Need struct {
	needs.Need
	Pos source.Pos
}

// Needs lists what the program needs, with the subprograms that it reaches:
// the newest first.
func (r *Result) Needs(p *bpf.Program) (all []Need) {
	maps := map[string]*obj.Map{}
	for _, m := range r.Spec.Maps {
		maps[m.Name] = m
	}
	seen := map[string]bool{}
	var walk func(p *bpf.Program, f *needs.Function)
	walk = func(p *bpf.Program, f *needs.Function) {
		f.Insns, f.Refs = p.Insns, p.Refs
		f.Map = func(name string) (*abi.MapType, uint32) {
			if m := maps[name]; m != nil {
				return m.Type, m.Flags
			}
			return nil, 0
		}
		for _, n := range needs.Of(f) {
			if !seen[n.What] {
				seen[n.What] = true
				all = append(all, Need{n, place(p, n.Slot)})
			}
		}
		for _, ref := range p.Refs {
			for _, s := range r.Subs {
				if (ref.Kind == bpf.RefSubprog || ref.Kind == bpf.RefFunc) && s.Program.Name == ref.Name && !seen[" "+ref.Name] {
					seen[" "+ref.Name] = true
					walk(s.Program, &needs.Function{})
				}
			}
		}
	}
	head := &needs.Function{Section: p.Section}
	if s := abi.SectionMatch(p.Section); s != nil {
		head.Type = s.ProgType().C
	}
	for _, o := range r.Spec.Ops {
		for _, m := range o.Members {
			if o.Link && m.Program == p.Name {
				head.Ops = o.Name
			}
		}
	}
	walk(p, head)
	return all
}

// place is the form that a slot comes from; of -1, the program.
func place(p *bpf.Program, slot int) source.Pos {
	at := p.Pos
	for _, l := range p.Lines {
		if l.Slot > slot {
			break
		}
		if l.Pos.Known() {
			at = l.Pos
		}
	}
	return at
}

// checkTarget refuses what a kernel of the version does not have.
func (r *Result) checkTarget(v abi.Version) (errs source.List) {
	said := map[source.Pos]bool{}
	for _, p := range r.Programs {
		for _, n := range r.Needs(p) {
			if n.Since != nil && v.Less(n.Since.Version) && !said[n.Pos] {
				said[n.Pos] = true
				errs = append(errs, source.Errorf(n.Pos, "%s: Linux %v has it, and the target is %v", n.What, n.Since.Version, v).
					WithHint("%s", instead(n.Since)).WithCode("target-kernel"))
			}
		}
	}
	return errs
}

// replacements are what a user can write for what an older kernel lacks, by
// kind and name of the table of versions.
var replacements = map[string]string{
	"insn atomics":    "do not use the result: a plain atomic add is as old as BPF",
	"flag BPF_F_LINK": "leave :link out of the defstruct-ops: it is then for the target",
	"helper loop":     "with a constant count, bpf-loop becomes a bounded loop; or (dotimes (i n :max 64) ...)",
}

func instead(s *abi.Since) string {
	if r := replacements[s.Kind+" "+s.Name]; r != "" {
		return r
	}
	return fmt.Sprintf("--target %v, or do without it", s.Version)
}
