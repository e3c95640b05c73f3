/* Walks the extension headers of IPv6 packets: routing headers are dropped,
 * the final protocols counted. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_HEADERS 8

struct exthdr {
	__u8 next;
	__u8 len; /* units of 8 bytes behind the first */
	__be16 frag_off;
	__u32 rest;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u8);
	__type(value, __u64);
	__uint(max_entries, 256);
} protocols SEC(".maps");

static __always_inline void count(__u8 proto)
{
	__u64 one = 1;
	__u64 *v = bpf_map_lookup_elem(&protocols, &proto);

	if (v) {
		__sync_fetch_and_add(v, 1);
		return;
	}
	if (bpf_map_update_elem(&protocols, &proto, &one, BPF_NOEXIST) == 0)
		return;
	v = bpf_map_lookup_elem(&protocols, &proto);
	if (v)
		__sync_fetch_and_add(v, 1);
}

SEC("xdp")
int ipv6_ext(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = data + sizeof(*eth);
	void *pos = ip6 + 1;
	__u8 next;

	if (pos > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;

	next = ip6->nexthdr;
	for (int i = 0; i < MAX_HEADERS; i++) {
		struct exthdr *ext = pos;

		switch (next) {
		case IPPROTO_ROUTING:
			return XDP_DROP;
		case IPPROTO_HOPOPTS:
		case IPPROTO_DSTOPTS:
			if ((void *)(ext + 1) > data_end)
				return XDP_DROP;
			pos += (ext->len + 1) * 8;
			next = ext->next;
			break;
		case IPPROTO_FRAGMENT:
			if ((void *)(ext + 1) > data_end)
				return XDP_DROP;
			/* Only first fragments have what follows. */
			if (ext->frag_off & bpf_htons(0xfff8)) {
				count(IPPROTO_FRAGMENT);
				return XDP_PASS;
			}
			pos += sizeof(*ext);
			next = ext->next;
			break;
		default:
			count(next);
			return XDP_PASS;
		}
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
