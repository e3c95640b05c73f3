package difftest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
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
			for _, cpu := range []int{2, 3, 4} {
				u, err := Compile("case.lisp", src, nil, cpu)
				if err != nil {
					t.Fatal(err)
				}
				if err := Compare(u, steps, Privileged()); err != nil {
					t.Errorf("cpu v%d: %v", cpu, err)
				}
			}
			if !Privileged() {
				t.Log("not compared with the kernel: needs root")
			}
		})
	}
}

// TestOriginal runs testdata/original: sources as users of the original wrote
// them, each NAME.lisp with its steps in NAME.txt. All programs are loaded;
// the kernel also runs those that its test run takes.
func TestOriginal(t *testing.T) {
	files, err := filepath.Glob("../../testdata/original/*.lisp")
	if err != nil || len(files) < 1 {
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
			var compiled *Unit
			for _, cpu := range []int{2, 3, 4} {
				u, err := Compile(filepath.Base(file), string(src), nil, cpu)
				if err != nil {
					t.Fatal(err)
				}
				if err := Compare(u, steps, Privileged()); err != nil {
					t.Errorf("cpu v%d: %v", cpu, err)
				}
				compiled = u
			}
			run := map[string]bool{}
			for _, s := range steps {
				if p, _ := compiled.program(s.Program); p != nil {
					run[p.Name] = true
				}
				if s.Set != nil && s.Set.progArray(compiled) {
					run[s.Set.Value] = true
				}
			}
			for _, p := range compiled.Result.Programs {
				if !run[p.Name] {
					t.Errorf("no step runs %s", p.Name)
				}
			}
			if !Privileged() {
				t.Log("not compared with the kernel: needs root")
			}
		})
	}
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
//	PROGRAM eth ipv4 tcp dport=80  on a packet of words, see buildPacket
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
			} else if b, ok := address(v); ok {
				numbers[reg] = little(b)
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
		return buildPacket(words)
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
			b, err := buildPacket(words[1:])
			if err != nil {
				return err
			}
			line = fmt.Sprintf("packet %x", b)
		}
		s.Want += line + "\n"
	}
	return nil
}
