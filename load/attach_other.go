//go:build !linux

package load

import (
	"errors"
	"os"
)

// attachers is empty: only Linux has what programs attach to.
var attachers []attacher

// SocketOf takes a socket of another process.
func SocketOf(pid, fd int) (*os.File, error) {
	return nil, errors.New("only Linux has what programs attach to")
}

func nfName(family, hook uint32, priority int32) string { return "" }
