#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define LIMIT 100

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 10240);
} syn_count SEC(".maps");

/* Counts one more under key; a missing entry is created, and where another
 * CPU was faster its entry is increased. */
static __always_inline __u64 count(__u32 *key)
{
	__u64 one = 1;
	__u64 *v = bpf_map_lookup_elem(&syn_count, key);

	if (v)
		return __sync_fetch_and_add(v, 1) + 1;
	if (bpf_map_update_elem(&syn_count, key, &one, BPF_NOEXIST) == 0)
		return 1;
	v = bpf_map_lookup_elem(&syn_count, key);
	if (v)
		return __sync_fetch_and_add(v, 1) + 1;
	return 0;
}

SEC("xdp")
int limit_syns(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (tcp->syn && !tcp->ack) {
		__u32 src = ip->saddr;

		if (count(&src) > LIMIT)
			return XDP_DROP;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
