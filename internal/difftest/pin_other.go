//go:build !linux

package difftest

func pinned(f func()) { f() }
