/* Limits each IPv4 source to a number of packets per window of time. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PACKETS_PER_WINDOW 4
#define WINDOW_NS 60000000000ULL

struct window {
	__u64 start; /* ktime in ns */
	__u64 packets;
	__u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __be32);
	__type(value, struct window);
	__uint(max_entries, 16384);
} windows SEC(".maps");

SEC("xdp")
int rate_limit(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct window *w;
	__be32 src;
	__u64 now;

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	src = ip->saddr;
	now = bpf_ktime_get_ns();
	w = bpf_map_lookup_elem(&windows, &src);
	if (!w) {
		struct window new = { .start = now, .packets = 1 };

		bpf_map_update_elem(&windows, &src, &new, BPF_ANY);
		return XDP_PASS;
	}
	if (now - w->start > WINDOW_NS) {
		w->start = now;
		w->packets = 1;
		return XDP_PASS;
	}
	if (w->packets >= PACKETS_PER_WINDOW) {
		w->dropped++;
		return XDP_DROP;
	}
	w->packets++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
