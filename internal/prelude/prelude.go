// Package prelude is the part of the language that is written in Lisp: its
// files are embedded and define the macros that every source can use.
package prelude

import (
	"embed"
	"strings"
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

// A Definition is a (defmacro name ...) or (defun name ...) of the prelude,
// which is where At says.
type Definition struct {
	Name  string // in lower case
	Macro bool
	At    source.Pos
}

// Definitions lists the prelude's, in order: they begin lines, and nothing
// else there begins one with a parenthesis.
var Definitions = sync.OnceValue(func() (ds []Definition) {
	for _, f := range Files() {
		for off := 0; off < len(f.Text); {
			end := len(f.Text)
			if i := strings.Index(f.Text[off:], "\n("); i >= 0 {
				end = off + i + 1
			}
			if words := strings.Fields(f.Text[off:min(off+100, end)]); f.Text[off] == '(' {
				ds = append(ds, Definition{words[1], words[0] == "(defmacro", source.Pos{File: f, Start: int32(off), End: int32(end)}})
			}
			off = end
		}
	}
	return ds
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
