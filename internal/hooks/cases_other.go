//go:build !linux

package hooks

// Cases is empty: only Linux has hooks.
var Cases []Case
