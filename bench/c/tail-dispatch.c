/* One program per protocol, reached by tail calls; what they need to know is
 * passed in a per-CPU map. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { SLOT_TCP, SLOT_UDP, SLOTS };
enum { SEEN_OTHER, SEEN_TCP, SEEN_TCP_SYN, SEEN_UDP, SEEN_UDP_DNS, SEEN_KINDS };

struct scratch {
	__u32 l4_offset;
	__u32 size;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, SEEN_KINDS);
} seen SEC(".maps");

static __always_inline void count(__u32 kind, __u64 size)
{
	__u64 *v = bpf_map_lookup_elem(&seen, &kind);

	if (v)
		*v += size;
}

static __always_inline struct scratch *scratch(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&scratches, &key);
}

SEC("xdp")
int on_tcp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct scratch *s = scratch();
	struct tcphdr *tcp;

	if (!s)
		return XDP_ABORTED;
	tcp = data + (s->l4_offset & 0x7f);
	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	count(tcp->syn ? SEEN_TCP_SYN : SEEN_TCP, s->size);
	return XDP_PASS;
}

SEC("xdp")
int on_udp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct scratch *s = scratch();
	struct udphdr *udp;

	if (!s)
		return XDP_ABORTED;
	udp = data + (s->l4_offset & 0x7f);
	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	count(udp->dest == bpf_htons(53) ? SEEN_UDP_DNS : SEEN_UDP, s->size);
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, SLOTS);
	__array(values, int(void *));
} handlers SEC(".maps") = {
	.values = {
		[SLOT_TCP] = (void *)&on_tcp,
		[SLOT_UDP] = (void *)&on_udp,
	},
};

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct scratch *s;

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl < 5)
		return XDP_PASS;
	s = scratch();
	if (!s)
		return XDP_ABORTED;
	s->l4_offset = sizeof(*eth) + ip->ihl * 4;
	s->size = data_end - data;

	switch (ip->protocol) {
	case IPPROTO_TCP:
		bpf_tail_call(ctx, &handlers, SLOT_TCP);
		break;
	case IPPROTO_UDP:
		bpf_tail_call(ctx, &handlers, SLOT_UDP);
		break;
	}
	count(SEEN_OTHER, s->size);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
