/* How long tasks wait for a CPU: a histogram in powers of two of a
 * microsecond. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SLOTS 26
#define TASK_RUNNING 0

struct task_struct {
	unsigned int __state;
	int pid;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 10240);
} woken SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, SLOTS);
} latency_us SEC(".maps");

static __always_inline __u32 log2(__u32 v)
{
	__u32 shift, r;

	r = (v > 0xffff) << 4; v >>= r;
	shift = (v > 0xff) << 3; v >>= shift; r |= shift;
	shift = (v > 0xf) << 2; v >>= shift; r |= shift;
	shift = (v > 0x3) << 1; v >>= shift; r |= shift;
	r |= v >> 1;
	return r;
}

static __always_inline __u32 log2l(__u64 v)
{
	__u32 hi = v >> 32;

	return hi ? log2(hi) + 32 : log2(v);
}

static __always_inline void enqueue(__u32 pid)
{
	__u64 now;

	if (!pid)
		return;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&woken, &pid, &now, BPF_ANY);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	enqueue(p->pid);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	enqueue(p->pid);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 *start, *v;
	__u32 pid, slot;
	__s64 delta;

	/* A task that was preempted waits again. */
	if (prev->__state == TASK_RUNNING)
		enqueue(prev->pid);

	pid = next->pid;
	start = bpf_map_lookup_elem(&woken, &pid);
	if (!start)
		return 0;
	delta = bpf_ktime_get_ns() - *start;
	if (delta >= 0) {
		slot = log2l((__u64)delta / 1000);
		if (slot >= SLOTS)
			slot = SLOTS - 1;
		v = bpf_map_lookup_elem(&latency_us, &slot);
		if (v)
			__sync_fetch_and_add(v, 1);
	}
	bpf_map_delete_elem(&woken, &pid);
	return 0;
}

char _license[] SEC("license") = "GPL";
