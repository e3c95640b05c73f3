/* Answers SYNs with a cookie, the SipHash of the connection, in the driver. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define WINDOW 65535

const volatile __u64 secret0 = 0x0706050403020100ULL;
const volatile __u64 secret1 = 0x0f0e0d0c0b0a0908ULL;
__u32 epoch; /* user space counts it up */
__u64 answered;

static __always_inline __u64 rol64(__u64 word, unsigned int shift)
{
	return (word << shift) | (word >> (64 - shift));
}

#define SIPROUND(v0, v1, v2, v3)						\
do {										\
	v0 += v1; v1 = rol64(v1, 13); v1 ^= v0; v0 = rol64(v0, 32);		\
	v2 += v3; v3 = rol64(v3, 16); v3 ^= v2;					\
	v0 += v3; v3 = rol64(v3, 21); v3 ^= v0;					\
	v2 += v1; v1 = rol64(v1, 17); v1 ^= v2; v2 = rol64(v2, 32);		\
} while (0)

/* SipHash-2-4 of two words. */
static __always_inline __u64 siphash(__u64 m0, __u64 m1)
{
	__u64 v0 = 0x736f6d6570736575ULL ^ secret0;
	__u64 v1 = 0x646f72616e646f6dULL ^ secret1;
	__u64 v2 = 0x6c7967656e657261ULL ^ secret0;
	__u64 v3 = 0x7465646279746573ULL ^ secret1;
	__u64 end = (__u64)16 << 56;

	v3 ^= m0;
	SIPROUND(v0, v1, v2, v3);
	SIPROUND(v0, v1, v2, v3);
	v0 ^= m0;
	v3 ^= m1;
	SIPROUND(v0, v1, v2, v3);
	SIPROUND(v0, v1, v2, v3);
	v0 ^= m1;
	v3 ^= end;
	SIPROUND(v0, v1, v2, v3);
	SIPROUND(v0, v1, v2, v3);
	v0 ^= end;
	v2 ^= 0xff;
	SIPROUND(v0, v1, v2, v3);
	SIPROUND(v0, v1, v2, v3);
	SIPROUND(v0, v1, v2, v3);
	SIPROUND(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return ~sum;
}

SEC("xdp")
int syn_cookie(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u8 mac[ETH_ALEN];
	__u64 m0, m1, sum;
	__be32 saddr, daddr;
	__be16 source;
	__u32 cookie;

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (!tcp->syn || tcp->ack || tcp->rst || tcp->fin)
		return XDP_PASS;

	saddr = ip->saddr;
	daddr = ip->daddr;
	source = tcp->source;
	m0 = (__u64)saddr << 32 | daddr;
	m1 = (__u64)epoch << 32 | (__u32)source << 16 | tcp->dest;
	cookie = siphash(m0, m1);

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);

	ip->saddr = daddr;
	ip->daddr = saddr;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*tcp));
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->check = 0;
	ip->check = csum_fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0));

	tcp->source = tcp->dest;
	tcp->dest = source;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = bpf_htonl(cookie);
	*((__u8 *)tcp + 12) = 5 << 4;
	*((__u8 *)tcp + 13) = 0x12; /* SYN, ACK */
	tcp->window = bpf_htons(WINDOW);
	tcp->urg_ptr = 0;
	tcp->check = 0;
	sum = bpf_csum_diff(0, 0, (__be32 *)tcp, sizeof(*tcp), 0);
	sum += saddr;
	sum += daddr;
	sum += bpf_htons(IPPROTO_TCP);
	sum += bpf_htons(sizeof(*tcp));
	tcp->check = csum_fold(sum);

	/* Options are not answered. */
	if (bpf_xdp_adjust_tail(ctx, (long)(void *)(tcp + 1) - (long)data_end))
		return XDP_DROP;
	__sync_fetch_and_add(&answered, 1);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
