package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// DefaultPinDir is where libbpf pins, and `whistler run`.
const DefaultPinDir = "/sys/fs/bpf"

// Pins reports whether an object has maps that are pinned by name.
func Pins(spec *ebpf.CollectionSpec) bool {
	for _, m := range spec.Maps {
		if m.Pinning == ebpf.PinByName {
			return true
		}
	}
	return false
}

// A taken is the maps that an object uses and that are there already.
type taken struct {
	dir  string
	maps map[string]*ebpf.Map // by name
	new  []string             // pinned by name, and not there yet
	open []*ebpf.Map          // of maps, those to close
}

// takeMaps finds the maps that the options give an object, and those that
// are pinned. No map of spec is pinned by name afterwards.
func takeMaps(spec *ebpf.CollectionSpec, o Options) (p *taken, err error) {
	p = &taken{dir: o.PinDir, maps: map[string]*ebpf.Map{}}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	for _, name := range sortedKeys(o.Maps) {
		s, m := spec.Maps[name], o.Maps[name]
		if s == nil {
			return p, fmt.Errorf("a map is given for `%s`, and the object has none of that name", name)
		}
		key, value, err := mapTypes(m)
		if err != nil {
			return p, fmt.Errorf("the types of the map given for `%s`: %w", name, err)
		}
		if err := agrees(name, "", m, key, value, s); err != nil {
			return p, err
		}
		p.maps[name] = m
	}
	for _, name := range sortedKeys(spec.Maps) {
		s := spec.Maps[name]
		if s.Pinning != ebpf.PinByName {
			continue
		}
		s = s.Copy()
		s.Pinning = ebpf.PinNone
		spec.Maps[name] = s
		if p.dir == "" {
			continue
		}
		if p.maps[name] != nil {
			continue
		}
		path := filepath.Join(p.dir, name)
		m, err := ebpf.LoadPinnedMap(path, nil)
		if errors.Is(err, fs.ErrNotExist) {
			p.new = append(p.new, name)
			continue
		}
		if err != nil {
			return p, fmt.Errorf("the map `%s` pinned at %s: %w", name, path, err)
		}
		p.open = append(p.open, m)
		key, value, err := mapTypes(m)
		if err != nil {
			return p, fmt.Errorf("the types of the map `%s` pinned at %s: %w", name, path, err)
		}
		if err := agrees(name, path, m, key, value, s); err != nil {
			return p, err
		}
		p.maps[name] = m
	}
	return p, nil
}

// agrees is a *SchemaError where m is not what s wants.
func agrees(name, path string, m *ebpf.Map, key, value btf.Type, s *ebpf.MapSpec) error {
	diff, err := schemaDiff(m, key, value, s)
	if err != nil {
		diff = err.Error()
	}
	if diff != "" {
		return &SchemaError{name, path, diff}
	}
	return nil
}

// pin pins the maps that are new: all or none.
func (p *taken) pin(coll *ebpf.Collection) error {
	if len(p.new) == 0 {
		return nil
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return fmt.Errorf("pinning maps: %w", err)
	}
	for i, name := range p.new {
		path := filepath.Join(p.dir, name)
		m, err := coll.Maps[name].Clone()
		if err == nil {
			err = m.Pin(path)
			m.Close() // a pin stays behind
		}
		if err != nil {
			for _, done := range p.new[:i] {
				os.Remove(filepath.Join(p.dir, done))
			}
			return fmt.Errorf("pinning the map `%s` at %s: %w\n  maps are pinned in a BPF file system: mount -t bpf bpf %s", name, path, err, DefaultPinDir)
		}
	}
	return nil
}

// close lets go of the maps that were found: the collection has its own.
func (p *taken) close() {
	for _, m := range p.open {
		m.Close()
	}
}

// Shared gives the maps of c that an object can take over: those of the same
// name and schema, for Options.Maps. Those of variables are not among them.
func (c *Collection) Shared(spec *ebpf.CollectionSpec) map[string]*ebpf.Map {
	shared := map[string]*ebpf.Map{}
	for name, s := range spec.Maps {
		m, own := c.coll.Maps[name], c.Spec.Maps[name]
		if m != nil && own != nil && !Internal(name) && s.Type != ebpf.StructOpsMap && agrees(name, "", m, own.Key, own.Value, s) == nil {
			shared[name] = m
		}
	}
	return shared
}

// PinnedMaps opens the maps that are pinned at the paths given by name, for
// Options.Maps.
func PinnedMaps(paths map[string]string) (map[string]*ebpf.Map, error) {
	out := map[string]*ebpf.Map{}
	for _, name := range sortedKeys(paths) {
		m, err := ebpf.LoadPinnedMap(paths[name], nil)
		if err != nil {
			for _, other := range out {
				other.Close()
			}
			return nil, fmt.Errorf("the map pinned at %s: %w", paths[name], err)
		}
		out[name] = m
	}
	return out, nil
}
