package gen

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/types"
)

// awkward has every kind of layout, and names that are words of the target
// languages.
const awkward = `
(defconstant +limit+ 1000 "How many.")
(defconstant +mask+ #xffffffffffffffff)
(defconstant +low+ -5)
(defconstant +text+ "no integer")
(defglobal max-rate u32 50 :const t)
(defglobal seen u64)
(defglobal where (array u8 5) "abc")
(defglobal offset i16 -3)
(defglobal secret u32 1 :hidden t)

(defenum proto "What it is." (proto-tcp 6) (proto-udp 17))
(defenum sign (sign-minus -1) (sign-plus 1))
(defenum wide (wide-one #x100000000))

(defstruct inner (a u8) (b u16) (c u8))
(defstruct odd (x u8) (y (array u8 6)))
(defstruct three (rgb (array u8 3)))
(defstruct numbers "All \"widths\"." (i8 i8) (i16 i16) (i32 i32) (i64 i64) (u8 u8) (u16 u16) (u32 u32) (u64 u64))
(defunion payload (word u32) (bytes (array u8 9)) inner)
(defunion wide-second (first u8) (second u64) (low (bits u16 5)))
(defstruct flags
  (kind u8) (low (bits u32 3)) (mid (bits u32 17)) (tail u8)
  (s (bits i8 4)) (t (bits u16 12)) (whole (bits u64 40)) (end u8))
(defstruct words
  (type u8 "its kind") (class u16) (fn u8) (self u32) (func u64) (lambda u8) (def u8) (go u16) (range u8) (list u8)
  (interface u32) (match u8) (crate u16) (nil1 u8) (pad-0 u8) (pad0 u8) (fields u16))
(defstruct outer
  (in inner) (rows (array inner 3)) (grid (array (array u16 2) 3)) (u payload) (w wide-second)
  (p proto) (ps (array sign 2)) (big wide) (odd odd) (colour three) (f flags) (k words) (n numbers) (end u8))
(defstruct locked (n u32) (lock bpf-spin-lock) (v u64))

(defmap flows :type :hash :key inner :value outer :max-entries 16)
(defmap plain :type :array :key u32 :value u64 :max-entries 4)
(defmap locks :type :array :key u32 :value locked :max-entries 1)
(defmap type :type :percpu-array :key u32 :value numbers :max-entries 1)
(defmap events :type :ringbuf :max-entries 4096 :event numbers)

(defprog count-it (:type :xdp) "Counts."
  (incf (getmap plain 0))
  (setf seen max-rate)
  XDP_PASS)
`

// module compiles awkward into dir, with its object.
func module(t *testing.T, dir string) (*Module, *ebpf.CollectionSpec) {
	t.Helper()
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "awk-ward.lisp", Text: awkward}}, whistler.Options{KeepLisp: true})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(obj.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	m := New(obj.Result(), Options{Name: ModuleName("awk-ward.lisp"), Source: "awk-ward.lisp", Object: "awk-ward.bpf.o", Package: "main", Stem: "awkWard"})
	if err := os.WriteFile(filepath.Join(dir, m.Object), obj.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return m, spec
}

// written writes the bindings of a language into dir.
func written(t *testing.T, m *Module, lang, dir string) string {
	t.Helper()
	ls, err := Choose(lang)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ls[0].Write(m)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, m.File(ls[0]))
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// truth is what the object's BTF says: a line for each struct's size and
// each field's offset and size, and for a bit-field the bytes of a struct
// where only its bits are set.
func truth(t *testing.T, m *Module, spec *ebpf.CollectionSpec) []string {
	t.Helper()
	var lines []string
	for _, s := range m.Structs {
		var typ btf.Type
		var st *btf.Struct
		var un *btf.Union
		var members []btf.Member
		if s.Union {
			if err := spec.Types.TypeByName(s.C, &un); err != nil {
				t.Fatal(err)
			}
			typ, members = un, un.Members
		} else {
			if err := spec.Types.TypeByName(s.C, &st); err != nil {
				t.Fatal(err)
			}
			typ, members = st, st.Members
		}
		size, _ := btf.Sizeof(typ)
		lines = append(lines, fmt.Sprintf("%s size %d", s.C, size))
		for i, f := range members {
			if f.BitfieldSize > 0 {
				b := make([]byte, size)
				for n := f.Offset; n < f.Offset+f.BitfieldSize; n++ {
					b[n/8] |= 1 << (n % 8)
				}
				lines = append(lines, fmt.Sprintf("%s.%s bits %x", s.C, f.Name, b))
				continue
			}
			n, err := btf.Sizeof(f.Type)
			if err != nil {
				t.Fatal(err)
			}
			if s.Fields[i].C != f.Name {
				t.Fatalf("field %s and %s", s.Fields[i].C, f.Name)
			}
			lines = append(lines, fmt.Sprintf("%s.%s at %d of %d", s.C, f.Name, f.Offset.Bytes(), n))
		}
	}
	return lines
}

// A probe writes code that prints what truth has, and runs it.
type probe struct {
	lang string
	tool string
	run  func(t *testing.T, m *Module, dir string) string
}

func TestLayouts(t *testing.T) {
	for _, p := range []probe{{"go", "go", probeGo}, {"c", "gcc", probeC}, {"rust", "rustc", probeRust}, {"python", "python3", probePython}, {"lisp", "sbcl", probeLisp}} {
		t.Run(p.lang, func(t *testing.T) {
			if _, err := exec.LookPath(p.tool); err != nil {
				if os.Getenv("CI") == "true" && os.Getuid() == 0 && p.tool != "rustc" { // .ci/run installs all but rustc
					t.Fatalf("this test needs %s", p.tool)
				}
				t.Skipf("this test needs %s", p.tool)
			}
			dir := t.TempDir()
			m, spec := module(t, dir)
			want := truth(t, m, spec)
			got := strings.Split(strings.TrimSpace(p.run(t, m, dir)), "\n")
			sort.Strings(want)
			sort.Strings(got)
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				have := map[string]bool{}
				for _, l := range got {
					have[l] = true
				}
				for _, l := range want {
					if !have[l] {
						t.Errorf("not there: %s", l)
					}
					delete(have, l)
				}
				for l := range have {
					t.Errorf("wrong: %s", l)
				}
			}
			t.Logf("%d sizes and offsets", len(want))
		})
	}
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")
	out, err := c.Output()
	if err != nil {
		stderr := ""
		if e, ok := err.(*exec.ExitError); ok {
			stderr = string(e.Stderr)
		}
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr)
	}
	return string(out)
}

func save(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goModule makes dir a module with what the bindings import.
func goModule(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	save(t, dir, "go.mod", strings.Replace(string(mod), "module github.com/whistler-lang/whistler", "module example", 1)+
		"\nrequire github.com/whistler-lang/whistler v0.0.0\nreplace github.com/whistler-lang/whistler => "+root+"\n")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	save(t, dir, "go.sum", string(sum))
}

func probeGo(t *testing.T, m *Module, dir string) string {
	file := written(t, m, "go", dir)
	goModule(t, dir)
	if out := output(t, dir, "gofmt", "-l", file); out != "" {
		t.Errorf("gofmt would change %s", out)
	}
	var b strings.Builder
	b.WriteString("package main\n\nimport (\"fmt\"; \"os\"; \"unsafe\"; \"github.com/whistler-lang/whistler/load\")\n\nfunc main() {\n")
	for _, s := range m.Structs {
		name := "awkWard" + camel(s.C)
		fmt.Fprintf(&b, "{ var v %s; fmt.Println(%q, unsafe.Sizeof(v))\n", name, s.C+" size")
		seen := newScope("")
		for i, f := range s.Fields {
			if f.Bits > 0 {
				continue
			}
			id := seen.name(camel(f.C))
			if s.Union && i > 0 {
				fmt.Fprintf(&b, "fmt.Println(%q, uintptr(unsafe.Pointer(v.%s())) - uintptr(unsafe.Pointer(&v)), \"of\", unsafe.Sizeof(*v.%[2]s()))\n", s.C+"."+f.C+" at", id)
			} else {
				fmt.Fprintf(&b, "fmt.Println(%q, unsafe.Offsetof(v.%s), \"of\", unsafe.Sizeof(v.%[2]s))\n", s.C+"."+f.C+" at", id)
			}
		}
		for _, f := range bitFields(s) {
			id := seen.name(camel(f.C))
			val := "^v." + id + "()"
			fmt.Fprintf(&b, "v = %s{}; v.Set%s(%s); fmt.Printf(\"%s.%s bits %%x\\n\", (*[%d]byte)(unsafe.Pointer(&v))[:])\n", name, id, val, s.C, f.C, s.Size)
			want := fmt.Sprintf("1<<%d - 1", f.Bits)
			if f.Of.Signed {
				want = "-1"
			}
			fmt.Fprintf(&b, "if v.%s() != %s { fmt.Println(%q, v.%[1]s()) }\n", id, want, s.C+"."+f.C+" reads")
		}
		b.WriteString("}\n")
	}
	b.WriteString(`
	var spec *awkWardSpecs
	_ = spec
	objs := awkWardObjects{}
	if s, err := loadAwkWard(); err != nil || s.Maps[awkWardMapFlows] == nil || s.Programs[awkWardProgCountIt] == nil || s.Variables[awkWardVarSeen] == nil {
		fmt.Println("loading:", err)
	}
	_ = objs.awkWardMaps.Flows
	_ = objs.CountIt
	_ = objs.Type
	if awkWardLimit != 1000 || uint64(awkWardMask) != 1<<64-1 || awkWardLow != -5 || awkWardMaxRate != 50 {
		fmt.Println("constants")
	}
	if awkWardProtoProtoTcp != 6 || awkWardSignSignMinus != -1 || awkWardWideWideOne != 1<<32 {
		fmt.Println("enums")
	}
	_ = loadAwkWardObjects
	if os.Getuid() == 0 { // package load takes the types for the maps
		c, err := load.Open(_AwkWardBytes)
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := load.MapOf[awkWardInner, awkWardOuter](c, awkWardMapFlows); err != nil {
			fmt.Println(err)
		}
		if _, err := load.MapOf[uint32, awkWardLocked](c, awkWardMapLocks); err != nil {
			fmt.Println(err)
		}
		if _, err := load.EventsOf[awkWardNumbers](c, awkWardMapEvents); err != nil {
			fmt.Println(err)
		}
	}
}
`)
	save(t, dir, "main.go", b.String())
	output(t, dir, "go", "vet", "-unsafeptr=false", ".")
	return output(t, dir, "go", "run", ".")
}

func probeC(t *testing.T, m *Module, dir string) string {
	written(t, m, "c", dir)
	var b strings.Builder
	b.WriteString("#include <stdio.h>\n#include <string.h>\n#include \"awk_ward_bpf.h\"\n\nint main(void) {\n")
	for _, s := range m.Structs {
		fmt.Fprintf(&b, "printf(\"%s size %%zu\\n\", sizeof(%s));\n", s.C, cWord(s))
		for _, f := range s.Fields {
			if f.Bits == 0 {
				fmt.Fprintf(&b, "printf(\"%s.%s at %%zu of %%zu\\n\", offsetof(%s, %[2]s), sizeof(((%[3]s *)0)->%[2]s));\n", s.C, f.C, cWord(s))
				continue
			}
			fmt.Fprintf(&b, "{ %s v; unsigned char *p = (void *)&v; memset(&v, 0, sizeof v); v.%s = -1; printf(\"%s.%[2]s bits \"); for (size_t i = 0; i < sizeof v; i++) printf(\"%%02x\", p[i]); puts(\"\"); }\n", cWord(s), f.C, s.C)
		}
	}
	b.WriteString(`if (AWK_WARD_LIMIT != 1000 || AWK_WARD_MASK != ~0ULL || AWK_WARD_LOW != -5 || AWK_WARD_MAX_RATE != 50) puts("constants");
awk_ward_flows_value v; awk_ward_flows_key k; (void)v; (void)k;
if (strcmp(AWK_WARD_MAP_FLOWS, "flows") || strcmp(AWK_WARD_PROG_COUNT_IT, "count_it") || AWK_WARD_MAP_PLAIN_MAX_ENTRIES != 4) puts("names");
return 0; }
`)
	save(t, dir, "probe.c", b.String())
	output(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", "probe", "probe.c")
	return output(t, dir, "./probe")
}

func probeRust(t *testing.T, m *Module, dir string) string {
	var minor int // offset_of! is there since 1.77
	version := output(t, dir, "rustc", "--version")
	if _, err := fmt.Sscanf(version, "rustc 1.%d", &minor); err != nil || minor < 77 {
		t.Skipf("this test needs rustc 1.77, not %s", version)
	}
	file := written(t, m, "rust", dir)
	output(t, dir, "rustc", "--edition", "2021", "--crate-type", "lib", "-D", "warnings", "-o", "lib.rlib", file)
	var b strings.Builder
	b.WriteString("mod awk_ward_bpf;\nuse awk_ward_bpf::*;\nuse std::mem::{offset_of, size_of, zeroed};\nfn size_at<A, B>(_: fn(&A) -> &B) -> usize { size_of::<B>() }\n\nfn main() {\n")
	for _, s := range m.Structs {
		name, ids := camel(s.C), rustScope(s)
		fmt.Fprintf(&b, "println!(\"%s size {}\", size_of::<%s>());\n", s.C, name)
		for _, f := range s.Fields {
			if f.Bits > 0 {
				continue
			}
			id := ids.name(f.C)
			at := "v." + id
			if s.Union {
				at = "unsafe { &v." + id + " }"
			} else {
				at = "&" + at
			}
			fmt.Fprintf(&b, "println!(\"%s.%s at {} of {}\", offset_of!(%s, %s), size_at(|v: &%[3]s| %[5]s));\n", s.C, f.C, name, id, at)
		}
		for _, f := range bitFields(s) {
			id := ids.name(f.C)
			fmt.Fprintf(&b, "{ let mut v: %s = unsafe { zeroed() }; v.%s(!v.%s()); let b: [u8; %d] = unsafe { std::mem::transmute(v) }; println!(\"%s.%s bits {}\", b.iter().map(|x| format!(\"{:02x}\", x)).collect::<String>());\n",
				name, "set_"+f.C, id, s.Size, s.C, f.C)
			want := fmt.Sprintf("((1u64 << %d) - 1) as %s", f.Bits, rustInt(f.Of))
			if f.Of.Signed {
				want = "-1"
			}
			fmt.Fprintf(&b, "if v.%s() != %s { println!(\"%s.%[1]s reads {}\", v.%[1]s()); } }\n", id, want, s.C)
		}
	}
	for _, s := range m.Sections {
		for _, f := range s.Type.Fields {
			fmt.Fprintf(&b, "let _ = offset_of!(%s, %s);\n", camel(s.Type.C), newScope(rustWords).name(f.C))
		}
	}
	b.WriteString("if LIMIT != 1000 || MASK != u64::MAX || LOW != -5 || MAX_RATE != 50 || PROTO_PROTO_TCP != 6 || MAP_FLOWS != \"flows\" || OBJECT.len() < 100 || OBJECT.as_ptr() as usize % 8 != 0 { println!(\"constants\"); }\n" +
		"let _: Option<(FlowsKey, FlowsValue)> = None;\n}\n")
	save(t, dir, "main.rs", b.String())
	output(t, dir, "rustc", "--edition", "2021", "-o", "probe", "main.rs")
	return output(t, dir, "./probe")
}

func probePython(t *testing.T, m *Module, dir string) string {
	written(t, m, "python", dir)
	var b strings.Builder
	b.WriteString("from awk_ward_bpf import *\nimport awk_ward_bpf\n\n")
	for _, s := range m.Structs {
		name, ids := camel(s.C), newScope(pythonWords)
		fmt.Fprintf(&b, "print(\"%s size\", ctypes.sizeof(%s))\n", s.C, name)
		for _, f := range s.Fields {
			if f.Bits > 0 {
				continue
			}
			id := ids.name(f.C)
			fmt.Fprintf(&b, "print(\"%s.%s at\", %s.%s.offset, \"of\", %[3]s.%[4]s.size)\n", s.C, f.C, name, id)
		}
		for _, f := range bitFields(s) {
			id := ids.name(f.C)
			want := fmt.Sprintf("(1 << %d) - 1", f.Bits)
			if f.Of.Signed {
				want = "-1"
			}
			fmt.Fprintf(&b, "v = %s()\nv.%s = -1\nprint(\"%s.%s bits\", bytes(v).hex())\nif v.%[2]s != %[5]s: print(\"%[3]s.%[2]s reads\", v.%[2]s)\n", name, id, s.C, f.C, want)
		}
	}
	b.WriteString("if (LIMIT, MASK, LOW, MAX_RATE, Proto.proto_tcp, MAP_FLOWS) != (1000, 2**64 - 1, -5, 50, 6, \"flows\"): print(\"constants\")\n" +
		"if FlowsValue is not Outer or not OBJECT.exists() or AwkWardData.offset.offset != 6: print(\"handles\")\n")
	save(t, dir, "probe.py", b.String())
	return output(t, dir, "python3", "-W", "error", "probe.py")
}

func probeLisp(t *testing.T, m *Module, dir string) string {
	written(t, m, "lisp", dir)
	var b strings.Builder
	fmt.Fprintf(&b, "(load \"awk_ward_bpf.lisp\")\n(in-package :cl-user)\n(defun hex (v) (format nil \"~(~{~2,'0x~}~)\" (coerce v 'list)))\n")
	sym := func(s string) string { return "main::" + s }
	// ones is a value whose bits are all set, as the record has it.
	var ones func(t *types.Type) string
	ones = func(t *types.Type) string {
		switch {
		case t.Kind == types.Array:
			return fmt.Sprintf("(map-into (make-array %d) (lambda () %s))", t.Len, ones(t.Elem))
		case t.Kind == types.StructKind:
			return fmt.Sprintf("(%s (fill (main::%%octets %d) 255))", sym("decode-"+lispName(t.Struct.Name, t.Struct.C)), t.Struct.Size)
		case t.Signed:
			return "-1"
		}
		return fmt.Sprintf("%d", ^uint64(0)>>(64-8*t.Size))
	}
	for _, s := range m.Structs {
		name := lispName(s.Name, s.C)
		fmt.Fprintf(&b, "(format t \"%s size ~d~%%\" %s)\n", s.C, sym("+"+name+"-size+"))
		for _, f := range s.Fields {
			id := lispName(f.Name, f.C)
			typ, all := f.Type, ""
			if f.Bits > 0 {
				typ = f.Of
			}
			if all = ones(typ); f.Bits > 0 && !f.Of.Signed {
				all = fmt.Sprint(uint64(1)<<f.Bits - 1)
			}
			// The record with this field full of ones, as bytes.
			full := fmt.Sprintf("(let ((v (%s))) (setf (%s v) %s) (%s v))", sym("make-"+name), sym(name+"-"+id), all, sym("encode-"+name))
			if f.Bits > 0 {
				fmt.Fprintf(&b, "(let ((v %s)) (format t \"%s.%s bits ~a~%%\" (hex v)) (unless (eql (%s (%s v)) %s) (format t \"%[2]s.%[3]s reads otherwise~%%\")))\n",
					full, s.C, f.C, sym(name+"-"+id), sym("decode-"+name), all)
				continue
			}
			if f.Type.Kind == types.StructKind || f.Type.Kind == types.Array && f.Type.Elem.Kind == types.StructKind {
				// padding stays zero: the size is that of the type
				fmt.Fprintf(&b, "(format t \"%s.%s at ~d of %d~%%\" %s)\n", s.C, f.C, f.Type.Size, sym("+"+name+"-"+id+"-offset+"))
				continue
			}
			fmt.Fprintf(&b, "(let ((v %s)) (format t \"%s.%s at ~d of ~d~%%\" (position 255 v) (count 255 v)) (unless (= (position 255 v) %s) (format t \"offset~%%\")))\n", full, s.C, f.C, sym("+"+name+"-"+id+"-offset+"))
		}
	}
	b.WriteString("(unless (equal (list main:+limit+ main:+mask+ main:+low+ main:+default-max-rate+ main:proto-tcp main:+map-flows+) (list 1000 (1- (expt 2 64)) -5 50 6 \"flows\")) (format t \"constants~%\"))\n")
	save(t, dir, "probe.lisp", b.String())
	return output(t, dir, "sbcl", "--script", "probe.lisp")
}

// TestChoose lists languages and what to say of wrong ones.
func TestChoose(t *testing.T) {
	for list, want := range map[string]string{
		"go":       "go",
		"c,go,c":   "c go",
		"all":      "go c rust python lisp",
		"go, lisp": "go lisp",
		"pyton":    `no bindings are made for "pyton": there are go, c, rust, python, lisp and all; did you mean python?`,
		"java":     `no bindings are made for "java": there are go, c, rust, python, lisp and all`,
		"":         `no bindings are made for "": there are go, c, rust, python, lisp and all`,
	} {
		ls, err := Choose(list)
		var names []string
		for _, l := range ls {
			names = append(names, l.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
}
