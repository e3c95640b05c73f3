package load

import (
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// An executable is a program or a shared library that probes are put into.
type executable struct {
	path  string
	funcs map[string]uint64 // functions, by their offsets in the file
}

// libraryDirs are where the dynamic linker looks by itself.
var libraryDirs = map[string]string{"amd64": "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu", "arm64": "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu"}

// findExecutable gives the file that a name means, as libbpf does: libraries are
// searched where the dynamic linker looks, programs in PATH. A path is that
// of process pid's file system if there is such a process.
func findExecutable(name string, pid int) (string, error) {
	if strings.ContainsRune(name, '/') {
		if pid > 0 && filepath.IsAbs(name) && !strings.HasPrefix(name, "/proc/") {
			if own := fmt.Sprintf("/proc/%d/root%s", pid, name); exists(own) {
				return own, nil
			}
		}
		_, err := os.Stat(name)
		return name, err
	}
	dirs := os.Getenv("PATH") + ":/usr/bin:/usr/sbin"
	if strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.") {
		dirs = os.Getenv("LD_LIBRARY_PATH") + ":/usr/lib64:/usr/lib:" + libraryDirs[runtime.GOARCH] + ":/lib64:/lib"
	}
	for _, d := range filepath.SplitList(dirs) {
		if d != "" && exists(filepath.Join(d, name)) {
			return filepath.Join(d, name), nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s", name, strings.Trim(dirs, ":"))
}

func exists(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir()
}

// openExecutable reads the functions of a file.
func openExecutable(file string) (*executable, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := &executable{file, map[string]uint64{}}
	add := func(name string, addr uint64) {
		if off, ok := fileOffset(f, addr, true); ok {
			b.funcs[name] = off
		}
	}
	stripped := f.Section(".symtab") == nil
	indirect := map[string]bool{}
	for _, read := range []func() ([]elf.Symbol, error){f.DynamicSymbols, f.Symbols} {
		syms, err := read()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return nil, err
		}
		for _, s := range syms {
			old := s.HasVersion && s.VersionIndex.IsHidden()
			switch {
			case s.Section == elf.SHN_UNDEF:
			case elf.ST_TYPE(s.Info) == elf.STT_GNU_IFUNC:
				indirect[s.Name] = indirect[s.Name] || !old
			case elf.ST_TYPE(s.Info) == elf.STT_FUNC:
				if s.Version != "" {
					add(s.Name+"@"+s.Version, s.Value)
				}
				if _, taken := b.funcs[s.Name]; !taken || !old {
					add(s.Name, s.Value)
				}
			}
		}
	}
	// The bare name means the default version, and not an older one of what
	// has become a choice of implementations.
	for name, is := range indirect {
		if is {
			delete(b.funcs, name)
		}
	}
	// Go programs keep the names of their functions when they are stripped.
	pcln, text := f.Section(".gopclntab"), f.Section(".text")
	if pcln == nil {
		pcln = f.Section(".data.rel.ro.gopclntab")
	}
	if stripped && pcln != nil && text != nil {
		data, err := pcln.Data()
		if err != nil {
			return nil, err
		}
		table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
		if err != nil {
			return nil, err
		}
		for _, fn := range table.Funcs {
			add(fn.Name, fn.Entry)
		}
	}
	return b, nil
}

// fileOffset is where the file has what is loaded at an address, as code or
// as data.
func fileOffset(f *elf.File, addr uint64, code bool) (uint64, bool) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && (p.Flags&elf.PF_X != 0) == code && p.Vaddr <= addr && addr < p.Vaddr+p.Memsz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}

// locate resolves "func", "func+off" or a number, which is an offset in the
// file: to the beginning, and how far behind it.
func (b *executable) locate(what string) (off, plus uint64, err error) {
	if n, err := strconv.ParseUint(what, 0, 64); err == nil {
		return n, 0, nil
	}
	name := what
	if i := strings.LastIndexByte(what, '+'); i > 0 {
		if n, err := strconv.ParseUint(what[i+1:], 0, 64); err == nil {
			name, plus = what[:i], n
		}
	}
	off, ok := b.funcs[name]
	if !ok { // the default version may be written with @@
		off, ok = b.funcs[strings.Replace(name, "@@", "@", 1)]
	}
	if !ok {
		near := b.near(name)
		if near != "" {
			near = " (did you mean " + near + "?)"
		}
		return 0, 0, fmt.Errorf("%s has no function %s%s", b.path, name, near)
	}
	return off, plus, nil
}

// near is a function whose name is the same but for case or what is before
// the last dot or slash.
func (b *executable) near(name string) string {
	var all []string
	for n := range b.funcs {
		if strings.EqualFold(n, name) || strings.HasSuffix(n, "."+name) || strings.HasPrefix(n, name+"@") || strings.HasPrefix(n, "_Z") && strings.Contains(n, strconv.Itoa(len(name))+name) {
			all = append(all, n)
		}
	}
	sort.Strings(all)
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// matching resolves a pattern with * and ?, in the order of the file.
func (b *executable) matching(pattern string) ([]uint64, error) {
	if !strings.ContainsAny(pattern, "*?") {
		off, plus, err := b.locate(pattern)
		return []uint64{off + plus}, err
	}
	// path.Match stops at slashes, which Go's names have, and knows brackets.
	glob := strings.NewReplacer("/", "\x00", "[", "\x01", "]", "\x02", "\\", "\x03")
	pattern = glob.Replace(pattern)
	seen := map[uint64]bool{}
	for name, off := range b.funcs {
		if ok, err := path.Match(pattern, glob.Replace(name)); err != nil {
			return nil, err
		} else if ok {
			seen[off] = true
		}
	}
	if len(seen) == 0 {
		return nil, fmt.Errorf("no function of %s matches", b.path)
	}
	var offs []uint64
	for off := range seen {
		offs = append(offs, off)
	}
	sort.Slice(offs, func(i, j int) bool { return offs[i] < offs[j] })
	return offs, nil
}
