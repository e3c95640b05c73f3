.PHONY: bench test kernels superopt

# Compares with clang and writes bench/results.md; as root, with clang-14,
# clang-19, llvm-19 and libbpf-dev.
bench:
	go run ./bench

test:
	go test ./...

# Looks for rules that internal/opt/rules.lisp lacks, and prints them.
superopt:
	go run ./internal/superopt bench/lisp/*.lisp examples/*.lisp testdata/original/*.lisp

# All kernels of the matrix, under qemu; writes docs/kernels.md.
kernels:
	go test ./internal/matrix -kernels all -update -timeout 60m
