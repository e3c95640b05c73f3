//go:build linux

package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
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
	bin := filepath.Join(dir, "whistler")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/whistler-lang/whistler/cmd/whistler")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the README installs it
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building whistler: %v\n%s", err, out)
	}
	return bin, nil
}

// A build is the outcome of a compiler's run.
type build struct {
	file  string
	slots int
	time  time.Duration // wall clock of the process
	rss   int64         // bytes, at most
}

// compile runs the compiler the given number of times; the fastest counts.
func (c compiler) compile(dir, pair, tmp string, times int) (build, error) {
	b := build{file: filepath.Join(tmp, pair+"."+c.name+".o")}
	for i := range times {
		argv := c.args(dir, pair, b.file)
		cmd := exec.Command(argv[0], argv[1:]...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		var err error
		var took time.Duration
		apart(func() {
			start := time.Now()
			err = cmd.Run()
			took = time.Since(start)
		})
		if err != nil {
			return b, fmt.Errorf("%s: %v\n%s", strings.Join(argv, " "), err, stderr.Bytes())
		}
		if i == 0 || took < b.time {
			b.time = took
		}
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			b.rss = max(b.rss, u.Maxrss*1024)
		}
	}
	var err error
	b.slots, err = slots(b.file)
	return b, err
}

// apart runs f on another thread than the caller's: processes inherit the CPU
// that a thread is pinned to.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
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
