//go:build linux

package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// sources are the places that the facts come from.
type sources struct {
	btf                             *btf.Spec
	ciliumDir                       string
	kernel, headers, libbpf, cilium string // versions
	helperDefs                      string // text of bpf_helper_defs.h
	enums                           map[string]int64
}

func openSources() *sources {
	s := &sources{enums: map[string]int64{}}
	var err error
	if s.btf, err = btf.LoadKernelSpec(); err != nil {
		log.Fatal(err)
	}
	for t, err := range s.btf.All() {
		if err != nil {
			log.Fatal(err)
		}
		if e, ok := t.(*btf.Enum); ok {
			switch e.Name {
			case "bpf_map_type", "bpf_prog_type", "bpf_attach_type":
				for _, v := range e.Values {
					s.enums[v.Name] = int64(v.Value)
				}
			}
		}
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		log.Fatal(err)
	}
	s.kernel = regexp.MustCompile(`^\d+\.\d+`).FindString(unix.ByteSliceToString(u.Release[:]))
	s.headers = headerVersion("/usr/include/linux/version.h")
	maj, min := macro("/usr/include/bpf/libbpf_version.h", "LIBBPF_MAJOR_VERSION"), macro("/usr/include/bpf/libbpf_version.h", "LIBBPF_MINOR_VERSION")
	s.libbpf = maj + "." + min

	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		log.Fatal(err)
	}
	s.cilium, s.ciliumDir, _ = strings.Cut(strings.TrimSpace(string(out)), " ")

	b, err := os.ReadFile("/usr/include/bpf/bpf_helper_defs.h")
	if err != nil {
		log.Fatal(err)
	}
	s.helperDefs = string(b)
	return s
}

func macro(file, name string) string {
	b, _ := os.ReadFile(file)
	m := regexp.MustCompile(`#define\s+` + name + `\s+(\d+)`).FindSubmatch(b)
	if m == nil {
		return "?"
	}
	return string(m[1])
}

func headerVersion(file string) string {
	return macro(file, "LINUX_VERSION_MAJOR") + "." + macro(file, "LINUX_VERSION_PATCHLEVEL")
}

// enum gives the value of an enumerator, from the kernel's BTF or, for one
// that is newer than this kernel, from the table in cilium/ebpf.
func (s *sources) enum(name string) (int64, bool) {
	v, ok := s.enums[name]
	return v, ok
}

// sysConstants evaluates the constants of cilium/ebpf's internal/sys, which
// are generated from a kernel at least as new as its section table.
func (s *sources) sysConstants() map[string]int64 {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join(s.ciliumDir, "internal/sys/types.go"), nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	// Imports do not resolve; constants do not need them.
	conf := types.Config{Error: func(error) {}, Importer: importer.Default()}
	pkg, _ := conf.Check("sys", fset, []*ast.File{f}, nil)
	out := map[string]int64{}
	for _, n := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(n).(*types.Const); ok {
			if v, exact := constant.Int64Val(constant.ToInt(c.Val())); exact {
				out[n] = v
			}
		}
	}
	if len(out) == 0 {
		log.Fatal(fmt.Errorf("no constants in %s", s.ciliumDir))
	}
	return out
}
