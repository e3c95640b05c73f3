/* Sends an event for every TCP connection that opens, closes or is reset. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum kind { OPENED = 1, CLOSED, RESET };

struct event {
	__u64 time; /* ktime in ns */
	__be32 src;
	__be32 dst;
	__u16 sport; /* host order */
	__u16 dport;
	__u32 seq;
	__u8 kind;
	__u8 ttl;
	__u16 window;
	__u32 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} lost SEC(".maps");

SEC("xdp")
int conn_events(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct event *e;
	__u8 kind;

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;

	if (tcp->rst)
		kind = RESET;
	else if (tcp->fin)
		kind = CLOSED;
	else if (tcp->syn && !tcp->ack)
		kind = OPENED;
	else
		return XDP_PASS;

	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__u32 key = 0;
		__u64 *v = bpf_map_lookup_elem(&lost, &key);

		if (v)
			(*v)++;
		return XDP_PASS;
	}
	e->time = bpf_ktime_get_ns();
	e->src = ip->saddr;
	e->dst = ip->daddr;
	e->sport = bpf_ntohs(tcp->source);
	e->dport = bpf_ntohs(tcp->dest);
	e->seq = bpf_ntohl(tcp->seq);
	e->kind = kind;
	e->ttl = ip->ttl;
	e->window = bpf_ntohs(tcp->window);
	e->length = bpf_ntohs(ip->tot_len);
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
