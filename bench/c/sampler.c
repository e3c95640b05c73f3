/* Sends the head of every 16th packet of a CPU to user space. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define HEAD 64

struct sample {
	__u64 time; /* ktime in ns */
	__u64 number;
	__u32 ifindex;
	__u32 queue;
	__u32 length;
	__u32 cpu;
	__u8 head[HEAD];
};

const volatile __u32 rate = 16;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} samples SEC(".maps");

SEC("xdp")
int sampler(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&seen, &key);
	struct sample *s;
	__u64 number;

	if (!n)
		return XDP_ABORTED;
	number = ++*n;
	if (rate == 0 || number % rate != 0)
		return XDP_PASS;

	s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);
	if (!s)
		return XDP_PASS;
	s->time = bpf_ktime_get_ns();
	s->number = number;
	s->ifindex = ctx->ingress_ifindex;
	s->queue = ctx->rx_queue_index;
	s->length = ctx->data_end - ctx->data;
	s->cpu = bpf_get_smp_processor_id();
	if (bpf_xdp_load_bytes(ctx, 0, s->head, HEAD) < 0) {
		bpf_ringbuf_discard(s, 0);
		return XDP_PASS;
	}
	bpf_ringbuf_submit(s, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
