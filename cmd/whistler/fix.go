package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/source"
)

// fixing is what commands that mend sources have for it.
type fixing struct {
	Fix    bool `help:"Mend the source where that is mechanical, and say what was changed."`
	DryRun bool `name:"dry-run" help:"With --fix: show the changes, and leave the source as it is."`
	Diff   bool `help:"The same as --fix --dry-run."`
}

// mostFixes bounds how often one file is mended.
const mostFixes = 200

// mend applies the fixes of the source to it, one after the other.
func (x *fixing) mend(a *app, in *input) error {
	switch {
	case x.DryRun && !x.Fix && !x.Diff:
		return errUsage{errors.New("--dry-run is for --fix")}
	case !x.Fix && !x.Diff:
		return nil
	case in.File == "-":
		return errUsage{errors.New("--fix changes files, not standard input")}
	}
	read, name, err := in.read()
	if err != nil || isObject(read) {
		return err
	}
	text := string(read)
	had := map[string]bool{text: true}
	for i := 0; i < mostFixes; i++ {
		sources := []whistler.Source{{Name: name, Text: text}}
		all := said(whistler.Compile(context.Background(), sources, in.options(nil)))
		whistler.Mend(sources, in.options(nil), all, true)
		which := slices.IndexFunc(all, func(e *source.Error) bool { return len(e.Fixes) > 0 })
		if which < 0 {
			break
		}
		done := all[which]
		now := done.Fixes[0].Apply(done.Pos.File)
		if had[now] { // round and round
			break
		}
		had[now] = true
		if !in.JSON {
			fmt.Fprintf(a.out, "%s  fix: %s\n", done.Render(source.Style{}), done.Fixes[0].Title)
			writeDiff(a.out, in.File, text, now)
		}
		text = now
	}
	if text == string(read) || x.DryRun || x.Diff {
		return nil
	}
	return rewrite(in.File, read, text)
}

// said is what a compilation has to say.
func said(obj *whistler.Object, err error) source.List {
	if err == nil {
		return obj.Warnings()
	}
	var l source.List
	errors.As(err, &l)
	return l
}

// rewrite puts text in the place of a source that has not changed since it was read.
func rewrite(file string, was []byte, text string) error {
	name, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	st, err := os.Stat(name)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, was) {
		return fmt.Errorf("%s has changed meanwhile and was not changed", file)
	}
	return replaceFile(name, []byte(text), st.Mode().Perm())
}

// A jsonFix is a fix as editors apply it: all its edits, of the text as it was.
type jsonFix struct {
	Title string     `json:"title"`
	Edits []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
	Text      string `json:"text"`
}

func fixesJSON(e *source.Error) (out []jsonFix) {
	for _, x := range e.Fixes {
		j := jsonFix{Title: x.Title}
		for _, d := range x.Edits {
			t := jsonEdit{File: d.Pos.File.Name, Text: d.Text}
			t.Line, t.Column = d.Pos.LineCol()
			end := d.Pos
			end.Start = end.End
			t.EndLine, t.EndColumn = end.LineCol()
			j.Edits = append(j.Edits, t)
		}
		out = append(out, j)
	}
	return out
}

// around is how many lines a diff shows around a change.
const around = 3

// writeDiff writes the unified diff of two texts, as one hunk from the first
// change to the last.
func writeDiff(w io.Writer, name, old, now string) {
	a, b := lines(old), lines(now)
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	back := 0
	for back < min(len(a), len(b))-from && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	begin, rest := max(0, from-around), min(back, around)
	of := func(l []string) string {
		n := len(l) - back + rest - begin
		if n == 0 {
			return fmt.Sprintf("%d,0", begin)
		}
		return fmt.Sprintf("%d,%d", begin+1, n)
	}
	fmt.Fprintf(w, "--- %s\n+++ %s\n@@ -%s +%s @@\n", name, name, of(a), of(b))
	put := func(mark string, l []string) {
		for _, s := range l {
			if !strings.HasSuffix(s, "\n") {
				s += "\n\\ No newline at end of file\n"
			}
			io.WriteString(w, mark+s)
		}
	}
	put(" ", a[begin:from])
	compare(a[from:len(a)-back], b[from:len(b)-back], put)
	put(" ", a[len(a)-back:len(a)-back+rest])
}

func lines(s string) []string {
	l := strings.SplitAfter(s, "\n")
	if n := len(l); l[n-1] == "" {
		l = l[:n-1]
	}
	return l
}

// compare puts what is only in a, only in b or in both, by their longest common
// sequence, which has to be short.
func compare(a, b []string, put func(mark string, l []string)) {
	if len(a)*len(b) > 1<<22 {
		put("-", a)
		put("+", b)
		return
	}
	best := make([][]int, len(a)+1)
	for i := range best {
		best[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if best[i][j] = max(best[i+1][j], best[i][j+1]); a[i] == b[j] {
				best[i][j] = best[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			put(" ", a[i:i+1])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && best[i+1][j] >= best[i][j+1]:
			put("-", a[i:i+1])
			i++
		default:
			put("+", b[j:j+1])
			j++
		}
	}
}
