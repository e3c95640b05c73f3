/* What a monitoring socket wants to see: DNS, pings, and TCP segments that
 * open, close or reset connections; of others only every 256th by hash. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ICMP_ECHO 8
#define ICMP_ECHOREPLY 0
#define SNAP 256
#define GOLDEN 0x9e3779b1
#define TCP_FIN_SYN_RST 0x07

/* Offsets count from the IP header: a packet socket may or may not have the
 * Ethernet header in front of it. */
static __always_inline long load(struct __sk_buff *skb, __u32 off, void *to, __u32 len)
{
	return bpf_skb_load_bytes_relative(skb, off, to, len, BPF_HDR_START_NET);
}

static __always_inline int sampled(struct iphdr *ip)
{
	__u32 hash = (ip->saddr ^ ip->daddr ^ ip->id) * GOLDEN;

	return hash >> 24 == 0 ? SNAP : 0;
}

SEC("socket")
int sock_filter(struct __sk_buff *skb)
{
	struct udphdr udp;
	struct iphdr ip;
	__u32 l4;
	__u8 b;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return 0;
	if (load(skb, 0, &ip, sizeof(ip)) < 0)
		return 0;
	l4 = ip.ihl * 4;

	switch (ip.protocol) {
	case IPPROTO_TCP:
		if (load(skb, l4 + 13, &b, sizeof(b)) < 0)
			return 0;
		return b & TCP_FIN_SYN_RST ? SNAP : sampled(&ip);
	case IPPROTO_UDP:
		if (load(skb, l4, &udp, sizeof(udp)) < 0)
			return 0;
		if (udp.source == bpf_htons(53) || udp.dest == bpf_htons(53))
			return skb->len;
		return sampled(&ip);
	case IPPROTO_ICMP:
		if (load(skb, l4, &b, sizeof(b)) < 0)
			return 0;
		return b == ICMP_ECHO || b == ICMP_ECHOREPLY ? SNAP : 0;
	default:
		return sampled(&ip);
	}
}

char _license[] SEC("license") = "GPL";
