/* Drops DNS queries for blocked names: the name is hashed (FNV-1a, letters in
 * lower case) and looked up. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_NAME 64
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

struct dnshdr {
	__be16 id;
	__be16 flags;
	__be16 qdcount;
	__be16 ancount;
	__be16 nscount;
	__be16 arcount;
};

struct rule {
	__u64 hits;
	__u16 qtype; /* 0 is any */
	__u16 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, struct rule);
	__uint(max_entries, 4096);
} blocked SEC(".maps");

SEC("xdp")
int dns_block(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	struct dnshdr *dns = (void *)(udp + 1);
	__u8 *p = (void *)(dns + 1);
	__u64 hash = FNV_OFFSET;
	struct rule *rule;
	__u16 qtype;
	int i;

	if ((void *)p > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (udp->dest != bpf_htons(53))
		return XDP_PASS;
	if (bpf_ntohs(dns->flags) & 0x8000 || dns->qdcount != bpf_htons(1))
		return XDP_PASS;

	for (i = 0; i < MAX_NAME; i++) {
		__u8 c;

		if ((void *)(p + 1) > data_end)
			return XDP_DROP;
		c = *p++;
		if (c == 0)
			break;
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		hash = (hash ^ c) * FNV_PRIME;
	}
	if (i == MAX_NAME || (void *)(p + 4) > data_end)
		return XDP_DROP;

	rule = bpf_map_lookup_elem(&blocked, &hash);
	if (!rule)
		return XDP_PASS;
	qtype = bpf_ntohs(*(__be16 *)p);
	if (rule->qtype && rule->qtype != qtype)
		return XDP_PASS;
	__sync_fetch_and_add(&rule->hits, 1);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
