package abi

import "strings"

// constant is one name and value of the UAPI headers. Values above the
// signed range are kept as the same 64 bits.
type constant struct {
	name  string
	value int64
}

// Constant finds the value of an enumerator or integer macro of the kernel's
// UAPI (and of errno, signals, socket families, open flags) by its exact C name.
func Constant(name string) (int64, bool) {
	i, ok := search(len(constants), func(i int) string { return constants[i].name }, name)
	if !ok {
		return 0, false
	}
	return constants[i].value, true
}

// ConstantFold is Constant for a Lisp spelling: any case, '-' for '_'.
func ConstantFold(name string) (int64, bool) {
	if v, ok := Constant(name); ok {
		return v, true
	}
	c := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if c == name {
		return 0, false
	}
	return Constant(c)
}

// ConstantsWithPrefix lists the names that begin with prefix, sorted: for
// messages and completion.
func ConstantsWithPrefix(prefix string) []string {
	i, _ := search(len(constants), func(i int) string { return constants[i].name }, prefix)
	var out []string
	for ; i < len(constants) && strings.HasPrefix(constants[i].name, prefix); i++ {
		out = append(out, constants[i].name)
	}
	return out
}
