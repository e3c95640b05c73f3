package abi

import (
	"sort"
	"testing"
)

// TestVersionsInOrder: the kernel numbers helpers and map types as they come,
// so that a later one cannot be older.
func TestVersionsInOrder(t *testing.T) {
	hs := append([]Helper(nil), helpers[:]...)
	sort.Slice(hs, func(i, j int) bool { return hs[i].ID < hs[j].ID })
	var last *Since
	for _, h := range hs {
		s := FirstWith("helper", h.Name)
		if s == nil {
			t.Errorf("no version of the helper %s", h.Name)
			continue
		}
		if last != nil && s.Version.Less(last.Version) {
			t.Errorf("%s (%d) is of %v, and %s before it of %v", h.Name, h.ID, s.Version, last.Name, last.Version)
		}
		last = s
	}
	ms := append([]MapType(nil), mapTypes[:]...)
	sort.Slice(ms, func(i, j int) bool { return ms[i].ID < ms[j].ID })
	last = nil
	for _, m := range ms {
		s := FirstWith("map", m.C)
		if s == nil {
			t.Errorf("no version of the map type %s", m.C)
			continue
		}
		if last != nil && s.Version.Less(last.Version) {
			t.Errorf("%s is of %v, and %s before it of %v", m.C, s.Version, last.Name, last.Version)
		}
		last = s
	}
	ps := append([]ProgType(nil), progTypes[:]...)
	sort.SliceStable(ps, func(i, j int) bool { return ps[i].Type < ps[j].Type })
	last = nil
	for _, p := range ps {
		s := FirstWith("prog", p.C)
		if s == nil {
			t.Errorf("no version of the program type %s", p.C)
			continue
		}
		if last != nil && s.Version.Less(last.Version) {
			t.Errorf("%s is of %v, and %s before it of %v", p.C, s.Version, last.Name, last.Version)
		}
		last = s
	}
}

// TestVersionsName: every row names something that exists.
func TestVersionsName(t *testing.T) {
	known := map[string]bool{}
	for _, h := range helpers {
		known["helper "+h.Name] = true
	}
	for _, m := range mapTypes {
		known["map "+m.C] = true
	}
	for _, p := range progTypes {
		known["prog "+p.C] = true
	}
	for _, s := range Sections() {
		known["section "+s.Pattern] = true
	}
	seen := map[string]bool{}
	for _, s := range Versions() {
		key := s.Kind + " " + s.Name
		if seen[key] {
			t.Errorf("%s stands twice", key)
		}
		seen[key] = true
		switch s.Kind {
		case "helper", "map", "prog", "section":
			if !known[key] {
				t.Errorf("there is no %s", key)
			}
		case "flag":
			if _, ok := Constant(s.Name); !ok {
				t.Errorf("there is no constant %s", s.Name)
			}
		}
		if len(s.Commit) != 12 {
			t.Errorf("%s: %q is no commit", key, s.Commit)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{"5.10": "5.10", "v6.1": "6.1", "6.12.3-amd64": "6.12", "7.2": "7.2"} {
		if v, ok := ParseVersion(text); !ok || v.String() != want {
			t.Errorf("%s: %v %v", text, v, ok)
		}
	}
	for _, text := range []string{"", "5", "x.y", "5.", "5.x", "5.10x"} {
		if v, ok := ParseVersion(text); ok {
			t.Errorf("%q is a version: %v", text, v)
		}
	}
	if (Version{5, 10}).Less(Version{5, 9}) || !(Version{5, 10}).Less(Version{6, 0}) {
		t.Error("wrong order")
	}
}
