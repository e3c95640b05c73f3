package hooks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
)

// elsewhere names the rows that some builds of this kernel refuse to load or
// attach, with the words they use: they run in the matrix.
var elsewhere = map[string]string{
	"action":         "no such file or directory", // act_bpf is not configured
	"netkit-primary": "operation not supported",   // nor is netkit
	"netkit-peer":    "operation not supported",
	"ksym-percpu":    "failed to find the address for kernel symbol", // only CONFIG_KALLSYMS_ALL has them
	// No kprobes are configured.
	"kprobe":          "kprobe_events: no such file or directory",
	"kretprobe":       "kprobe_events: no such file or directory",
	"ksyscall":        "kprobe_events: no such file or directory",
	"kprobe-multi":    "built without CONFIG_FPROBE",
	"kprobe-session":  "built without CONFIG_FPROBE",
	"kretsyscall":     "kprobe_events: no such file or directory",
	"kretprobe-multi": "built without CONFIG_FPROBE",
	// Builds that are hardened forbid trampolines in their functions, and
	// programs that walk the elements of maps.
	"fentry":                  "operation not permitted",
	"fexit":                   "operation not permitted",
	"fmod-ret":                "operation not permitted",
	"lsm":                     "operation not permitted",
	"lsm-s":                   "operation not permitted",
	"lsm-cgroup":              "operation not permitted",
	"freplace":                "operation not permitted",
	"freplace-main":           "operation not permitted",
	"tracing-sleepable":       "operation not permitted",
	"fsession":                "invalid argument", // this kernel is older
	"fsession-sleepable":      "programs can be sleepable",
	"raw-tracepoint-writable": "the kernel has no tracepoint", // network block devices are not configured
	"iter-map":                "operation not permitted",
}

func TestHooks(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this test needs root")
	}
	for i := range Cases {
		c := &Cases[i]
		t.Run(c.Name, func(t *testing.T) {
			stage, err := Run(c, compiled)
			if want, ok := elsewhere[c.Name]; ok && err != nil && stage != Event && strings.Contains(err.Error(), want) {
				t.Logf("this kernel does not: %v", err)
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", stage, err)
			}
		})
	}
}

// compiled is the object of a row.
func compiled(name string) ([]byte, error) {
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: name + ".lisp", Text: Find(name).Source()}},
		whistler.Options{Kernel: kernel.Machine{}})
	if err != nil {
		return nil, err
	}
	return obj.Bytes(), nil
}

// Every source belongs to a row.
func TestSources(t *testing.T) {
	files, err := filepath.Glob("testdata/*.lisp")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if Find(strings.TrimSuffix(filepath.Base(f), ".lisp")) == nil {
			t.Errorf("%s belongs to no row", f)
		}
	}
}
