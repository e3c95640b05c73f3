/* Drops packets that were seen before, by a Bloom filter over the packet's
 * identity. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct identity {
	__be32 src;
	__be32 dst;
	__be16 id;
	__be16 frag_off;
	__u8 proto;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__type(value, struct identity);
	__uint(max_entries, 65536);
	__uint(map_extra, 4);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} counts SEC(".maps");

static __always_inline void count(__u32 duplicate)
{
	__u64 *v = bpf_map_lookup_elem(&counts, &duplicate);

	if (v)
		(*v)++;
}

SEC("xdp")
int dedupe(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct identity key = {};

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	key.src = ip->saddr;
	key.dst = ip->daddr;
	key.id = ip->id;
	key.frag_off = ip->frag_off;
	key.proto = ip->protocol;
	if (bpf_map_peek_elem(&seen, &key) == 0) {
		count(1);
		return XDP_DROP;
	}
	bpf_map_push_elem(&seen, &key, BPF_ANY);
	count(0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
