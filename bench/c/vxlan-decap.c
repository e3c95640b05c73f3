/* Takes the outer headers off VXLAN packets of known networks. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VXLAN_PORT 4789
#define VXLAN_HAS_VNI 0x08000000

struct vxlanhdr {
	__be32 flags;
	__be32 vni; /* in the upper 24 bits */
};

struct tunnel {
	__be32 remote; /* 0 is any */
	__u32 pad;
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct tunnel);
	__uint(max_entries, 1024);
} tunnels SEC(".maps");

SEC("xdp")
int vxlan_decap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	struct vxlanhdr *vxlan = (void *)(udp + 1);
	struct ethhdr *inner = (void *)(vxlan + 1);
	struct tunnel *t;
	__u64 size;
	__u32 vni;

	if ((void *)(inner + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (udp->dest != bpf_htons(VXLAN_PORT))
		return XDP_PASS;
	if (!(vxlan->flags & bpf_htonl(VXLAN_HAS_VNI)))
		return XDP_DROP;

	vni = bpf_ntohl(vxlan->vni) >> 8;
	t = bpf_map_lookup_elem(&tunnels, &vni);
	if (!t)
		return XDP_PASS;
	if (t->remote && t->remote != ip->saddr)
		return XDP_DROP;

	size = data_end - (void *)inner;
	if (bpf_xdp_adjust_head(ctx, (void *)inner - data))
		return XDP_ABORTED;
	__sync_fetch_and_add(&t->packets, 1);
	__sync_fetch_and_add(&t->bytes, size);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
