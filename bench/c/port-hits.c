/* Counts packets by TCP or UDP destination port; IPv4 options are skipped. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u16);
	__type(value, __u64);
	__uint(max_entries, 1024);
} hits SEC(".maps");

/* A missing entry is created; where another CPU was faster, its entry is
 * increased. */
static __always_inline void count(__u16 port)
{
	__u64 one = 1;
	__u64 *v = bpf_map_lookup_elem(&hits, &port);

	if (v) {
		__sync_fetch_and_add(v, 1);
		return;
	}
	if (bpf_map_update_elem(&hits, &port, &one, BPF_NOEXIST) == 0)
		return;
	v = bpf_map_lookup_elem(&hits, &port);
	if (v)
		__sync_fetch_and_add(v, 1);
}

SEC("xdp")
int port_hits(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp;

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl < 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;

	/* The ports stand at the same place in TCP and UDP. */
	udp = (void *)ip + ip->ihl * 4;
	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	count(bpf_ntohs(udp->dest));
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
