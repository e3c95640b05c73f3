package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A slot is an initial value of a map as written: the name of a map or a
// program, "" for an empty one.
type slot struct {
	name string
	at   source.Pos
}

// mapContents reads :inner-map and :values. What :values names may be
// declared later: resolveValues looks it up when everything is read.
func (c *compiler) mapContents(d *decl, m *Map, opts map[string]option) {
	if o, ok := opts["INNER-MAP"]; ok {
		s, isSym := o.value.(*sexp.Symbol)
		if !m.Type.InnerMap {
			panic(source.Errorf(o.at, ":inner-map is for maps of maps, and `%s` is %s map", m.Name, article(m.Type.Keyword)).WithCode("inner-map"))
		}
		if !isSym || c.maps[s.Name] == nil {
			if !isSym {
				s = sexp.Nil
			}
			panic(c.unknownMap(source.Errorf(o.at, "unknown map `%s`", sexp.Print(o.value)), s))
		}
		m.Inner = c.maps[s.Name]
		m.Inner.used = true
		m.Inner.checkInner(o.at)
	}
	if o, ok := opts["VALUES"]; ok {
		items, proper := sexp.Slice(o.value)
		if !proper {
			panic(source.Errorf(o.at, ":values must be a list of names").WithExpected("(name nil ...)").WithCode("map-values"))
		}
		if m.Type.Keyword != "prog-array" && !m.Type.InnerMap {
			panic(source.Errorf(o.at, ":values is for prog-arrays and maps of maps, and `%s` is %s map", m.Name, article(m.Type.Keyword)).WithCode("map-values"))
		}
		if m.Type.InnerMap && m.Type.Hash && m.KeySize != 4 {
			panic(source.Errorf(o.at, ":values are stored under the keys 0, 1, 2, ..., and the keys of `%s` have %d bytes", m.Name, m.KeySize).
				WithExpected("keys of 4 bytes").WithCode("map-values"))
		}
		cell, _ := o.value.(*sexp.Cons)
		for _, x := range items {
			s, isSym := x.(*sexp.Symbol)
			at := cell.At.Or(o.at)
			if !isSym {
				panic(source.Errorf(at, "%s is not a name", sexp.Print(x)).WithCode("map-values"))
			}
			if s == sexp.Nil {
				m.slots = append(m.slots, slot{"", at})
			} else {
				m.slots = append(m.slots, slot{s.Name, at})
			}
			m.Values = append(m.Values, "")
			cell, _ = cell.Cdr.(*sexp.Cons)
		}
		if m.Inner == nil && m.Type.InnerMap {
			for _, s := range m.slots {
				if in := c.maps[s.name]; in != nil { // what it holds says what it may hold
					m.Inner = in
					in.checkInner(s.at)
					break
				}
			}
		}
	}
	if m.Type.InnerMap && m.Inner == nil {
		panic(source.Errorf(d.at(0), "the map `%s` does not say what its maps are like", m.Name).
			WithExpected(":inner-map, or :values with a map that is declared before").WithCode("inner-map"))
	}
}

// checkInner refuses maps that cannot be values of another.
func (m *Map) checkInner(at source.Pos) {
	bad := ""
	switch {
	case m.Type.InnerMap:
		bad = "maps of maps of maps do not exist"
	case m.Type.Keyword == "prog-array" || m.Type.Keyword == "cgroup-storage" || m.Type.Keyword == "percpu-cgroup-storage":
		bad = "the kernel keeps it for one program"
	}
	if bad != "" {
		panic(source.Errorf(at, "%s map cannot be a value of a map: %s", article(m.Type.Keyword), bad).WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("inner-map"))
	}
}

// resolveValues finds what :values name.
func (c *compiler) resolveValues() {
	programs := map[string]*Program{}
	for _, p := range c.unit.Programs {
		for name, pos := range c.progs {
			if pos == p.Pos {
				programs[name] = p
			}
		}
	}
	for _, m := range c.unit.Maps {
		for i, s := range m.slots {
			var err *source.Error
			switch {
			case s.name == "":
			case m.Type.InnerMap:
				in := c.maps[s.name]
				if in != nil {
					in.used = true
				}
				if in == nil {
					err = c.unknownMap(source.Errorf(s.at, "unknown map `%s`", strings.ToLower(s.name)), c.table.Intern(s.name))
				} else if err = m.Inner.sameShape(in, s.at); err == nil {
					m.Values[i] = in.C
				}
			case programs[s.name] == nil:
				err = source.Errorf(s.at, "the map `%s` names an unknown program `%s`", m.Name, strings.ToLower(s.name)).WithCode("unknown-program")
				var names []string
				for n := range programs {
					names = append(names, n)
				}
				if near := didYouMean(s.name, names); near != "" {
					err.DidYouMean(near)
				}
			default:
				m.Values[i] = programs[s.name].C
			}
			if err != nil {
				c.errs = append(c.errs, err)
			}
		}
	}
}

// sameShape demands of in what the kernel's bpf_map_meta_equal does of a map
// that becomes a value where m is the template.
func (m *Map) sameShape(in *Map, at source.Pos) *source.Error {
	differ := func(what string, a, b any) *source.Error {
		return source.Errorf(at, "`%s` has %s %v, but the template `%s` has %v", in.Name, what, b, m.Name, a).
			WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("inner-map")
	}
	inner, _ := abi.Constant("BPF_F_INNER_MAP")
	switch {
	case m.Type != in.Type:
		return differ("the type", ":"+m.Type.Keyword, ":"+in.Type.Keyword)
	case m.KeySize != in.KeySize:
		return differ("a key size of", m.KeySize, in.KeySize)
	case m.ValueSize != in.ValueSize:
		return differ("a value size of", m.ValueSize, in.ValueSize)
	case m.Flags != in.Flags:
		return differ("the flags", m.Flags, in.Flags)
	case m.MaxEntries != in.MaxEntries && m.Type.Array && m.Flags&uint32(inner) == 0:
		e := differ(":max-entries", m.MaxEntries, in.MaxEntries)
		if m.Type.Keyword == "array" {
			e.WithHint("arrays of several sizes need :map-flags BPF_F_INNER_MAP")
		}
		return e
	}
	return nil
}
