package indent

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// special are the operators that are laid out otherwise than their lambda
// lists say, or have none.
var special = map[string]int{"if-let": 2, "if-let*": 2, "lambda": 1, "eval-when": 1, "handler-case": 1, "unwind-protect": 1, "multiple-value-bind": 2,
	"destructuring-bind": 2, "progn": 0, "loop": 0, "let": 1, "let*": 1, "dotimes": 1, "dolist": 1, "block": 1, "defun": 2, "defmacro": 2, "labels": 1, "flet": 1,
	"macrolet": 1, "case": 1, "ecase": 1, "typecase": 1, "etypecase": 1, "do": 2, "do*": 2, "with-output-to-string": 1, "bpf:prog": 2, "bpf:map": 1, "%once": 1, "%while": 1}

// For gives the bodies of the language's operators, and of the macros that
// text defines. err is what the reader says of it.
func For(f *source.File) (Bodies, error) {
	of := map[string]int{}
	for _, t := range lang.Topics() {
		if t.Kind != "declaration" && t.Kind != "form" && t.Kind != "macro" {
			continue
		}
		if n, ok := before(t.Syntax); ok {
			of[t.Name] = n
		}
	}
	for name, n := range special {
		of[name] = n
	}
	forms, errs := sexp.ReadAll(f, sexp.NewTable(nil), sexp.Features{})
	if len(errs) > 0 {
		return nil, errs
	}
	for _, form := range forms {
		items, ok := sexp.Slice(form.V)
		if !ok || len(items) < 3 {
			continue
		}
		head, _ := items[0].(*sexp.Symbol)
		name, _ := items[1].(*sexp.Symbol)
		if head == nil || name == nil || head.Name != "DEFMACRO" {
			continue
		}
		if n, ok := before("(" + name.Name + " " + strings.TrimPrefix(sexp.Print(items[2]), "(")); ok {
			of[strings.ToLower(name.Name)] = n
		}
	}
	return func(operator string) (int, bool) {
		n, ok := of[operator]
		return n, ok
	}, nil
}

// before counts the arguments before the body in a lambda list, as
// "(when test &body body)" has it.
func before(syntax string) (n int, ok bool) {
	depth, word := 0, ""
	for _, r := range strings.ToLower(syntax) + " " {
		switch {
		case r == '(' || r == '[':
			if depth++; depth == 2 && r == '(' { // what stands in brackets may be left out
				n++
			}
			word = ""
			continue
		case r == ')' || r == ']':
			depth--
		case depth <= 1 && r != ' ':
			word += string(r)
			continue
		}
		if depth > 1 || word == "" {
			continue
		}
		if word == "&body" || strings.HasPrefix(word, "body...") {
			return n - 1, true // without the operator
		}
		if word[0] != '&' {
			n++
		}
		word = ""
	}
	return 0, false
}
