// Package prelude is the part of the language that is written in Lisp: its
// files are embedded and define the macros that every source can use.
package prelude

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/source"
)

// Strings, for an embed.FS would give copies.
var (
	//go:embed control.lisp
	control string
	//go:embed loops.lisp
	loops string
	//go:embed numbers.lisp
	numbers string
	//go:embed maps.lisp
	maps string
	//go:embed queues.lisp
	queues string
	//go:embed headers.lisp
	headers string
	//go:embed packets.lisp
	packets string
	//go:embed checksum.lisp
	checksum string
	//go:embed events.lisp
	events string
	//go:embed objects.lisp
	objects string
	//go:embed user.lisp
	user string
	//go:embed kernel.lisp
	kernel string
	//go:embed older.lisp
	older string
)

// Files gives the prelude's texts in the order in which they are read, always
// the same ones.
var Files = sync.OnceValue(func() []*source.File {
	files := []*source.File{
		source.NewFile("prelude/control.lisp", control),
		source.NewFile("prelude/loops.lisp", loops),
		source.NewFile("prelude/numbers.lisp", numbers),
		source.NewFile("prelude/maps.lisp", maps),
		source.NewFile("prelude/queues.lisp", queues),
		source.NewFile("prelude/headers.lisp", headers),
		source.NewFile("prelude/packets.lisp", packets),
		source.NewFile("prelude/checksum.lisp", checksum),
		source.NewFile("prelude/events.lisp", events),
		source.NewFile("prelude/objects.lisp", objects),
		source.NewFile("prelude/user.lisp", user),
		source.NewFile("prelude/kernel.lisp", kernel),
		source.NewFile("prelude/older.lisp", older),
	}
	for _, f := range files {
		f.Fixed = true
	}
	return files
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
var Definitions = sync.OnceValue(func() []Definition {
	ds := make([]Definition, 0, 144)
	for _, f := range Files() {
		for off := 0; off < len(f.Text); {
			end := len(f.Text)
			if i := strings.Index(f.Text[off:], "\n("); i >= 0 {
				end = off + i + 1
			}
			if f.Text[off] == '(' {
				kind, rest, _ := strings.Cut(f.Text[off:end], " ")
				name := rest[:strings.IndexAny(rest, " \n")]
				ds = append(ds, Definition{name, kind == "(defmacro", source.Pos{File: f, Start: int32(off), End: int32(end)}})
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
