//go:build linux

package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A compiler makes an object of one side of a pair.
type compiler struct {
	name string
	args func(dir, pair, out string) []string
}

func clang(name string) compiler {
	return compiler{name, func(dir, pair, out string) []string {
		return []string{name, "-O2", "-g", "-mcpu=v3", "-target", "bpf", "-I" + kernelHeaders(),
			"-c", filepath.Join(dir, "c", pair+".c"), "-o", out}
	}}
}

func whistler(bin string) compiler {
	return compiler{"whistler", func(dir, pair, out string) []string {
		return []string{bin, "compile", "-o", out, filepath.Join(dir, "lisp", pair+".lisp")}
	}}
}

// kernelHeaders is where this architecture's asm/types.h is.
func kernelHeaders() string {
	files, _ := filepath.Glob("/usr/include/*/asm/types.h")
	if len(files) == 0 {
		return "/usr/include"
	}
	return filepath.Dir(filepath.Dir(files[0]))
}

// buildWhistler builds the command into dir. It is run from the module's tree.
func buildWhistler(dir string) (string, error) {
	built, bin := filepath.Join(dir, "built"), filepath.Join(dir, "whistler")
	cmd := exec.Command("go", "build", "-o", built, "github.com/whistler-lang/whistler/cmd/whistler")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the README installs it
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building whistler: %v\n%s", err, out)
	}
	// Installed, as clang is: what a linker has written here and there lies in
	// more pieces in the kernel's memory, which takes longer to map.
	from, err := os.Open(built)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.OpenFile(bin, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, from, make([]byte, 256<<10)) // as cp does
	return bin, errors.Join(err, to.Close())
}

// A build is the outcome of a compiler's run.
type build struct {
	file  string
	slots int
	time  time.Duration // wall clock of the process
	rss   int64         // bytes, at most
}

// compile runs the compiler once.
func (c compiler) compile(dir, pair, tmp string) (build, error) {
	b := build{file: filepath.Join(tmp, pair+"."+c.name+".o")}
	argv := c.args(dir, pair, b.file)
	said, err := os.CreateTemp(tmp, "stderr") // not a pipe, at which this process would be busy too
	if err != nil {
		return b, err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = said
	apart(func() {
		start := time.Now()
		err = cmd.Run()
		b.time = time.Since(start)
	})
	if err != nil {
		text, _ := os.ReadFile(said.Name())
		return b, fmt.Errorf("%s: %v\n%s", strings.Join(argv, " "), err, text)
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		b.rss = u.Maxrss * 1024
	}
	b.slots, err = slots(b.file)
	return b, err
}

const compilations = 15

// compileRounds runs all compilers, one after the other, the given number of times:
// the fastest run of each counts.
func compileRounds(cs [3]compiler, dir, pair, tmp string, times int) (builds [3]build, err error) {
	for round := range times {
		for i, c := range cs {
			b, err := c.compile(dir, pair, tmp)
			if err != nil {
				return builds, err
			}
			if old := builds[i]; round > 0 {
				b.time, b.rss = min(b.time, old.time), max(b.rss, old.rss)
			}
			builds[i] = b
		}
	}
	return builds, nil
}

// allCPUs are those that this process could use when it began.
var allCPUs = func() (set unix.CPUSet) {
	unix.SchedGetaffinity(0, &set)
	return set
}()

// apart runs f on a thread that may use all CPUs: processes inherit the one that
// a thread is pinned to, and so do threads that it makes.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and no more: the thread ends with this
		unix.SchedSetaffinity(0, &allCPUs)
		f()
	}()
	<-done
}

// slots counts the instruction slots of an object: 8 bytes each, of all
// functions.
func slots(file string) (n int, err error) {
	f, err := elf.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_EXECINSTR != 0 {
			n += int(s.Size) / 8
		}
	}
	return n, nil
}

// have tells whether a program is installed.
func have(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// tempDir makes a directory for objects.
func tempDir() (string, func(), error) {
	dir, err := os.MkdirTemp("", "whistler-bench")
	return dir, func() { os.RemoveAll(dir) }, err
}
