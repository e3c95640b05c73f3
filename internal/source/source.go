// Package source says where things stand in the user's text and what is
// wrong with them: positions, diagnostics, and their rendering.
package source

import (
	"sort"
	"strconv"
	"strings"
	"sync"
)

// A File is one source text. Its lines are found once, when the first is asked
// for, so that a Pos needs only two offsets.
type File struct {
	Name  string // as it appears in messages and in objects
	Text  string
	Path  string // where `include` looks from; Name if empty
	Fixed bool   // what is read from it is for several compilations: nobody may change it
	found sync.Once
	lines []int // offset of each line's first byte
}

// NewFile takes a text under the name that messages and objects show.
func NewFile(name, text string) *File { return &File{Name: name, Text: text} }

func (f *File) starts() []int {
	f.found.Do(func() {
		f.lines = make([]int, 1, 1+strings.Count(f.Text, "\n"))
		for i := 0; i < len(f.Text); i++ {
			if f.Text[i] == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	})
	return f.lines
}

// Line gives the text of line n (from 1) without its line end.
func (f *File) Line(n int) string {
	lines := f.starts()
	if n < 1 || n > len(lines) {
		return ""
	}
	end := len(f.Text)
	if n < len(lines) {
		end = lines[n] - 1
	}
	return strings.TrimSuffix(f.Text[lines[n-1]:end], "\r")
}

// A Pos is a span of a file: bytes Start up to End. The zero Pos is nowhere.
type Pos struct {
	File       *File
	Start, End int32
}

// Known reports whether p is somewhere.
func (p Pos) Known() bool { return p.File != nil }

// LineCol gives line and column of p's first byte, both from 1; a column
// counts characters, not bytes.
func (p Pos) LineCol() (line, col int) {
	if p.File == nil {
		return 0, 0
	}
	lines := p.File.starts()
	line = sort.Search(len(lines), func(i int) bool { return lines[i] > int(p.Start) })
	begin := lines[line-1]
	return line, len([]rune(p.File.Text[begin:min(int(p.Start), len(p.File.Text))])) + 1
}

// String is file:line:col.
func (p Pos) String() string {
	if p.File == nil {
		return "<generated>"
	}
	line, col := p.LineCol()
	return p.File.Name + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(col)
}

// Text is what p spans.
func (p Pos) Text() string {
	if p.File == nil || int(p.End) > len(p.File.Text) || p.Start > p.End {
		return ""
	}
	return p.File.Text[p.Start:p.End]
}

// Or is p where it is known, else q.
func (p Pos) Or(q Pos) Pos {
	if p.File != nil {
		return p
	}
	return q
}
