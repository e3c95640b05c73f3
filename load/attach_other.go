//go:build !linux

package load

// attachers is empty: only Linux has what programs attach to.
var attachers []attacher
