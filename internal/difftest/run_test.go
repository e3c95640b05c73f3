package difftest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/packet"
)

// TestRun runs testdata/run/*.txt: a source, then steps. A step begins with
//
//	=== PROGRAM [packet in hex]
//
// and holds lines that the outcome must have.
func TestRun(t *testing.T) {
	files, err := filepath.Glob("../../testdata/run/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, steps, err := parseCase(string(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []drawn{{cpu: 2}, {cpu: 3}, {cpu: 4}, {cpu: 3, count: true}, {cpu: 3, short: true}} {
				u, err := d.compile(src)
				if err != nil {
					t.Fatal(err)
				}
				if err := compareEach(u, steps, Privileged()); err != nil {
					t.Errorf("%v: %v", d, err)
				}
			}
			if !Privileged() {
				t.Log("not compared with the kernel: needs root")
			}
		})
	}
}

// exceptions are what a source of the original's may have had to change for.
var exceptions = []string{"typed places truncate", "the i types sign-extend", "constants and run time agree",
	"helper ids and context offsets are the kernel's", "kernel struct access relocates", "map incf does not race",
	"with-ringbuf discards on early return", "compile time is sandboxed", "an unknown section is an error"}

var exception = regexp.MustCompile(`(?m)^;+ exception: section 15, "(.*?)"`)

// originals calls f for testdata/original: sources as users of the original
// wrote them, each NAME.lisp with its steps in NAME.txt.
func originals(t *testing.T, f func(t *testing.T, name, src string, steps []Step)) {
	files, err := filepath.Glob("../../testdata/original/*.lisp")
	if err != nil || len(files) < 16 {
		t.Fatal("too few sources", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".lisp"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(strings.TrimSuffix(file, ".lisp") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			_, steps, err := parseCase(string(text))
			if err != nil {
				t.Fatal(err)
			}
			f(t, filepath.Base(file), string(src), steps)
			if !Privileged() {
				t.Log("not compared with the kernel: needs root")
			}
		})
	}
}

// TestOriginal runs the sources. All their programs are loaded; the kernel
// also runs those that its test run takes.
func TestOriginal(t *testing.T) {
	originals(t, func(t *testing.T, name, src string, steps []Step) {
		if n := strings.Count(src, "\n"); n < 30 || n > 200 || !strings.HasPrefix(src, ";;; "+name) {
			t.Errorf("%d lines, or no header", n)
		}
		named := exception.FindAllStringSubmatch(src, -1)
		if len(named) != strings.Count(src, "exception:") {
			t.Error("an exception is not named")
		}
		for _, m := range named {
			if !slices.Contains(exceptions, m[1]) {
				t.Errorf("%q is no exception", m[1])
			}
		}
		run := map[string]bool{}
		for _, cpu := range []int{2, 3, 4} {
			u, err := Compile(name, src, nil, cpu)
			if err != nil {
				t.Fatal(err)
			}
			if err := Compare(u, steps, Privileged()); err != nil {
				t.Errorf("cpu v%d: %v", cpu, err)
			}
			for _, s := range steps {
				run[s.Program] = true
				if s.Set != nil && s.Set.progArray(u) {
					run[s.Set.Value] = true
				}
			}
			for _, p := range u.Result.Programs {
				if !run[p.Name] {
					t.Errorf("no step runs %s", p.Name)
				}
			}
		}
	})
}

// TestOriginalTruncated runs the same steps with each packet cut at every
// length that the kernel's test run takes.
func TestOriginalTruncated(t *testing.T) {
	originals(t, func(t *testing.T, name, src string, steps []Step) {
		u, err := Compile(name, src, nil, 3)
		if err != nil {
			t.Fatal(err)
		}
		var cut []Step
		for _, s := range steps {
			s.Want = ""
			_, p := u.program(s.Program)
			if p == nil || s.Context != nil {
				cut = append(cut, s)
				continue
			}
			full := s.Packet
			for n := shortest(p.Type, full); n <= len(full); n++ {
				s.Packet = full[:n:n]
				cut = append(cut, s)
			}
		}
		if err := Compare(u, cut, Privileged()); err != nil {
			t.Error(err)
		}
		t.Logf("%d runs", len(cut))
	})
}

// shortest is the length from which on the kernel's test run takes a packet.
func shortest(pt *abi.ProgType, full []byte) int {
	switch {
	case len(packet.LinkHeader(pt, full)) > 0 && len(full) > 0 && full[0]>>4 == 6:
		return abi.HeaderByName("ipv6").Size
	case len(packet.LinkHeader(pt, full)) > 0 || pt.Keyword == "socket-filter":
		return abi.HeaderByName("ipv4").Size
	case pt.SKB:
		return shortestSKB(full)
	}
	return abi.HeaderByName("eth").Size
}

func parseCase(text string) (src string, steps []Step, err error) {
	parts := strings.Split("\n"+text, "\n=== ")
	src = parts[0]
	for _, p := range parts[1:] {
		head, want, _ := strings.Cut(p, "\n")
		s, err := parseStep(strings.Fields(head))
		if err == nil {
			err = s.parseWant(want)
		}
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", head, err)
		}
		steps = append(steps, s)
	}
	return src, steps, nil
}

// parseStep reads what a step runs:
//
//	PROGRAM                        on 64 zero bytes
//	PROGRAM 00112233 4455          on a packet in hex
//	PROGRAM eth ipv4 tcp dport=80  on a packet of words, see packet.Build
//	PROGRAM raw 0011{2233}         on a tracepoint's record; {} is the address of bytes
//	PROGRAM regs parm1=5 parm2=mem:0011   on registers; mem: is the address of bytes
//	PROGRAM fields user_ip4=5      on the context's struct
//	:set MAP KEY VALUE             puts an entry in hex, or a program, into a map
func parseStep(words []string) (s Step, err error) {
	name, words := words[0], words[1:]
	if name == ":set" {
		if len(words) != 3 {
			return s, errors.New("want :set MAP KEY VALUE")
		}
		s.Set = &Entry{words[0], words[1], words[2]}
		return s, nil
	}
	s.Program, s.Packet = strings.ReplaceAll(name, "-", "_"), make([]byte, 64)
	if len(words) == 0 {
		return s, nil
	}
	switch kind := words[0]; kind {
	case "raw":
		s.Context = &Context{Raw: strings.Join(words[1:], "")}
	case "regs", "fields":
		numbers, memory := map[string]uint64{}, map[string]string{}
		for _, w := range words[1:] {
			reg, v, _ := strings.Cut(w, "=")
			if mem, ok := strings.CutPrefix(v, "mem:"); ok {
				memory[reg] = mem
			} else if b, ok := packet.Address(v); ok {
				numbers[reg] = packet.Little(b)
			} else {
				numbers[reg], err = strconv.ParseUint(v, 0, 64)
			}
			if err != nil {
				return s, err
			}
		}
		s.Context = &Context{Fields: numbers}
		if kind == "regs" {
			s.Context = &Context{Regs: numbers, User: memory}
		}
	default:
		s.Packet, err = packetOf(words)
	}
	return s, err
}

// packetOf reads a packet in hex or in words.
func packetOf(words []string) ([]byte, error) {
	if abi.HeaderByName(words[0]) != nil {
		return packet.Build(words)
	}
	return hex.DecodeString(strings.Join(words, ""))
}

// parseWant reads a step's other lines: what the outcome must have, a packet
// also in words, and "hide MAP".
func (s *Step) parseWant(text string) error {
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 2 && words[0] == "hide" {
			s.Hide = append(s.Hide, words[1])
			continue
		}
		if len(words) > 1 && words[0] == "packet" && abi.HeaderByName(words[1]) != nil {
			b, err := packet.Build(words[1:])
			if err != nil {
				return err
			}
			line = fmt.Sprintf("packet %x", b)
		}
		s.Want += line + "\n"
	}
	return nil
}
