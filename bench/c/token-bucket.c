/* A token bucket per receiver of UDP, under a spin lock: bursts of some
 * packets, one token more per interval. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BURST 8
#define INTERVAL_NS 10000000000ULL

struct receiver {
	__be32 addr;
	__u16 port; /* host order */
	__u16 pad;
};

struct bucket {
	struct bpf_spin_lock lock;
	__u32 tokens;
	__u64 refilled; /* ktime in ns */
	__u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct receiver);
	__type(value, struct bucket);
	__uint(max_entries, 4096);
} buckets SEC(".maps");

SEC("xdp")
int token_bucket(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	struct receiver key = {};
	int verdict = XDP_DROP;
	struct bucket *b;
	__u64 now, earned;

	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;

	key.addr = ip->daddr;
	key.port = bpf_ntohs(udp->dest);
	now = bpf_ktime_get_ns();

	b = bpf_map_lookup_elem(&buckets, &key);
	if (!b) {
		struct bucket new = { .tokens = BURST - 1, .refilled = now };

		bpf_map_update_elem(&buckets, &key, &new, BPF_NOEXIST);
		return XDP_PASS;
	}

	bpf_spin_lock(&b->lock);
	earned = (now - b->refilled) / INTERVAL_NS;
	if (earned > 0) {
		__u64 tokens = b->tokens + earned;

		b->tokens = tokens > BURST ? BURST : tokens;
		b->refilled += earned * INTERVAL_NS;
	}
	if (b->tokens > 0) {
		b->tokens--;
		verdict = XDP_PASS;
	} else {
		b->dropped++;
	}
	bpf_spin_unlock(&b->lock);
	return verdict;
}

char _license[] SEC("license") = "GPL";
