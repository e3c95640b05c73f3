//go:build linux

package hooks

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/whistler-lang/whistler/load"
)

// The program that has static probes: it ends with the value of its
// semaphore, so that it tells whether anybody looks.
//
//	mov  ebx, -5
//	mov  rax, 0x1122334455667788
//	push rax
//	mov  ecx, 1
//	nop                            ; the probe, twice
//	nop
//	movzx edi, word [semaphore]
//	mov  eax, 60                   ; exit
//	syscall
const (
	probeCode = "\xbb\xfb\xff\xff\xff" + "\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11" + "\x50" + "\xb9\x01\x00\x00\x00" +
		"\x90\x90" + "\x0f\xb7\x3d" /* + distance of the semaphore */
	probeExit = "\xb8\x3c\x00\x00\x00\x0f\x05"
	probeAt   = 21 // of the first nop in the code
	probeArgs = "-4@%ebx 8@(%rsp) -4@$-9 8@-8(%rsp,%rcx,8) 1@%bl 2@2(%rsp)"

	probeBase = 0x400000
	codeAt    = 0x1000 // in the file
	dataAt    = 0x2000
)

// probeFile is the program as a file.
func probeFile() []byte {
	le := binary.LittleEndian
	code := []byte(probeCode)
	rip := probeBase + codeAt + len(code) + 4
	code = le.AppendUint32(code, uint32(probeBase+dataAt-rip))
	code = append(code, probeExit...)

	var notes []byte
	for i := range 2 {
		desc := le.AppendUint64(nil, probeBase+codeAt+probeAt+uint64(i))
		desc = le.AppendUint64(desc, 0)
		desc = le.AppendUint64(desc, probeBase+dataAt)
		desc = append(desc, "whistler\x00probe\x00"+probeArgs+"\x00"...)
		notes = le.AppendUint32(notes, 8)
		notes = le.AppendUint32(notes, uint32(len(desc)))
		notes = le.AppendUint32(notes, 3)
		notes = append(notes, "stapsdt\x00"...)
		notes = append(notes, desc...)
		for len(notes)%4 != 0 {
			notes = append(notes, 0)
		}
	}
	names := "\x00.text\x00.note.stapsdt\x00.shstrtab\x00"
	notesAt := dataAt + 0x1000
	namesAt := notesAt + len(notes)
	sectionsAt := (namesAt + len(names) + 7) &^ 7

	var b bytes.Buffer
	put := func(at int, parts ...any) {
		b.Write(make([]byte, at-b.Len()))
		for _, p := range parts {
			binary.Write(&b, le, p)
		}
	}
	put(0, elf.Header64{Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Entry: probeBase + codeAt, Phoff: 64, Shoff: uint64(sectionsAt),
		Ehsize: 64, Phentsize: 56, Phnum: 2, Shentsize: 64, Shnum: 4, Shstrndx: 3},
		elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: codeAt, Vaddr: probeBase + codeAt, Filesz: uint64(len(code)), Memsz: uint64(len(code)), Align: 0x1000},
		elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: dataAt, Vaddr: probeBase + dataAt, Filesz: 16, Memsz: 16, Align: 0x1000})
	put(codeAt, code)
	put(notesAt, notes, []byte(names))
	put(sectionsAt, elf.Section64{},
		elf.Section64{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Addr: probeBase + codeAt, Off: codeAt, Size: uint64(len(code))},
		elf.Section64{Name: 7, Type: uint32(elf.SHT_NOTE), Off: uint64(notesAt), Size: uint64(len(notes)), Addralign: 4},
		elf.Section64{Name: 21, Type: uint32(elf.SHT_STRTAB), Off: uint64(namesAt), Size: uint64(len(names))})
	return b.Bytes()
}

// probeProgram puts the program into PATH, where sections name it.
func probeProgram(e *Env) (t load.Targets, err error) {
	if runtime.GOARCH != "amd64" {
		return t, errors.New("the program with the probes is for amd64")
	}
	file, err := e.local()
	if err != nil {
		return t, err
	}
	path := os.Getenv("PATH")
	e.Cleanup(func() { os.Setenv("PATH", path) })
	os.Setenv("PATH", filepath.Dir(file))
	return t, os.WriteFile(filepath.Join(filepath.Dir(file), "whistler-probe"), probeFile(), 0o755)
}

// runProbe runs it while somebody looks.
func runProbe(*Env, *load.Collection) error {
	err := exec.Command("whistler-probe").Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return equal("the semaphore", exit.ExitCode(), 2) // a count for each of the places
	}
	return errors.Join(errors.New("the program does not see that its probes are looked at"), err)
}

func probeArguments(e *Env, c *load.Collection) error {
	const word = 0x1122334455667788
	minus := func(n int64) uint64 { return uint64(-n) }
	for i, want := range []uint64{2, minus(5), word, minus(9), word, 0xfb, 0x5566, 0, 6} {
		if err := slotIs(uint32(i), want)(e, c); err != nil {
			return err
		}
	}
	return nil
}

// execute runs the program by its whole path, which the environment keeps.
func execute(e *Env, _ *load.Collection) error {
	file, err := exec.LookPath("whistler-probe")
	if err != nil {
		return err
	}
	e.sockets = append(e.sockets, file)
	var exit *exec.ExitError
	if err := exec.Command(file).Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// executed looks for the path that was run, with its length and the NUL; the
// names in the other record were those that a helper gives.
func executed(e *Env, c *load.Collection) error {
	want := e.sockets[len(e.sockets)-1].(string)
	type text struct {
		Length uint64
		Bytes  [120]byte
	}
	var x text
	if err := eventually(func() error {
		var pid uint32
		for i := c.Map("files").Iterate(); i.Next(&pid, &x); {
			if s, _, ok := strings.Cut(string(x.Bytes[:]), "\x00"); ok && s == want && x.Length == uint64(len(want)+1) {
				return nil
			}
		}
		return fmt.Errorf("nobody ran %s", want)
	}); err != nil {
		return err
	}
	if n, err := Slot(c, "seen", 1); err != nil || n != 0 {
		return fmt.Errorf("%d names are not the current one: %v", n, err)
	}
	return Seen(e, c)
}
