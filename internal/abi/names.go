package abi

import "strings"

// ObjectName gives the name under which a Lisp symbol appears in objects, BTF,
// bindings and -D: a C identifier.
//
//	PKT-COUNT => pkt_count     *LIMIT* => limit    +MAX+ => max
//	|pktCount| => pktCount     3WAY => _3way       INT => int_
//
// The argument is the symbol's name as the reader keeps it, upper case for an
// ordinary symbol; one with lower-case letters was written in bars and keeps
// its case.
func ObjectName(lisp string) string {
	s := lisp
	if !strings.ContainsFunc(s, func(r rune) bool { return 'a' <= r && r <= 'z' }) {
		s = strings.ToLower(s)
	}
	if n := len(s); n > 2 && s[0] == s[n-1] && (s[0] == '*' || s[0] == '+') {
		s = s[1 : n-1]
	}
	b := make([]byte, 0, len(s)+1)
	if s == "" || '0' <= s[0] && s[0] <= '9' {
		b = append(b, '_')
	}
	for _, r := range s {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			b = append(b, byte(r))
		} else {
			b = append(b, '_')
		}
	}
	if cKeyword(string(b)) {
		b = append(b, '_')
	}
	return string(b)
}

// cKeyword tells whether a name is a keyword of C, up to C23 (but for the
// words that are macros before it), so that generated C headers compile.
func cKeyword(name string) bool {
	_, ok := search(len(cKeywords), func(i int) string { return cKeywords[i] }, name)
	return ok
}

var cKeywords = [...]string{
	"_Alignas", "_Alignof", "_Atomic", "_BitInt", "_Bool", "_Complex", "_Decimal128", "_Decimal32", "_Decimal64",
	"_Generic", "_Imaginary", "_Noreturn", "_Static_assert", "_Thread_local",
	"alignas", "alignof", "asm", "auto", "bool", "break", "case", "char", "const", "constexpr", "continue",
	"default", "do", "double", "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int",
	"long", "nullptr", "register", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert",
	"struct", "switch", "thread_local", "true", "typedef", "typeof", "typeof_unqual", "union", "unsigned",
	"void", "volatile", "while",
}
