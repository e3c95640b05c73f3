//go:build linux

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"path/filepath"
	"strconv"
	"strings"
)

// section is a row of libbpf's table of section names.
type section struct {
	pattern     string
	typ, attach uint32
	typeC       string
	attachC     string // "" if none
	flags       []string
	keyword     string
	ret         retRange
}

func (s *section) sleepable() bool { return s.has("SectionSleepable") }

func (s *section) has(flag string) bool {
	for _, f := range s.flags {
		if f == flag {
			return true
		}
	}
	return false
}

// flagsOf spells libbpf's flags with the package's names.
var flagsOf = map[string][]string{
	"_SEC_NONE":           nil,
	"_SEC_ATTACHABLE":     {"SectionAttach"},
	"_SEC_ATTACHABLE_OPT": {"SectionAttach", "SectionAttachOpt"},
	"_SEC_ATTACH_BTF":     {"SectionAttachBTF"},
	"_SEC_SLEEPABLE":      {"SectionSleepable"},
	"_SEC_XDP_FRAGS":      {"SectionFrags"},
	"_SEC_USDT":           {"SectionUSDT"},
}

// readSections takes libbpf's table from the Go file that cilium/ebpf derives
// from it.
func readSections(src *sources) []section {
	sys := src.sysConstants()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(src.ciliumDir, "elf_sections.go"), nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	var out []section
	ast.Inspect(f, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok || row.Type != nil || len(row.Elts) != 4 {
			return true
		}
		var s section
		s.pattern, _ = strconv.Unquote(row.Elts[0].(*ast.BasicLit).Value)
		s.typeC = row.Elts[1].(*ast.SelectorExpr).Sel.Name
		s.typ = number(src, sys, s.typeC)
		if sel, ok := row.Elts[2].(*ast.SelectorExpr); ok {
			s.attachC = sel.Sel.Name
			s.attach = number(src, sys, s.attachC)
		}
		s.flags = sectionFlags(row.Elts[3])
		out = append(out, s)
		return false
	})
	if len(out) < 90 {
		log.Fatalf("only %d sections found", len(out))
	}
	return out
}

// number takes an enumerator from the kernel, or from the sys table if this
// kernel is too old; where both know it they must agree.
func number(src *sources, sys map[string]int64, name string) uint32 {
	v, ok := src.enum(name)
	w, ok2 := sys[name]
	switch {
	case !ok && !ok2:
		log.Fatalf("nothing knows %s", name)
	case ok && ok2 && v != w:
		log.Fatalf("%s is %d for the kernel, %d for cilium/ebpf", name, v, w)
	case !ok:
		v = w
	}
	return uint32(v)
}

func sectionFlags(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return append(sectionFlags(e.X), sectionFlags(e.Y)...)
	case *ast.Ident:
		f, ok := flagsOf[e.Name]
		if !ok {
			log.Fatalf("unknown section flag %s", e.Name)
		}
		return append([]string(nil), f...)
	}
	log.Fatalf("odd section flags %T", e)
	return nil
}

func emitSections(w *buf, secs []section) {
	w.p("var sections = [...]Section{\n")
	for _, s := range secs {
		w.p("{Pattern:%q,Keyword:%q,Type:%d,AttachType:%d", s.pattern, s.keyword, s.typ, s.attach)
		if len(s.flags) > 0 {
			w.p(",Flags:%s", strings.Join(s.flags, "|"))
		}
		if s.ret.known {
			w.p(",RetMin:%d,RetMax:%d,HasRet:true", s.ret.min, s.ret.max)
		}
		w.p("},\n")
	}
	w.p("}\n")
}
