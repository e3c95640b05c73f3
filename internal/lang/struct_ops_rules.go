package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// An opsRule is what the kernel demands of a struct of operations and says in
// no type: a row of the table. Structs without a row have no rules here, and
// the kernel has the last word when they are loaded.
type opsRule struct {
	c        string            // name of the struct
	needs    []string          // members, or alternatives with | between
	data     string            // members besides functions that can be given; "" for all
	without  string            // functions that programs cannot be
	named    bool              // a text is a name, as objects of BPF have them
	args     []string          // of functions: the member's name, and those of its arguments
	points   map[string]string // arguments that point to more than their type says
	writable []string          // fields, struct.path, that programs can write
}

var opsRules = []opsRule{{
	c: "tcp_congestion_ops",
	// tcp_validate_congestion_control of net/ipv4/tcp_cong.c; the name is
	// copied by bpf_tcp_ca_init_member of net/ipv4/bpf_tcp_ca.c.
	needs:   []string{"name", "ssthresh", "undo_cwnd", "cong_avoid|cong_control"},
	data:    "name flags",
	without: "get_info", // unsupported_ops of bpf_tcp_ca.c
	named:   true,
	// struct tcp_congestion_ops of include/net/tcp.h; cong_control has two
	// more arguments since 57bfc7605ca5 (Linux 6.10).
	args: []string{
		"ssthresh sk", "cong_avoid sk ack acked", "set_state sk new_state", "cwnd_event sk ev", "in_ack_event sk flags",
		"pkts_acked sk sample", "min_tso_segs sk", "cong_control sk rs", "cong_control sk ack flag rs", "undo_cwnd sk",
		"sndbuf_expand sk", "init sk", "release sk",
	},
	// bpf_tcp_ca_is_valid_access and bpf_tcp_ca_btf_struct_access of
	// bpf_tcp_ca.c; older kernels let programs write less.
	points: map[string]string{"sock": "tcp_sock"},
	writable: []string{
		"sock.sk_pacing_rate", "sock.sk_pacing_status", "inet_connection_sock.icsk_ca_priv", "inet_connection_sock.icsk_ack.pending",
		"tcp_sock.snd_cwnd", "tcp_sock.snd_cwnd_cnt", "tcp_sock.snd_cwnd_stamp", "tcp_sock.snd_ssthresh", "tcp_sock.ecn_flags", "tcp_sock.app_limited",
	},
}}

// opsRuleOf is the row of a struct, an empty one where there is none.
func opsRuleOf(t *btf.Types, o *StructOps) *opsRule {
	for i := range opsRules {
		if opsRules[i].c == t.Name(o.Struct) {
			return &opsRules[i]
		}
	}
	return &opsRule{}
}

// takes reports whether a member that is no function can be given.
func (r *opsRule) takes(member string) bool {
	return r.data == "" || strings.Contains(" "+r.data+" ", " "+member+" ")
}

// checkText refuses a text that the kernel would not take.
func (r *opsRule) checkText(m *opsMember, text string, room int) {
	name := strings.ReplaceAll(m.name, "_", "-")
	if len(text) >= room {
		panic(source.Errorf(m.at, "the text has %d bytes, and the member `%s` holds %d and a zero", len(text), name, room-1).WithCode("initial-value"))
	}
	if !r.named {
		return
	}
	bad := strings.IndexFunc(text, func(c rune) bool { // bpf_obj_name_cpy of kernel/bpf/syscall.c
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '.'
	})
	if bad >= 0 || text == "" {
		panic(source.Errorf(m.at, "%q is not a name that the kernel takes", text).WithExpected("letters, digits, _ and .").WithCode("initial-value"))
	}
}

// opsComplete refuses a struct without the members that the kernel demands.
func (c *compiler) opsComplete(o *StructOps) {
	t := c.unit.Kernel
	has := map[string]bool{}
	r := opsRuleOf(t, o)
	for _, m := range o.Members {
		has[m.name] = true
		if m.name == r.without {
			panic(source.Errorf(m.at, "the kernel does not let a program be the member `%s`", strings.ReplaceAll(m.name, "_", "-")).WithHint("leave it out").WithCode("bad-struct-ops"))
		}
	}
	for _, n := range r.needs {
		ok := false
		for _, one := range strings.Split(n, "|") {
			ok = ok || has[one]
		}
		if !ok {
			what := ":" + strings.ReplaceAll(strings.ReplaceAll(n, "_", "-"), "|", " or :")
			panic(source.Errorf(o.Pos, "`%s` has no %s, without which the kernel does not take it", o.Name, what).WithCode("incomplete-struct-ops"))
		}
	}
}

// mayWrite refuses a field that the kernel does not let programs of this
// struct of operations write.
func (l *lowerer) mayWrite(c *call, p val, field *btf.Core) {
	m := l.prog.member
	if m == nil {
		return
	}
	t := l.btf()
	r := opsRuleOf(t, m.of)
	if len(r.writable) == 0 {
		return // the verifier decides
	}
	off := *field
	off.Kind = btf.FieldByteOffset
	var names []string
	for _, w := range r.writable {
		of, path, _ := strings.Cut(w, ".")
		id, ok := findStruct(t, of)
		if !ok {
			continue
		}
		steps, _, _ := resolve(t, id, strings.Split(path, "."))
		if len(steps) != 1 {
			continue // this kernel has no such field
		}
		begin := t.Value(&btf.Core{Kind: btf.FieldByteOffset, Root: id, Path: steps[0].path})
		if n := t.Value(&off) - begin; n >= 0 && n < int64(t.Size(steps[0].typ)) && l.isArgument(p, r) {
			return
		}
		names = append(names, strings.ReplaceAll(strings.ReplaceAll(w, ".", "-"), "_", "-"))
	}
	panic(l.failAt(c.form.At, c.head, "`%s` cannot be written here: the kernel does not let programs of `%s` do it", c.head.Display(), m.of.dashed(t)).
		WithExpected("%s", strings.Join(names, ", ")).WithCode("not-writable"))
}

// isArgument reports whether p points to a struct that arguments point to, or
// to what that begins with.
func (l *lowerer) isArgument(p val, r *opsRule) bool {
	t := l.btf()
	if p.t.Elem == nil || p.t.Elem.Kind != types.StructKind {
		return false
	}
	for _, name := range r.points {
		if id, ok := findStruct(t, name); ok && begins(t, id, p.t.Elem.Struct.C) {
			return true
		}
	}
	return false
}
