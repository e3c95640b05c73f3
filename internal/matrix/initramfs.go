package matrix

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// A file of an initial file system.
type file struct {
	name string // without the leading /
	mode uint32 // with the file's type
	data []byte
}

const (
	modeDir  = 0o040755
	modeFile = 0o100644
	modeExec = 0o100755
)

// cpio packs files in the "newc" format that the kernel unpacks, see
// Documentation/driver-api/early-userspace/buffer-format.rst.
func cpio(files []file) []byte {
	var out bytes.Buffer
	pad := func() {
		for out.Len()%4 != 0 {
			out.WriteByte(0)
		}
	}
	put := func(inode int, f file) {
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			inode, f.mode, 0, 0, 1, 0, len(f.data), 0, 0, 0, 0, len(f.name)+1, 0)
		out.WriteString(f.name + "\x00")
		pad()
		out.Write(f.data)
		pad()
	}
	for i, f := range files {
		put(i+1, f)
	}
	put(0, file{name: "TRAILER!!!"})
	return out.Bytes()
}

// modules gives the named modules and what they need, in the order in which
// they must be loaded. Names that the kernel has built in are left out.
func (im *Image) modules(names []string) (mods []file, err error) {
	paths := map[string]string{}
	err = filepath.WalkDir(im.Modules, func(path string, d fs.DirEntry, err error) error {
		if base, _, ok := strings.Cut(filepath.Base(path), ".ko"); ok && err == nil {
			paths[strings.ReplaceAll(base, "-", "_")] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		if done[name] || paths[name] == "" {
			return nil
		}
		done[name] = true
		data, err := decompress(paths[name])
		if err != nil {
			return err
		}
		for _, dep := range depends(data) {
			if err := add(dep); err != nil {
				return err
			}
		}
		mods = append(mods, file{fmt.Sprintf("modules/%03d-%s.ko", len(mods), name), modeFile, data})
		return nil
	}
	for _, n := range names {
		if err := add(n); err != nil {
			return nil, err
		}
	}
	return mods, nil
}

// decompress reads a module as finit_module wants it.
func decompress(path string) ([]byte, error) {
	tool := map[string]string{".xz": "xz", ".zst": "zstd", ".gz": "gzip", ".ko": "cat"}[filepath.Ext(path)]
	if tool == "" {
		return nil, fmt.Errorf("%s: unknown compression", path)
	}
	args := []string{"-dc", path}
	if tool == "cat" {
		args = args[1:]
	}
	out, err := exec.Command(tool, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", tool, path, err)
	}
	return out, nil
}

// depends lists the modules that a module names in its .modinfo.
func depends(module []byte) []string {
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return nil
	}
	s := f.Section(".modinfo")
	if s == nil {
		return nil
	}
	info, err := s.Data()
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(info), "\x00") {
		if deps, ok := strings.CutPrefix(line, "depends="); ok {
			return strings.FieldsFunc(deps, func(r rune) bool { return r == ',' })
		}
	}
	return nil
}
