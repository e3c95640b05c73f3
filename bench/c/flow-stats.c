/* Packets and bytes of every TCP and UDP flow, keyed by its 5-tuple. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct flow {
	__be32 src;
	__be32 dst;
	__u16 sport; /* host order */
	__u16 dport;
	__u8 proto;
	__u8 pad[3];
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct flow);
	__type(value, struct traffic);
	__uint(max_entries, 8192);
} flows SEC(".maps");

SEC("xdp")
int flow_stats(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	__u64 size = data_end - data;
	struct flow key = {};
	struct traffic *t;

	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;

	key.src = ip->saddr;
	key.dst = ip->daddr;
	key.sport = bpf_ntohs(udp->source);
	key.dport = bpf_ntohs(udp->dest);
	key.proto = ip->protocol;

	t = bpf_map_lookup_elem(&flows, &key);
	if (t) {
		__sync_fetch_and_add(&t->packets, 1);
		__sync_fetch_and_add(&t->bytes, size);
	} else {
		struct traffic new = { .packets = 1, .bytes = size };

		bpf_map_update_elem(&flows, &key, &new, BPF_ANY);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
