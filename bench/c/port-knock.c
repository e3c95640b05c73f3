/* SSH stays closed for a source until it has knocked at three ports in the
 * right order, each within some time of the one before. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SSH_PORT 22
#define OPEN 3
#define PATIENCE_NS 60000000000ULL

struct progress {
	__u32 stage;
	__u32 wrong;
	__u64 last; /* ktime in ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __be32);
	__type(value, struct progress);
	__uint(max_entries, 1024);
} sources SEC(".maps");

SEC("xdp")
int port_knock(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct progress *p;
	__u32 want = 0;
	__be32 src;
	__u16 port;
	__u64 now;

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (!tcp->syn || tcp->ack)
		return XDP_PASS;

	port = bpf_ntohs(tcp->dest);
	src = ip->saddr;
	switch (port) {
	case 7001:
		want = 1;
		break;
	case 8002:
		want = 2;
		break;
	case 9003:
		want = 3;
		break;
	case SSH_PORT:
		p = bpf_map_lookup_elem(&sources, &src);
		return p && p->stage == OPEN ? XDP_PASS : XDP_DROP;
	default:
		return XDP_PASS;
	}

	now = bpf_ktime_get_ns();
	p = bpf_map_lookup_elem(&sources, &src);
	if (!p) {
		struct progress new = { .last = now };

		if (want == 1)
			new.stage = 1;
		else
			new.wrong = 1;
		bpf_map_update_elem(&sources, &src, &new, BPF_ANY);
		return XDP_DROP;
	}
	if (want == 1 || (want == p->stage + 1 && now - p->last <= PATIENCE_NS)) {
		p->stage = want;
	} else {
		p->stage = 0;
		p->wrong++;
	}
	p->last = now;
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
