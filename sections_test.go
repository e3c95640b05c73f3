package whistler_test

import (
	"context"
	"testing"

	"github.com/whistler-lang/whistler"
)

// The options of a program name its section.
func TestSection(t *testing.T) {
	for options, want := range map[string]string{
		":type :tc":                                           "tc",
		":type :tc :attach \"egress\"":                        "tc/egress",
		":type :xdp :attach \"devmap\"":                       "xdp/devmap",
		":type :cgroup-sock-addr :attach \"sendmsg6\"":        "cgroup/sendmsg6",
		":type :cgroup-skb :attach \"ingress\"":               "cgroup_skb/ingress",
		":type :sk-skb :attach \"stream_parser\"":             "sk_skb/stream_parser",
		":type :tracepoint :attach \"sched/sched_exit\"":      "tracepoint/sched/sched_exit",
		":type :uprobe :attach \"/bin/sh:main\" :sleepable t": "uprobe.s//bin/sh:main",
		":type :uprobe :sleepable t":                          "uprobe.s",
		":type :uprobe :sleepable nil":                        "uprobe",
		":type :uprobe-multi :sleepable t :attach \"a:b*\"":   "uprobe.multi.s/a:b*",
		":section \"usdt.s/a:b:c\" :sleepable t":              "usdt.s/a:b:c",
		":type :syscall :sleepable t":                         "syscall",
	} {
		text := "(defprog p (" + options + ") 1)"
		if want == "xdp/devmap" || want == "tc" {
			text = "(defprog p (" + options + ") 0)"
		}
		obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp", Text: text}}, whistler.Options{})
		if err != nil {
			t.Errorf("%s: %v", options, err)
			continue
		}
		if got := obj.Programs()[0].Section; got != want {
			t.Errorf("%s: section %q, want %q", options, got, want)
		}
	}
}

// :cpu compiles one program for another version: v4 divides with a sign in
// one instruction.
func TestCPUOption(t *testing.T) {
	slots := map[string]int{}
	for _, cpu := range []string{"v2", "v3", "v4", "4"} {
		obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "p.lisp",
			Text: "(defprog p (:type :xdp :cpu " + cpu + ") (if (s< (s/ (cast i64 (ctx rx-queue-index)) (cast i64 (- 3 (ctx ingress-ifindex)))) 0) XDP_DROP XDP_PASS))"}}, whistler.Options{})
		if err != nil {
			t.Fatal(err)
		}
		slots[cpu] = obj.Programs()[0].Slots
	}
	if slots["v4"] >= slots["v3"] || slots["4"] != slots["v4"] {
		t.Errorf("slots %v", slots)
	}
}
