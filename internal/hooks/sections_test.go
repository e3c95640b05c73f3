package hooks

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/load"
)

// sectionTargets are targets that every kernel has, by the type that wants
// one; the others stand alone.
var sectionTargets = map[string]string{
	"kprobe": "do_unlinkat", "kretprobe": "do_unlinkat", "kprobe-multi": "do_unlink*", "kretprobe-multi": "do_unlink*", "kprobe-session": "do_unlink*",
	"uprobe": "/proc/self/exe:main.main", "uretprobe": "/proc/self/exe:main.main", "uprobe-multi": "/proc/self/exe:main.*",
	"uretprobe-multi": "/proc/self/exe:main.*", "uprobe-session": "/proc/self/exe:main.*", "usdt": "/proc/self/exe:whistler:probe",
	"tracepoint": "sched/sched_switch", "raw-tracepoint": "sched_switch", "raw-tracepoint-writable": "nbd_send_request", "tp-btf": "sched_switch",
	"fentry": "do_unlinkat", "fexit": "do_unlinkat", "fsession": "do_unlinkat", "fmod-ret": "bpf_modify_return_test", "freplace": "whistler",
	"lsm": "file_open", "lsm-cgroup": "socket_bind", "iter": "task",
}

// sectionForms are declarations that a program of the type, p, cannot do without.
var sectionForms = map[string]string{
	"struct-ops": "(defstruct-ops ops bpf-dummy-ops :test-sleepable p)",
}

// refusedSections are those that this kernel does not load, with its words.
var refusedSections = map[string]string{
	"fentry+": noTracing, "fentry.s+": noTracing, "fexit+": noTracing, "fexit.s+": noTracing, "fmod_ret+": noTracing, "fmod_ret.s+": noTracing,
	"lsm+": noTracing, "lsm.s+": noTracing, "lsm_cgroup+": noTracing,
	"freplace+":   "needs --program",           // the program that it replaces a function of
	"fsession+":   "invalid argument",          // the kernel is older than the attach type
	"fsession.s+": "programs can be sleepable", // likewise
	"lirc_mode2":  "invalid argument",          // infrared is not configured
}

const noTracing = "operation not permitted" // the kernel is hardened against programs at its functions

// sectionName is a name that a row of libbpf's table matches.
func sectionName(s *abi.Section) string {
	name := strings.TrimSuffix(s.Pattern, "+")
	if target := sectionTargets[s.Keyword]; strings.HasSuffix(s.Pattern, "+") && target != "" {
		name += "/" + target
	}
	return name
}

// sectionResult is what programs of a section may return.
func sectionResult(s *abi.Section) int64 {
	result := s.ProgType().PassValue
	if s.HasRet && (result < s.RetMin || result > s.RetMax) {
		result = s.RetMin
	}
	return result
}

// Every name of libbpf's table compiles, and loads where the kernel has what
// it needs.
func TestSections(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this test needs root")
	}
	for _, s := range abi.Sections() {
		name, result := sectionName(&s), sectionResult(&s)
		t.Run(strings.ReplaceAll(s.Pattern, "/", "-"), func(t *testing.T) {
			extends := ""
			if s.Keyword == "freplace" {
				extends = " :extends :xdp"
			}
			src := fmt.Sprintf("(defprog p (:section %q%s) %d)%s", name, extends, result, sectionForms[s.Keyword])
			obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: src}}, whistler.Options{Kernel: kernel.Machine{}})
			if err != nil {
				t.Fatal(err)
			}
			coll, err := load.Open(obj.Bytes())
			want, refused := refusedSections[s.Pattern]
			switch {
			case err == nil && refused:
				coll.Close()
				t.Errorf("the kernel takes it; the table says that it refuses with %q", want)
			case err == nil:
				coll.Close()
			case !refused || !strings.Contains(err.Error(), want):
				t.Errorf("%s: %v", src, err)
			}
		})
	}
}

// rowless are the sections that no row of Cases has.
var rowless = map[string]string{
	"lirc_mode2":        "it takes a receiver of infrared light",
	"sk_skb":            "it says nothing of how to attach: libbpf and the kernel want stream_parser, stream_verdict or verdict",
	"raw_tracepoint.w+": "it is another name of raw_tp.w",
	"struct_ops.s+":     "the functions of a congestion control do not sleep",
}

// Every section of libbpf's table has a row with an event, or a reason.
func TestCoverage(t *testing.T) {
	seen := map[string]bool{}
	for i := range Cases {
		obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: Cases[i].Name, Text: Cases[i].Source()}}, whistler.Options{Kernel: kernel.Tracefs{}})
		if err != nil {
			t.Errorf("%s: %v", Cases[i].Name, err)
			continue
		}
		for _, s := range obj.Sections() {
			seen[abi.SectionMatch(s).Pattern] = true
		}
	}
	for _, s := range abi.Sections() {
		switch why, excepted := rowless[s.Pattern]; {
		case seen[s.Pattern] && excepted:
			t.Errorf("%s has a row; the list of those without says: %s", s.Pattern, why)
		case !seen[s.Pattern] && !excepted:
			t.Errorf("no row has a program of the section %s", s.Pattern)
		}
	}
}
