package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSkeleton makes a skeleton of an object with bpftool, and runs a
// program in C that uses it together with our header.
func TestSkeleton(t *testing.T) {
	need(t, "bpftool", "gcc")
	if _, err := os.Stat("/usr/include/bpf/libbpf.h"); err != nil {
		lack(t, "libbpf's headers")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("pkt-count.lisp", `
(defenum kind (kind-tcp 6) (kind-udp 17))
(defstruct counts (packets u64) (last u16) (kind kind) (low (bits u32 3)) (high (bits u32 29)))
(defglobal step u32 2 :const t)
(defglobal total u64)
(defglobal last-counts counts)
(defglobal begin i16 -7)
(defmap by-kind :type :hash :key u32 :value counts :max-entries 8)
(defprog count-packets (:type :xdp :license "GPL")
  (let ((c (make-counts)))
    (setf (counts-packets c) (cast u64 step) (counts-kind c) kind-udp (counts-low c) 5)
    (setf (getmap by-kind 1) c)
    (setf last-counts c))
  (setf total (+ total step))
  XDP_PASS)`)
	write("main.c", `#include <stdio.h>
#include <bpf/bpf.h>
#include "pkt_count_bpf.h"
#include "pkt-count.skel.h"

int main(void) {
	struct pkt_count_bpf *s = pkt_count_bpf__open();
	unsigned char packet[64] = {0};
	pkt_count_by_kind_key key = 1;
	pkt_count_by_kind_value v;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof packet, .repeat = 3);

	if (!s)
		return puts("open"), 1;
	if (s->rodata->step != PKT_COUNT_STEP || s->data->begin != -7)
		return puts("initial values"), 1;
	s->rodata->step = 5;
	if (pkt_count_bpf__load(s))
		return puts("load"), 1;
	if (bpf_prog_test_run_opts(bpf_program__fd(s->progs.count_packets), &o) || o.retval != 2)
		return puts("run"), 1;
	if (bpf_map_lookup_elem(bpf_map__fd(s->maps.by_kind), &key, &v))
		return puts("lookup"), 1;
	printf("%llu %llu %d %u %llu\n", (unsigned long long)s->bss->total, (unsigned long long)v.packets, v.kind == kind_udp, v.low,
	       (unsigned long long)s->bss->last_counts.packets);
	pkt_count_bpf__destroy(s);
	return 0;
}
`)
	command(t, whistlerBin, "gen", "-q", "--lang", "c", filepath.Join(dir, "pkt-count.lisp"))
	write("pkt-count.skel.h", command(t, "bpftool", "gen", "skeleton", filepath.Join(dir, "pkt-count.bpf.o")))
	program := filepath.Join(dir, "main")
	command(t, "gcc", "-Wall", "-o", program, filepath.Join(dir, "main.c"), "-lbpf")
	if out := strings.TrimSpace(command(t, program)); out != "15 5 1 5 5" {
		t.Errorf("the program with the skeleton printed %q", out)
	}
}
