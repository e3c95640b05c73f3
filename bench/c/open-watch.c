/* Counts the files below /etc/ and /proc/ that programs open, by the
 * program's name; shells are left out. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PATH 32

struct sys_enter_openat {
	__u64 common;
	__s64 nr;
	__u64 dfd;
	const char *filename;
	__u64 flags;
	__u64 mode;
};

struct opener {
	char comm[16];
};

struct opens {
	__u64 etc;
	__u64 proc;
};

const volatile __u32 target_pid; /* 0 is any */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct opener);
	__type(value, struct opens);
	__uint(max_entries, 1024);
} openers SEC(".maps");

#if __clang_major__ >= 16
#define starts_with(p, text) (__builtin_memcmp(p, text, sizeof(text) - 1) == 0)
#else
#define starts_with(p, text) equal(p, text, sizeof(text) - 1)

/* Older compilers do not expand memcmp of every size. */
static __always_inline int equal(const char *p, const char *text, int n)
{
#pragma unroll
	for (int i = 0; i < n; i++)
		if (p[i] != text[i])
			return 0;
	return 1;
}
#endif
#define equals(p, text) (starts_with(p, text) && (p)[sizeof(text) - 1] == 0)

SEC("tracepoint/syscalls/sys_enter_openat")
int open_watch(struct sys_enter_openat *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct opener key = {};
	char path[PATH] = {};
	struct opens *o;
	int etc;

	if (target_pid && pid != target_pid)
		return 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	if (equals(key.comm, "bash") || equals(key.comm, "sh"))
		return 0;
	if (bpf_probe_read_user_str(path, sizeof(path), ctx->filename) < 0)
		return 0;
	if (starts_with(path, "/etc/"))
		etc = 1;
	else if (starts_with(path, "/proc/"))
		etc = 0;
	else
		return 0;

	o = bpf_map_lookup_elem(&openers, &key);
	if (!o) {
		struct opens none = {};

		bpf_map_update_elem(&openers, &key, &none, BPF_NOEXIST);
		o = bpf_map_lookup_elem(&openers, &key);
		if (!o)
			return 0;
	}
	if (etc)
		__sync_fetch_and_add(&o->etc, 1);
	else
		__sync_fetch_and_add(&o->proc, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
