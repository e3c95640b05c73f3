package difftest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/docs"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

var examplePackets = map[string]string{
	"":      macs + "0800" + ipv4Wire(5, "06") + tcpWire,
	"udp":   macs + "0800" + ipv4Wire(5, "11") + udpWire,
	"icmp":  macs + "0800" + ipv4Wire(5, "01") + ping,
	"tcp6":  macs + "86dd" + ipv6Wire("06") + tcpWire,
	"icmp6": macs + "86dd" + ipv6Wire("3a") + ping6,
	"vlan":  macs + "8100 0064 0800" + ipv4Wire(5, "06") + tcpWire,
	"arp":   stacks[0].packet,
}

// exampleSource is e as a whole source, the program to run, and what its
// outcome must have.
func exampleSource(e docs.Example) (src, program, want string, err error) {
	forms, errs := sexp.ReadAll(source.NewFile("example.lisp", e.Source), sexp.NewTable(nil), sexp.Features{})
	if len(errs) > 0 || len(forms) == 0 {
		return "", "", "", fmt.Errorf("not a source: %v", errs)
	}
	for _, f := range forms {
		if c, ok := f.V.(*sexp.Cons); ok && program == "" && sexp.Display(c.Car) == "defprog" {
			program = sexp.Display(c.Cdr.(*sexp.Cons).Car)
		}
	}
	if program != "" {
		if v, ok := strings.CutPrefix(e.Gives, "verdict "); ok {
			want = "result " + v
		} else if e.Gives != "loads" {
			err = fmt.Errorf("a program gives a verdict, or loads, not %q", e.Gives)
		}
		return e.Source, strings.ReplaceAll(program, "-", "_"), want, err
	}
	last := forms[len(forms)-1].Pos.Start
	src = e.Source[:last] + "(defmap example-value :type :array :key u32 :value u64 :max-entries 1)\n" +
		"(defprog example (:type :xdp :license \"GPL\") (setf (getmap example-value 0) " + e.Source[last:] + "\n) XDP_PASS)"
	n, err := strconv.ParseInt(e.Gives, 10, 64)
	if err != nil {
		return "", "", "", err
	}
	want = "map example_value: 00000000=" + hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	if n == 0 {
		want = "map example_value: \n"
	}
	return src, "example", want, nil
}

// TestFormExamples runs the examples of docs/examples.txt: what they give stands
// there. Every form, macro, declaration, compile-time function and packet
// header has one.
func TestFormExamples(t *testing.T) {
	shown := map[string]bool{}
	for _, e := range docs.Examples() {
		for _, topic := range e.Topics {
			if shown[topic] {
				t.Errorf("%s has two examples", topic)
			}
			shown[topic] = true
		}
		t.Run(e.Topics[0], func(t *testing.T) {
			src, program, want, err := exampleSource(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, cpu := range []int{2, 3, 4} {
				u, err := compileWith("example.lisp", src, nil, lang.Options{CPU: cpu, Arch: "amd64", Kernel: exampleKernel{}, Include: exampleFile})
				if err != nil {
					t.Fatalf("%v\n%s", err, src)
				}
				for _, w := range u.Result.Warnings {
					if w.Code != "always-true" && w.Code != "always-false" && w.Code != "older-spelling" {
						t.Error(w.Render(source.Style{}))
					}
				}
				if e.Gives == "loads" {
					if Privileged() {
						_, done, err := u.Kernel()
						if err != nil {
							t.Fatalf("%v\n%s", err, src)
						}
						done()
					}
					continue
				}
				packet, ok := examplePackets[e.Packet]
				raw, err := hex.DecodeString(strings.ReplaceAll(packet, " ", ""))
				if err != nil || !ok {
					t.Fatalf("packet %q: %v", e.Packet, err)
				}
				if err := Compare(u, []Step{{Program: program, Packet: raw, Want: want}}, Privileged()); err != nil {
					t.Errorf("cpu v%d: %v\n%s", cpu, err, src)
				}
			}
		})
	}
	known := map[string]bool{}
	for _, topic := range lang.Topics() {
		switch topic.Kind {
		case "helper", "map type", "program type":
		default:
			if !shown[topic.Name] {
				t.Errorf("docs/examples.txt has none for the %s %s", topic.Kind, topic.Name)
			}
		}
		known[topic.Name] = true
	}
	for topic := range shown {
		if known[topic] {
			continue
		}
		t.Errorf("docs/examples.txt has an example for %s, which is no topic", topic)
	}
	if !Privileged() {
		t.Log("not compared with the kernel: needs root")
	}
}

// exampleFile is what the example of include includes.
func exampleFile(name string) (*source.File, error) {
	return source.NewFile(name, "(defconstant +limit+ 7)"), nil
}

// exampleKernel knows the tracepoint of the example, so that other machines
// can compile it.
type exampleKernel struct{}

func (exampleKernel) BTF() ([]byte, error) { return os.ReadFile("../../testdata/kernel/kernel.btf") }

func (exampleKernel) Tracepoint(category, event string) ([]lang.TraceField, error) {
	if category != "sched" || event != "sched_switch" {
		return nil, fmt.Errorf("no such event")
	}
	return []lang.TraceField{{Name: "prev_pid", Offset: 24, Size: 4, Signed: true}, {Name: "next_comm", Offset: 40, Size: 16, Count: 16}, {Name: "next_pid", Offset: 56, Size: 4, Signed: true}}, nil
}
