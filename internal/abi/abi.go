// Package abi holds what the compiler must know of the Linux kernel, as tables:
// helpers, map types, program types and sections, context structs, packet
// headers and constants.
//
// The tables are generated (go generate, see gen/). Numbers, sizes and offsets
// come from the kernel's BTF, from its UAPI headers and from libbpf; what may
// be called, read, written or returned where comes from a probe that loads
// small programs and reads the verifier's answer. The head of each generated
// file names the kernel it was taken from.
//
// Rights are those of the kernel that was asked, a recent one: an older kernel
// may refuse what the tables permit. A program type that the kernel did not
// load (Probed false) is taken to permit everything.
//
// The package is pure: it reads no file, asks no kernel, and does no work
// when a process starts. The tables are shared and must not be changed.
package abi

//go:generate go run ./gen

import "sort"

// search finds the first index in [0,n) whose name is not less than want, and
// tells whether it is equal.
func search(n int, name func(int) string, want string) (int, bool) {
	i := sort.Search(n, func(i int) bool { return name(i) >= want })
	return i, i < n && name(i) == want
}

// fold gives the C spelling of a Lisp name for a lookup that ignores case:
// lower case, '-' as '_'.
func fold(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c == '-' || 'A' <= c && c <= 'Z' {
			b := []byte(name)
			for ; i < len(b); i++ {
				switch c := b[i]; {
				case c == '-':
					b[i] = '_'
				case 'A' <= c && c <= 'Z':
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}
