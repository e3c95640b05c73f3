//go:build linux

// Bench compares whistler with clang: pairs of programs with the same
// behaviour, one in C (bench/c) and one in Lisp (bench/lisp). It checks that
// both sides of each pair do the same, measures them, and writes
// bench/results.md. It needs root, clang-14, clang-19 and libbpf's headers.
//
//	go run ./bench            everything
//	go run ./bench -quick     behaviour and the exact numbers only
//	go run ./bench -asm NAME  both disassemblies
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

func main() {
	if os.Getenv(connectEnv) != "" {
		connectAll()
		return
	}
	quick := flag.Bool("quick", false, "only behaviour and the exact numbers")
	filter := flag.String("run", "", "only pairs whose `name` matches")
	asmOf := flag.String("asm", "", "print both disassemblies of the pair of this `name`")
	dir := flag.String("dir", "bench", "the `directory` of the pairs")
	flag.Parse()
	if err := bench(*dir, *filter, *asmOf, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(dir, filter, asmOf string, quick bool) error {
	match, err := regexp.Compile(filter)
	if err != nil {
		return err
	}
	tmp, remove, err := tempDir()
	if err != nil {
		return err
	}
	defer remove()
	bin, err := buildWhistler(tmp)
	if err != nil {
		return err
	}
	compilers := [3]compiler{clang("clang-14"), clang("clang-19"), whistler(bin)}
	if asmOf != "" {
		return printAsm(dir, tmp, asmOf, compilers)
	}
	if err := pin(lastCPU()); err != nil {
		return err
	}
	var rows []*row
	failed := 0
	for _, p := range pairs() {
		if !match.MatchString(p.name) {
			continue
		}
		r := p.examine(dir, tmp, compilers, quick)
		if r.problem != "" {
			failed++
		}
		fmt.Fprintf(os.Stderr, "%-18s %s %s\n", r.name, r.how, r.problem)
		rows = append(rows, r)
	}
	text := report(rows, quick)
	fmt.Print(text)
	if filter == "" && !quick {
		if err := os.WriteFile(filepath.Join(dir, "results.md"), []byte("# Whistler and clang\n\nWritten by `make bench`. "+text), 0o644); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d pairs fail", failed)
	}
	return nil
}

// examine compiles, compares and measures a pair.
func (p *pair) examine(dir, tmp string, compilers [3]compiler, quick bool) *row {
	r := &row{name: p.name, how: p.how()}
	times := compilations
	if quick {
		times = 1
	}
	var err error
	if r.builds, err = compileRounds(compilers, dir, p.name, tmp, times); err != nil {
		r.problem = err.Error()
		return r
	}
	var files []string
	for i, b := range r.builds {
		files = append(files, b.file)
		o, err := open(b.file, nil)
		if err != nil {
			r.problem = err.Error()
			return r
		}
		r.verified[i], r.jited[i], err = o.verified()
		o.close()
		if err != nil {
			r.problem = err.Error()
			return r
		}
	}
	for _, f := range []string{files[0], files[ours]} {
		if err := p.compare(files[1], f); err != nil {
			r.problem = err.Error()
			return r
		}
	}
	if !quick {
		if r.ns, r.fastest, err = p.nanoseconds(files); err != nil {
			r.problem = err.Error()
		}
	}
	return r
}

// lastCPU is the one of the highest number that this process may use: others
// are busier with interrupts.
func lastCPU() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 0
	}
	for cpu := 1023; cpu > 0; cpu-- {
		if set.IsSet(cpu) {
			return cpu
		}
	}
	return 0
}
