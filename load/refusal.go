package load

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A Refusal is the verifier's no, tied to the source by the object's line
// records.
type Refusal struct {
	Program string
	File    string // as the object names it, "" if unknown
	Line    int    // 0 if unknown
	Insn    int    // the instruction that is refused, -1 if unknown
	Reason  string // the kernel's words, a line
	Cause   *Cause // what they mean, nil if they are in no row of the catalogue
	// Origin is the instruction that made the value that is wrong, -1 if
	// unknown.
	Origin int
	// Branches are the last conditional jumps on the way, the latest first:
	// the instruction, and whether it jumped.
	Branches []Branch
	// Title, Explained and Suggestion are the kernel's own explanation, which
	// Linux gives from 7.3 on.
	Title, Explained, Suggestion string
	Log                          string // the whole log
	Err                          error
}

// A Branch is a conditional jump that the verifier followed.
type Branch struct {
	Insn  int
	Taken bool
}

// patterns of the verifier's log, compiled when a program is refused: most
// processes never need them.
type logPatterns struct {
	line, program, step, from, register *regexp.Regexp
}

var logs = sync.OnceValue(func() logPatterns {
	return logPatterns{
		line:     regexp.MustCompile(`^; .*@ ([^@]+):(\d+)\s*$`),
		program:  regexp.MustCompile(`^program ([^:]+):`),
		step:     regexp.MustCompile(`^(\d+): \(([0-9a-f]{2})\) ([^;]*)`),
		from:     regexp.MustCompile(`^from (\d+) to (\d+): `),
		register: regexp.MustCompile(`\b[Rr](\d+)\b`),
	}
})

// A step is an instruction that the verifier went over.
type step struct {
	insn int
	text string
}

// read takes the log apart.
func (r *Refusal) read(log []string) {
	p := logs()
	r.Insn, r.Origin = -1, -1
	end := len(log)
	for i, l := range log {
		if title, ok := strings.CutPrefix(strings.TrimSpace(l), "Verification failed: "); ok {
			r.Title = title
			r.Explained = section(log[i:], "Reason:")
			r.Suggestion = section(log[i:], "Suggestion:")
			end = i
			break
		}
	}
	var steps []step
	for _, l := range log[:end] {
		if m := p.line.FindStringSubmatch(l); m != nil {
			r.File = m[1]
			r.Line, _ = strconv.Atoi(m[2])
		}
		if m := p.from.FindStringSubmatch(l); m != nil {
			// The verifier comes back to a path that it had put off: what it
			// went over since that jump is of another.
			from, _ := strconv.Atoi(m[1])
			for j := len(steps) - 1; j >= 0; j-- {
				if steps[j].insn == from {
					steps = steps[:j+1]
					break
				}
			}
		}
		if m := p.step.FindStringSubmatch(l); m != nil {
			n, _ := strconv.Atoi(m[1])
			steps = append(steps, step{n, strings.TrimSpace(m[3])})
		}
	}
	if len(steps) > 0 {
		r.Insn = steps[len(steps)-1].insn
	}
	// Behind the last instruction stands why it is refused: of several lines
	// the first that the catalogue knows, else the last.
	for i := end - 1; i >= 0; i-- {
		l := strings.TrimSpace(log[i])
		if l == "" || strings.HasPrefix(l, "processed ") || strings.HasPrefix(l, "verification time") || strings.HasPrefix(l, "stack depth") || strings.HasPrefix(l, ";") {
			continue
		}
		if p.step.MatchString(l) || p.from.MatchString(l) {
			break
		}
		if strings.HasPrefix(l, "The sequence of ") && strings.HasSuffix(l, " jumps is too complex.") {
			l = tooManyPaths
		}
		if c := causeOf(l); c != nil || r.Reason == "" {
			r.Reason, r.Cause = l, c
		}
	}
	if m := p.register.FindStringSubmatch(r.Reason); m != nil && len(steps) > 0 {
		r.Origin = origin(steps[:len(steps)-1], "r"+m[1])
	}
	for i := len(steps) - 2; i >= 0 && len(r.Branches) < 8; i-- {
		if strings.HasPrefix(steps[i].text, "if ") {
			r.Branches = append(r.Branches, Branch{steps[i].insn, steps[i+1].insn != steps[i].insn+1})
		}
	}
}

// section is the paragraph under a heading of the newer log, on one line.
func section(log []string, heading string) string {
	var words []string
	in := false
	for _, l := range log {
		switch t := strings.TrimSpace(l); {
		case t == heading:
			in = true
		case in && t == "" && len(words) > 0, in && strings.HasSuffix(t, ":") && !strings.HasPrefix(l, " "):
			return strings.Join(words, " ")
		case in:
			words = append(words, t)
		}
	}
	return strings.Join(words, " ")
}

// origin follows a register back to the instruction that made its value.
func origin(steps []step, reg string) int {
	for i := len(steps) - 1; i >= 0; i-- {
		text := steps[i].text
		if strings.HasPrefix(text, "call ") && reg == "r0" {
			return steps[i].insn
		}
		if strings.HasPrefix(text, "call ") && reg >= "r1" && reg <= "r5" {
			return -1
		}
		to, from, ok := strings.Cut(text, " = ")
		if !ok || strings.TrimSpace(to) != reg && strings.TrimSpace(to) != "w"+reg[1:] {
			continue
		}
		from = strings.TrimSpace(from)
		if len(from) >= 2 && (from[0] == 'r' || from[0] == 'w') && strings.Trim(from[1:], "0123456789") == "" && from != "r10" {
			reg = "r" + from[1:]
			continue
		}
		return steps[i].insn
	}
	return -1
}
