package load

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Places of arguments of static probes, as assemblers write them.
func TestUSDTPlaces(t *testing.T) {
	reg := func(name string) int16 { return registers()["amd64"][name] }
	for _, c := range []struct {
		arch, args string
		want       []usdtArg // nil: refused
	}{
		{"amd64", "", []usdtArg{}},
		{"amd64", "-4@%edi", []usdtArg{{Kind: usdtRegister, Register: reg("rdi"), Signed: true, Shift: 32}}},
		{"amd64", "8@%r10 1@%al 2@%r8w", []usdtArg{{Kind: usdtRegister, Register: reg("r10")}, {Kind: usdtRegister, Register: reg("rax"), Shift: 56}, {Kind: usdtRegister, Register: reg("r8"), Shift: 48}}},
		{"amd64", "-4@-1204(%rbp)", []usdtArg{{Kind: usdtMemory, Register: reg("rbp"), Offset: -1204 & (1<<64 - 1), Signed: true, Shift: 32}}},
		{"amd64", "8@(%rsp) 4@0x10(%rax)", []usdtArg{{Kind: usdtMemory, Register: reg("rsp")}, {Kind: usdtMemory, Register: reg("rax"), Offset: 16, Shift: 32}}},
		{"amd64", "-4@$-9 8@$0xffffffffffffffff", []usdtArg{{Offset: -9 & (1<<64 - 1), Signed: true, Shift: 32}, {Offset: 1<<64 - 1}}},
		{"amd64", "8@8(%rdx,%rcx,8) 8@(%rdx,%rbx)", []usdtArg{{Kind: usdtIndexed, Register: reg("rdx"), Offset: 8, Index: uint16(reg("rcx")) | 3<<12}, {Kind: usdtIndexed, Register: reg("rdx"), Index: uint16(reg("rbx"))}}},
		{"amd64", "4@%nosuch", nil},
		{"amd64", "3@%eax", nil},
		{"amd64", "16@%xmm0", nil},
		{"amd64", "4@counter(%rip)", nil},
		{"amd64", "%eax", nil},
		{"amd64", strings.Repeat("4@%eax ", 13), nil},
		{"arm64", "-4@w3 8@[sp, 16] 8@[x2] 4@-7", []usdtArg{{Kind: usdtRegister, Register: 24, Signed: true, Shift: 32}, {Kind: usdtMemory, Register: 248, Offset: 16}, {Kind: usdtMemory, Register: 16}, {Offset: -7 & (1<<64 - 1), Shift: 32}}},
		{"riscv64", "8@a0", nil},
	} {
		s, err := parseUSDT(c.args, c.arch)
		if c.want == nil {
			if err == nil {
				t.Errorf("%s is not refused", c.args)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if got := s.Args[:s.Count]; !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%+v, want\n%+v", c.args, got, c.want)
		}
	}
	b, err := (&usdtSpec{}).encode()
	if err != nil || len(b) != 12*16+16 {
		t.Errorf("a spec has %d bytes: %v", len(b), err)
	}
}

func TestFindExecutable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"prog", "libx.so", "liby.so.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("LD_LIBRARY_PATH", dir)
	for _, name := range []string{"prog", "libx.so", "liby.so.1"} {
		if got, err := findExecutable(name, 0); err != nil || got != filepath.Join(dir, name) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"nosuch", "libnosuch.so.6", filepath.Join(dir, "nosuch")} {
		if got, err := findExecutable(name, 0); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	own := filepath.Join(dir, "prog")
	if got, err := findExecutable(own, os.Getpid()); err != nil || !strings.HasSuffix(got, own) || !strings.HasPrefix(got, "/proc/") {
		t.Errorf("with a process: %s, %v", got, err)
	}
}

func TestFunctions(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x, err := openExecutable(self)
	if err != nil {
		t.Fatal(err)
	}
	const fn = "github.com/whistler-lang/whistler/load.TestFunctions"
	off, plus, err := x.locate(fn)
	if err != nil {
		t.Fatal(err)
	}
	if again, behind, err := x.locate(fn + "+0x10"); plus != 0 || err != nil || again != off || behind != 16 {
		t.Errorf("%#x, %d, %v; want %#x", again, behind, err, off)
	}
	if n, _, err := x.locate("0x1234"); err != nil || n != 0x1234 {
		t.Errorf("%#x, %v", n, err)
	}
	if _, _, err := x.locate("TestFunctions"); err == nil || !strings.Contains(err.Error(), "did you mean") {
		t.Errorf("%v", err)
	}
	all, err := x.matching("github.com/whistler-lang/whistler/load.TestFu?ct*")
	if err != nil || !slices.Contains(all, off) {
		t.Errorf("%x, %v; want %#x among them", all, err, off)
	}
	if _, err := x.matching("nosuch*"); err == nil {
		t.Error("a pattern that nothing matches")
	}
	f, err := elf.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := fileOffset(f, 1<<63, true); ok {
		t.Error("an address that is in no segment")
	}
	if _, err := openExecutable("places_test.go"); err == nil {
		t.Error("a text is no program")
	}
}
