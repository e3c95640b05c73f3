//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
)

var instructionBytes = regexp.MustCompile(`(?m)^(\s+\d+:)(\s+[0-9a-f]{2}){8}`)

// disassembly is an object as llvm-objdump prints it.
func disassembly(file string) (string, error) {
	out, err := exec.Command("llvm-objdump-19", "-d", "-r", "--no-show-raw-insn", file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("llvm-objdump-19 %s: %v\n%s", file, err, out)
	}
	return instructionBytes.ReplaceAllString(string(out), "$1"), nil
}

// printAsm prints both sides of a pair, clang's first.
func printAsm(dir, tmp, name string, compilers [3]compiler) error {
	for _, c := range compilers[1:] {
		b, err := c.compile(dir, name, tmp)
		if err != nil {
			return err
		}
		text, err := disassembly(b.file)
		if err != nil {
			return err
		}
		fmt.Printf("==== %s: %d slots\n%s\n", filepath.Base(b.file), b.slots, text)
	}
	return nil
}
