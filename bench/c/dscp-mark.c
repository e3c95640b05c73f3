/* Sets the DSCP of packets from a table by destination port, and the mark
 * with it. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_TOS_OFF (ETH_HLEN + offsetof(struct iphdr, tos))
#define IP_CHECK_OFF (ETH_HLEN + offsetof(struct iphdr, check))
#define ECN_MASK 3

struct marking {
	__u8 dscp;
	__u8 pad[3];
	__u32 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u16);
	__type(value, struct marking);
	__uint(max_entries, 256);
} markings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 64);
} marked SEC(".maps");

SEC("tc")
int dscp_mark(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	struct marking *m;
	__u8 old, new;
	__u16 port;
	__u32 dscp;
	__u64 *v;

	if ((void *)(udp + 1) > data_end)
		return TC_ACT_OK;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (ip->version != 4 || ip->ihl != 5)
		return TC_ACT_OK;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return TC_ACT_OK;

	port = bpf_ntohs(udp->dest);
	m = bpf_map_lookup_elem(&markings, &port);
	if (!m)
		return TC_ACT_OK;

	skb->mark = m->mark;
	dscp = m->dscp & 0x3f;
	old = ip->tos;
	new = dscp << 2 | (old & ECN_MASK);
	if (new != old) {
		bpf_l3_csum_replace(skb, IP_CHECK_OFF, bpf_htons(old), bpf_htons(new), 2);
		bpf_skb_store_bytes(skb, IP_TOS_OFF, &new, sizeof(new), 0);
	}

	v = bpf_map_lookup_elem(&marked, &dscp);
	if (v)
		__sync_fetch_and_add(v, 1);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
