/* Chooses the next hop of IPv6 packets by Jenkins' hash of the flow. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HOPS 16
#define JHASH_INITVAL 0xdeadbeef

struct hop {
	__u8 dst[6];
	__u8 src[6];
	__u32 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct hop);
	__uint(max_entries, HOPS);
} hops SEC(".maps");

static __always_inline __u32 rol32(__u32 word, unsigned int shift)
{
	return (word << shift) | (word >> (32 - shift));
}

#define jhash_mix(a, b, c)				\
{							\
	a -= c;  a ^= rol32(c, 4);  c += b;		\
	b -= a;  b ^= rol32(a, 6);  a += c;		\
	c -= b;  c ^= rol32(b, 8);  b += a;		\
	a -= c;  a ^= rol32(c, 16); c += b;		\
	b -= a;  b ^= rol32(a, 19); a += c;		\
	c -= b;  c ^= rol32(b, 4);  b += a;		\
}

#define jhash_final(a, b, c)				\
{							\
	c ^= b; c -= rol32(b, 14);			\
	a ^= c; a -= rol32(c, 11);			\
	b ^= a; b -= rol32(a, 25);			\
	c ^= b; c -= rol32(b, 16);			\
	a ^= c; a -= rol32(c, 4);			\
	b ^= a; b -= rol32(a, 14);			\
	c ^= b; c -= rol32(b, 24);			\
}

/* Nine words: both addresses and the ports. */
static __always_inline __u32 hash_flow(struct ipv6hdr *ip6, __u32 ports)
{
	__u32 a, b, c;

	a = b = c = JHASH_INITVAL + (9 << 2);
	a += ip6->saddr.in6_u.u6_addr32[0];
	b += ip6->saddr.in6_u.u6_addr32[1];
	c += ip6->saddr.in6_u.u6_addr32[2];
	jhash_mix(a, b, c);
	a += ip6->saddr.in6_u.u6_addr32[3];
	b += ip6->daddr.in6_u.u6_addr32[0];
	c += ip6->daddr.in6_u.u6_addr32[1];
	jhash_mix(a, b, c);
	a += ip6->daddr.in6_u.u6_addr32[2];
	b += ip6->daddr.in6_u.u6_addr32[3];
	c += ports;
	jhash_final(a, b, c);
	return c;
}

SEC("xdp")
int ecmp_jhash(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = data + sizeof(*eth);
	__u32 ports = 0, slot;
	struct hop *hop;

	if ((void *)(ip6 + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	if (ip6->hop_limit <= 1)
		return XDP_PASS;
	if (ip6->nexthdr == IPPROTO_TCP || ip6->nexthdr == IPPROTO_UDP) {
		__u32 *l4 = (void *)(ip6 + 1);

		if ((void *)(l4 + 1) > data_end)
			return XDP_PASS;
		ports = *l4;
	}

	slot = hash_flow(ip6, ports) % HOPS;
	hop = bpf_map_lookup_elem(&hops, &slot);
	if (!hop)
		return XDP_ABORTED;
	__builtin_memcpy(eth->h_dest, hop->dst, ETH_ALEN);
	__builtin_memcpy(eth->h_source, hop->src, ETH_ALEN);
	ip6->hop_limit--;
	__sync_fetch_and_add(&hop->packets, 1);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
