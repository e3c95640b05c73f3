// Package e2e tests the whistler command from the outside: it runs the built
// binary as a process, sends it real traffic through network namespaces that
// it makes itself, and asks other programs (bpftool, llvm-objdump, clang)
// what they think of the objects.
//
// The tests need root. Where a privilege or a program is missing they are
// skipped with the reason; with CI=true and root a skip is a failure.
package e2e
