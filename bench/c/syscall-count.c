/* System calls per process and number, with the process's name. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 pid;
	__u32 nr;
};

struct usage {
	__u64 calls;
	__u32 uid;
	char comm[16];
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct key);
	__type(value, struct usage);
	__uint(max_entries, 16384);
} calls SEC(".maps");

SEC("raw_tp/sys_enter")
int syscall_count(struct bpf_raw_tracepoint_args *ctx)
{
	struct usage new = {};
	struct key key = {
		.pid = bpf_get_current_pid_tgid() >> 32,
		.nr = ctx->args[1],
	};
	struct usage *u = bpf_map_lookup_elem(&calls, &key);

	if (u) {
		__sync_fetch_and_add(&u->calls, 1);
		return 0;
	}
	new.calls = 1;
	new.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(new.comm, sizeof(new.comm));
	bpf_map_update_elem(&calls, &key, &new, BPF_NOEXIST);
	return 0;
}

char _license[] SEC("license") = "GPL";
