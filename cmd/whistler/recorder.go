package main

import (
	"crypto/sha256"
	"fmt"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
)

// A recorder notes what a compilation asked of a kernel: with the source,
// that is all its input.
type recorder struct {
	kernel.Machine
	asks []ask
}

type ask struct {
	what   string
	answer []byte
}

func (r *recorder) note(what string, answer []byte) { r.asks = append(r.asks, ask{what, answer}) }

// asked lists what was asked, with the hash of the answer.
func (r *recorder) asked() (lines []string) {
	for _, a := range r.asks {
		lines = append(lines, fmt.Sprintf("%s sha256:%x", a.what, sha256.Sum256(a.answer)))
	}
	return lines
}

func (r *recorder) BTF() ([]byte, error) {
	blob, err := r.Machine.BTF()
	if err == nil {
		name := r.File
		if name == "" {
			name = kernel.VmlinuxBTF
		}
		r.note("types from "+name, blob)
	}
	return blob, err
}

func (r *recorder) Tracepoint(category, event string) ([]whistler.TraceField, error) {
	fields, err := r.Machine.Tracepoint(category, event)
	if err == nil {
		r.note("format of "+category+"/"+event, fmt.Append(nil, fields))
	}
	return fields, err
}
