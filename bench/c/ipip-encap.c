/* Sends packets for virtual addresses to their servers in an IP-in-IP
 * tunnel. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct tunnel {
	__be32 saddr;
	__be32 daddr;
	__u8 dmac[6];
	__u16 pad;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __be32);
	__type(value, struct tunnel);
	__uint(max_entries, 256);
} vips SEC(".maps");

SEC("xdp")
int ipip_encap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct ethhdr old_eth;
	struct tunnel *t;
	__u16 *word;
	__u32 sum = 0;
	__u16 inner_len;
	__be32 vip;
	__u8 tos;

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	vip = ip->daddr;
	t = bpf_map_lookup_elem(&vips, &vip);
	if (!t)
		return XDP_PASS;
	inner_len = bpf_ntohs(ip->tot_len);
	tos = ip->tos;
	__builtin_memcpy(&old_eth, eth, sizeof(old_eth));

	if (bpf_xdp_adjust_head(ctx, 0 - (int)sizeof(*ip)))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	eth = data;
	ip = data + sizeof(*eth);
	if ((void *)(ip + 1) > data_end)
		return XDP_DROP;

	__builtin_memcpy(eth->h_dest, t->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, old_eth.h_dest, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = tos;
	ip->tot_len = bpf_htons(inner_len + sizeof(*ip));
	ip->id = 0;
	ip->frag_off = 0;
	ip->ttl = 64;
	ip->protocol = IPPROTO_IPIP;
	ip->check = 0;
	ip->saddr = t->saddr;
	ip->daddr = t->daddr;

	word = (__u16 *)ip;
#pragma unroll
	for (int i = 0; i < sizeof(*ip) / 2; i++)
		sum += *word++;
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	ip->check = ~sum;

	__sync_fetch_and_add(&t->packets, 1);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
