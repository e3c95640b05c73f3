package load

import (
	"regexp"
	"strings"
	"sync"
)

// A Cause says what a refusal of the verifier means.
type Cause struct {
	// Code is that of the diagnostic that the compiler has for the same
	// mistake, or "verifier" where it has none.
	Code     string
	What     string // in the words of the language
	Expected string
	Hint     string
}

// causes is the catalogue: a pattern of the kernel's words, and what they
// mean. The first row that matches counts. In What, $1 is the pattern's first
// group. The words are those of kernel/bpf/verifier.c.
var causes = []struct {
	pattern string
	Cause
}{
	{`R\d+ invalid mem access '(map_value|mem|sock|sock_common|tcp_sock|rdonly_mem|ptr|trusted_ptr)_or_null'`, Cause{"null-dereference", "this uses a pointer that may be null here", "a test of the pointer on the way here", "(when-let ((p ...)) ...) runs its body where p is not null"}},
	{`R\d+ pointer arithmetic on (\w+)_or_null prohibited`, Cause{"null-arithmetic", "arithmetic on a pointer that may be null here", "a test of the pointer before", "(when-let ((p ...)) ...) runs its body where p is not null"}},
	{`invalid access to packet, off=(-?\d+) size=(\d+)`, Cause{"packet-bounds", "this reads or writes packet data that no comparison with the end of the packet covers", "a comparison with the end of the packet on the way here", "(when (> (+ data n) data-end) (return ...)), or with-packet with :min-len"}},
	{`R\d+ offset is outside of the packet`, Cause{"packet-bounds", "this reaches outside of the packet", "a comparison with the end of the packet on the way here", "(when (> (+ data n) data-end) (return ...)), or with-packet with :min-len"}},
	{`invalid access to map value, value_size=(\d+) off=(-?\d+) size=(\d+)`, Cause{"map-value-bounds", "this reaches outside of the map's value, which has $1 bytes: at offset $2", "an offset inside of the value", "compare the index with the size before, or mask it: (logand i mask)"}},
	{`(?:math between \w+ pointer and register with unbounded|R\d+ (?:unbounded memory access|min value is negative|max value is outside of the allowed memory range))`, Cause{"unbounded-offset", "the offset or size here may be out of range: the verifier knows no bound for it", "a comparison or a mask that bounds it, of the same variable, on the way here", "(when (< i n) ...) or (logand i (1- n)); keep it unsigned"}},
	{`R\d+ min value is outside of the allowed memory range`, Cause{"unbounded-offset", "the offset here may be before the start of the memory", "an offset that is not negative", "(when (>= i 0) ...), or an unsigned variable"}},
	{`(?i)invalid (?:variable-offset|unbounded variable-offset|indirect|read from|write to|indirect access to).* stack`, Cause{"stack-bounds", "this reads or writes outside of a buffer of the stack, or bytes of it that nothing has written", "an offset inside of the buffer, and bytes that were written before", "bound the index by a comparison or mask; (memset buf 0 0 n) fills a buffer"}},
	{`invalid read from stack`, Cause{"stack-bounds", "this reads bytes of the stack that nothing has written", "bytes that were written before", "(memset buf 0 0 n) fills a buffer"}},
	{`R(\d+) !read_ok`, Cause{"no-value", "this uses a value that is not there on every path, or not after a call", "a value that is set on every path", ""}},
	{`Unreleased reference id=\d+ alloc_insn=(\d+)`, Cause{"reference-leak", "what instruction $1 acquired is not given back on this path", "a release on every path", "with-ringbuf and with-dynptr release on every path, for a return as well"}},
	{`(BPF_EXIT instruction|tail_call|bpf_throw).* would lead to reference leak`, Cause{"reference-leak", "the program leaves here with a reference that is not given back", "a release on every path", "with-ringbuf and with-dynptr release on every path, for a return as well"}},
	{`invalid bpf_context access off=(\d+) size=(\d+)`, Cause{"context-access", "programs of this type may not read or write this part of the context: $2 bytes at offset $1", "a field that the program type has, with its whole size", "`whistler help` with the program type lists the fields of its context"}},
	{`dereference of modified ctx ptr`, Cause{"context-access", "the context is reached through a pointer that was changed", "the context's own fields", "(ctx field)"}},
	{`back-edge from insn (\d+) to (\d+)|infinite loop detected`, Cause{"unbounded-loop", "this loop has no end that the verifier can see", "a bound on the number of turns", "(dotimes (i n) ...) with a constant n, :max in (while ...), or (bpf-loop (i n) ...)"}},
	{`(BPF program is too large|too many instructions|program is too large)`, Cause{"too-complex", "there are too many paths through the program: the verifier gave up after a million instructions", "fewer branches that multiply", "put a part into a (defsubprog ... (:global t)), which is verified once, or loop with bpf-loop"}},
	{`combined stack size of (\d+) calls is (\d+)`, Cause{"stack-size", "$1 functions that call each other need $2 bytes of stack together", "512 bytes at most", "keep large buffers in a per-CPU array"}},
	{`the call stack of (\d+) frames is too deep`, Cause{"call-depth", "calls are nested $1 deep", "8 at most", ""}},
	{`misaligned (\w+) access`, Cause{"misaligned", "this access is not aligned to its size, and has to be", "an offset that is a multiple of the size", "read it in smaller parts"}},
	{`R(\d+) pointer (?:arithmetic|\+=|-=|operation).*prohibited|R\d+ bitwise operator .* on pointer|R\d+ 32-bit pointer arithmetic`, Cause{"pointer-arithmetic", "this computes with a pointer in a way that the verifier does not follow", "additions and subtractions of numbers with bounds", ""}},
	{`R(\d+) leaks addr|leaking pointer`, Cause{"pointer-leak", "this puts an address of the kernel where user space, or everybody, can read it", "a number that is no pointer", ""}},
	{`At program exit the register R0 has (?:unknown scalar value|smin=\S+ smax=\S+|.*) should have been in`, Cause{"bad-result", "the result of the program is not in the range that its type has", "one of the type's results", "end the program with a constant such as XDP_PASS"}},
	{`At program exit the register R0`, Cause{"bad-result", "the result of the program is not what its type has", "one of the type's results", "end the program with a constant such as XDP_PASS"}},
	{`cannot call GPL-restricted function from non-GPL compatible program`, Cause{"license", "this helper is for programs with a GPL-compatible licence", `:license "GPL"`, ""}},
	{`(?:program of this type cannot use helper|unknown func) (bpf_\w+|\w+)#(\d+)`, Cause{"helper-not-allowed", "programs of this type may not call $1", "a helper that the program type has", "`whistler help` with the helper's name lists the types that have it"}},
	{`helper call is not allowed in probe|sleepable|might sleep|may be called from sleepable`, Cause{"sleepable", "this sleeps, where a program may not: under a lock, or in a program that is not sleepable", "a :sleepable program, outside of locks", ""}},
	{`R(\d+) type=(\w+) expected=(.*)`, Cause{"argument-kind", "argument $1 of the call is of the wrong kind: it is $2, and the kernel wants $3", "a value of the kind that the call takes", "`whistler help` with the helper's name shows its arguments"}},
	{`cannot write into (?:packet|map.*|rdonly_\w+|mem.*)|write into map forbidden|cannot write`, Cause{"read-only", "this writes to memory that programs may only read", "memory that may be written", ""}},
	{`R(\d+) must have zero offset when passed to release|release.* unmodified`, Cause{"argument-kind", "what is given back must be the pointer as it was acquired", "the pointer itself, without an offset", ""}},
	{`lock|bpf_spin_(?:un)?lock`, Cause{"lock", "the rules of spin locks are broken here: one lock at a time, no calls while it is held, let go on every path", "with-spin-lock", ""}},
	{`R(\d+) invalid mem access '(scalar|inv)'`, Cause{"not-a-pointer", "this uses a number, or an address that the verifier does not know, as a pointer", "a pointer from a map, the packet, the context or the stack", "(probe-read-kernel ...) reads any address of the kernel"}},
	{`R(\d+) invalid mem access '(\w+)'`, Cause{"not-a-pointer", "this memory cannot be read or written so ($2)", "a pointer from a map, the packet, the context or the stack", ""}},
	{regexp.QuoteMeta(tooManyPaths), Cause{"too-complex", "", "fewer branches that multiply", "put a part into a (defsubprog ... (:global t)), which is verified once"}},
}

var causePatterns = sync.OnceValue(func() (out []*regexp.Regexp) {
	for _, c := range causes {
		out = append(out, regexp.MustCompile(c.pattern))
	}
	return out
})

// causeOf finds what the verifier's words mean, nil if no row has them.
func causeOf(reason string) *Cause {
	for i, p := range causePatterns() {
		m := p.FindStringSubmatch(reason)
		if m == nil {
			continue
		}
		c := causes[i].Cause
		for j := len(m) - 1; j > 0; j-- {
			c.What = strings.ReplaceAll(c.What, "$"+string(rune('0'+j)), m[j])
		}
		return &c
	}
	return nil
}
