/* A list of rules, the first that matches decides. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_RULES 32

struct rule {
	__be32 src;
	__be32 src_mask;
	__be32 dst;
	__be32 dst_mask;
	__u16 port_min; /* host order */
	__u16 port_max;
	__u8 proto;     /* 0 is any */
	__u8 used;
	__u8 action;    /* the verdict */
	__u8 pad;
	__u64 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct rule);
	__uint(max_entries, MAX_RULES);
} rules SEC(".maps");

SEC("xdp")
int acl_rules(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__be32 src, dst;
	__u16 port = 0;
	__u8 proto;

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5)
		return XDP_DROP;

	src = ip->saddr;
	dst = ip->daddr;
	proto = ip->protocol;
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP) {
		struct udphdr *udp = (void *)(ip + 1);

		if ((void *)(udp + 1) > data_end)
			return XDP_DROP;
		port = bpf_ntohs(udp->dest);
	}

	for (__u32 i = 0; i < MAX_RULES; i++) {
		__u32 key = i;
		struct rule *r = bpf_map_lookup_elem(&rules, &key);

		if (!r || !r->used)
			break;
		if ((src & r->src_mask) != r->src || (dst & r->dst_mask) != r->dst)
			continue;
		if (r->proto && r->proto != proto)
			continue;
		if (port < r->port_min || port > r->port_max)
			continue;
		__sync_fetch_and_add(&r->hits, 1);
		return r->action;
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
