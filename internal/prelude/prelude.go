// Package prelude is the part of the language that is written in Lisp: its
// files are embedded and define the macros that every source can use.
package prelude

import (
	"embed"
	"sync"

	"github.com/whistler-lang/whistler/internal/source"
)

//go:embed *.lisp
var files embed.FS

// Names are the files in the order in which they are read.
var Names = []string{"control.lisp", "loops.lisp", "numbers.lisp", "maps.lisp", "queues.lisp", "headers.lisp", "packets.lisp", "checksum.lisp", "events.lisp", "objects.lisp", "user.lisp", "kernel.lisp", "older.lisp"}

// Files gives the prelude's texts, always the same ones.
var Files = sync.OnceValue(func() (fs []*source.File) {
	for _, n := range Names {
		text, err := files.ReadFile(n)
		if err != nil {
			panic(err) // the file is embedded
		}
		fs = append(fs, source.NewFile("prelude/"+n, string(text)))
	}
	return fs
})

// IsPrelude reports whether f is one of the prelude's files.
func IsPrelude(f *source.File) bool {
	for _, p := range Files() {
		if p == f {
			return true
		}
	}
	return false
}
