package difftest

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

const aclDir = "../../examples/acl"

// An aclRule is a rule of examples/acl/rules.lisp as this test reads it: for
// each dimension the ranges that match, none for all.
type aclRule struct {
	allow  bool
	ranges [5][][2]uint32
}

// An aclPacket is what rules look at, in the order of their dimensions.
type aclPacket [5]uint32

var aclDimensions = map[string]int{":proto": 0, ":from": 1, ":to": 2, ":sport": 3, ":dport": 4}

// aclNames are the names in the rules, as /etc/protocols and /etc/services
// have them.
var aclNames = map[string]uint32{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "ospf": 89,
	"ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "tftp": 69, "http": 80, "ntp": 123, "snmp": 161, "bgp": 179, "https": 443, "syslog": 514,
	"submission": 587, "imaps": 993, "mysql": 3306, "rdp": 3389, "sip": 5060, "postgresql": 5432, "redis": 6379}

func aclRange(t *testing.T, v sexp.Value) [2]uint32 {
	if s, ok := v.(*sexp.String); ok {
		text := s.String()
		if !strings.Contains(text, "/") {
			text += "/32"
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() {
			t.Fatal(text, err)
		}
		b := p.Addr().As4()
		low := binary.BigEndian.Uint32(b[:])
		return [2]uint32{low, low + uint32(uint64(1)<<(32-p.Bits())-1)}
	}
	text := sexp.Display(v)
	if n, ok := aclNames[text]; ok {
		return [2]uint32{n, n}
	}
	low, high, ok := strings.Cut(text, "-")
	if !ok {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil {
		t.Fatal(text, err1, err2)
	}
	return [2]uint32{uint32(a), uint32(b)}
}

// aclRules reads the rules without the library: the form is (defacl name
// (options) rule...).
func aclRules(t *testing.T) (rules []aclRule) {
	text, err := os.ReadFile(filepath.Join(aclDir, "rules.lisp"))
	if err != nil {
		t.Fatal(err)
	}
	forms, errs := sexp.ReadAll(source.NewFile("rules.lisp", string(text)), sexp.NewTable(nil), sexp.Features{})
	if len(errs) > 0 || len(forms) != 1 {
		t.Fatal(errs, len(forms))
	}
	items, _ := sexp.Slice(forms[0].V)
	for _, x := range items[3:] {
		words, _ := sexp.Slice(x)
		r := aclRule{allow: sexp.Display(words[0]) == "allow"}
		for i := 1; i < len(words); i += 2 {
			d, ok := aclDimensions[sexp.Print(words[i])]
			if !ok {
				t.Fatal(sexp.Print(words[i]))
			}
			alternatives, isList := sexp.Slice(words[i+1])
			if _, atom := words[i+1].(*sexp.Cons); !atom || !isList {
				alternatives = []sexp.Value{words[i+1]}
			}
			for _, a := range alternatives {
				r.ranges[d] = append(r.ranges[d], aclRange(t, a))
			}
		}
		rules = append(rules, r)
	}
	return rules
}

func (r *aclRule) matches(p aclPacket) bool {
	for d, ranges := range r.ranges {
		ok := len(ranges) == 0
		for _, x := range ranges {
			ok = ok || x[0] <= p[d] && p[d] <= x[1]
		}
		if !ok {
			return false
		}
	}
	return true
}

// aclDecision is the first rule that matches, from 1 on, and what it says.
func aclDecision(rules []aclRule, p aclPacket) (rule int, allow bool) {
	for i := range rules {
		if rules[i].matches(p) {
			return i + 1, rules[i].allow
		}
	}
	return 0, false
}

// wire is p as a packet of Ethernet and IPv4; options are so many words.
func (p aclPacket) wire(options int) []byte {
	b := make([]byte, 14, 80)
	copy(b, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00")
	b = append(b, byte(0x45+options), 0, 0, byte(40+4*options), 0, 1, 0, 0, 64, byte(p[0]), 0, 0)
	b = binary.BigEndian.AppendUint32(b, p[1])
	b = binary.BigEndian.AppendUint32(b, p[2])
	b = append(b, make([]byte, 4*options)...)
	b = binary.BigEndian.AppendUint16(b, uint16(p[3]))
	b = binary.BigEndian.AppendUint16(b, uint16(p[4]))
	return append(b, make([]byte, 16)...)
}

// aclPackets are packets at the corners of the rules and one beside them, and
// random ones.
func aclPackets(rules []aclRule, r *rand.Rand) (ps []aclPacket) {
	limits := aclPacket{255, 1<<32 - 1, 1<<32 - 1, 65535, 65535}
	anywhere := func(d int) uint32 { return uint32(r.Int63n(int64(limits[d]) + 1)) }
	for _, rule := range rules {
		for k := 0; k < 8; k++ {
			var p aclPacket
			for d, ranges := range rule.ranges {
				if len(ranges) == 0 {
					if p[d] = anywhere(d); d == 0 {
						p[d] = []uint32{1, 6, 6, 17, 17, 47}[r.Intn(6)]
					}
					continue
				}
				x := ranges[r.Intn(len(ranges))]
				p[d] = x[r.Intn(2)]
				if k >= 4 && r.Intn(4) == 0 {
					p[d] = min(limits[d], p[d]+uint32(r.Intn(3))-1) // wraps at 0 to the limit
				}
			}
			ps = append(ps, p)
		}
	}
	for i := range ps { // others have no ports
		if p := &ps[i]; p[0] != 6 && p[0] != 17 && p[0] != 132 {
			p[3], p[4] = 0, 0
		}
	}
	return ps
}

// firewall is the main source of the example, and what finds the others.
func firewall(tb testing.TB) (*source.File, func(string) (*source.File, error)) {
	include := func(name string) (*source.File, error) {
		text, err := os.ReadFile(filepath.Join(aclDir, name))
		return source.NewFile(name, string(text)), err
	}
	main, err := include("firewall.lisp")
	if err != nil {
		tb.Fatal(err)
	}
	return main, include
}

func compileACL(tb testing.TB, cpu int) *Unit {
	main, include := firewall(tb)
	u, err := compileWith("firewall.lisp", main.Text, nil, lang.Options{CPU: cpu, Arch: "amd64", Include: include})
	if err != nil {
		tb.Fatal(err)
	}
	for _, w := range u.Result.Warnings {
		tb.Error(w.Render(source.Style{}))
	}
	return u
}

// TestACL compares the decision tree of examples/acl with a search through
// its rules, one after the other.
func TestACL(t *testing.T) {
	rules := aclRules(t)
	if len(rules) != 200 {
		t.Fatalf("%d rules", len(rules))
	}
	hit := map[int]bool{}
	r := rand.New(rand.NewSource(1))
	var steps []Step
	hits := map[int]uint64{}
	for _, p := range aclPackets(rules, r) {
		rule, allow := aclDecision(rules, p)
		hit[rule] = true
		hits[rule]++
		want := "result 1"
		if allow {
			want = "result 2"
		}
		steps = append(steps, Step{Program: "firewall", Packet: p.wire(r.Intn(2) * r.Intn(3)), Want: want})
	}
	var counts []string
	for i := 0; i <= len(rules); i++ {
		if n := hits[i]; n > 0 {
			counts = append(counts, fmt.Sprintf("%x=%x", binary.LittleEndian.AppendUint32(nil, uint32(i)), binary.LittleEndian.AppendUint64(nil, n)))
		}
	}
	steps[len(steps)-1].Want += "\nmap rule_hits: " + strings.Join(counts, ", ")
	if len(hit) < len(rules)-5 {
		t.Errorf("the packets reach %d rules only", len(hit))
	}
	for cpu, n := range map[int]int{2: 300, 3: len(steps), 4: 300} {
		if err := Compare(compileACL(t, cpu), steps[:n], Privileged()); err != nil {
			t.Errorf("cpu v%d: %v", cpu, err)
		}
	}
	t.Logf("%d packets, %d rules", len(steps), len(hit))
}

// TestACLMistakes wants each mistake in a rule to be reported with the rule.
func TestACLMistakes(t *testing.T) {
	lib, err := os.ReadFile(filepath.Join(aclDir, "acl.lisp"))
	if err != nil {
		t.Fatal(err)
	}
	for rule, want := range map[string]string{
		`(allow :from "10.0.0.0/33")`:                           "longer than 32 bits, in the rule (allow :from",
		`(allow :from "10.0.0.1/8")`:                            "did you mean 10.0.0.0/8?",
		`(allow :from "10.0.0.256")`:                            "is no IPv4 address",
		`(allow :from 10)`:                                      "a network is a string",
		`(allow :proto tcp :dport htpp)`:                        "`htpp` is no port",
		`(allow :proto tcp :dport 70000)`:                       "no range of ports",
		`(allow :proto tcp :dport 20-10)`:                       "no range of ports",
		`(allow :dport 80)`:                                     "ports want `:proto tcp`",
		`(allow :proto icmp :dport 80)`:                         "ports want `:proto tcp`",
		`(allow :protocol tcp)`:                                 "`:protocol` is not one of :proto :from :to :sport :dport",
		`(alow :proto tcp)`:                                     "`alow` is no action",
		`(allow :proto)`:                                        "no value follows `:proto`",
		`allow`:                                                 "allow is no rule",
		`(deny :from "10.0.0.0/8") (allow :from "10.1.0.0/16")`: "no packet gets to rule 2: (allow :from \"10.1.0.0/16\")",
		`(allow :proto (tcp udp) :dport 1-9) (deny :proto udp :dport 5)`: "no packet gets to rule 2",
	} {
		src := string(lib) + "\n(defacl edge () " + rule + ")\n(defprog p (:type :xdp) (with-acl (a edge) (if (acl-allows-p a) XDP_PASS XDP_DROP)))"
		r, errs := compile.Compile([]*source.File{source.NewFile("rules.lisp", src)}, compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64"}})
		if r != nil {
			errs = append(errs, r.Warnings...)
		}
		found := false
		for _, e := range errs {
			found = found || strings.Contains(e.What, want)
		}
		if !found {
			t.Errorf("%s: want %q, have %v", rule, want, errs)
		}
	}
}

func BenchmarkCompileACL(b *testing.B) {
	main, include := firewall(b)
	for b.Loop() {
		if _, errs := compile.Compile([]*source.File{main}, compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Include: include}}); errs != nil {
			b.Fatal(errs)
		}
	}
}
