/* Follows TCP connections through their states; segments that belong to none
 * are dropped. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum state { SYN_SENT = 1, SYN_RECEIVED, ESTABLISHED, FIN_WAIT, CLOSED };
enum dir { ORIGINAL, REPLY };

/* The lower address (or port) comes first, so both directions share a key. */
struct conn_key {
	__be32 addr[2];
	__be16 port[2];
};

struct conn {
	__u8 state;
	__u8 swapped; /* whether the opener's address is the second */
	__u8 fins;    /* directions that sent a FIN */
	__u8 pad;
	__u32 packets[2];
	__u32 pad2;
	__u64 last_seen; /* ktime in ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct conn_key);
	__type(value, struct conn);
	__uint(max_entries, 65536);
} conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} invalid SEC(".maps");

static __always_inline int drop(void)
{
	__u32 key = 0;
	__u64 *v = bpf_map_lookup_elem(&invalid, &key);

	if (v)
		(*v)++;
	return XDP_DROP;
}

SEC("xdp")
int conntrack(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct conn_key key = {};
	struct conn *c;
	__u8 swapped;
	__u32 dir;

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;

	swapped = ip->saddr > ip->daddr || (ip->saddr == ip->daddr && tcp->source > tcp->dest);
	if (swapped) {
		key.addr[0] = ip->daddr;
		key.addr[1] = ip->saddr;
		key.port[0] = tcp->dest;
		key.port[1] = tcp->source;
	} else {
		key.addr[0] = ip->saddr;
		key.addr[1] = ip->daddr;
		key.port[0] = tcp->source;
		key.port[1] = tcp->dest;
	}

	c = bpf_map_lookup_elem(&conns, &key);
	if (!c || c->state == CLOSED) {
		struct conn new = { .state = SYN_SENT, .swapped = swapped };

		if (!tcp->syn || tcp->ack || tcp->rst)
			return drop();
		new.packets[ORIGINAL] = 1;
		new.last_seen = bpf_ktime_get_ns();
		bpf_map_update_elem(&conns, &key, &new, BPF_ANY);
		return XDP_PASS;
	}

	dir = c->swapped == swapped ? ORIGINAL : REPLY;
	if (tcp->rst) {
		c->state = CLOSED;
	} else {
		switch (c->state) {
		case SYN_SENT:
			if (dir == REPLY && tcp->syn && tcp->ack)
				c->state = SYN_RECEIVED;
			else if (dir == REPLY || tcp->ack)
				return drop();
			break;
		case SYN_RECEIVED:
			if (dir == ORIGINAL && tcp->ack && !tcp->syn)
				c->state = ESTABLISHED;
			break;
		case ESTABLISHED:
			if (tcp->syn)
				return drop();
			if (tcp->fin) {
				c->fins = 1 << dir;
				c->state = FIN_WAIT;
			}
			break;
		case FIN_WAIT:
			if (tcp->fin) {
				c->fins |= 1 << dir;
				if (c->fins == 3)
					c->state = CLOSED;
			}
			break;
		}
	}
	if (dir == ORIGINAL)
		c->packets[ORIGINAL]++;
	else
		c->packets[REPLY]++;
	c->last_seen = bpf_ktime_get_ns();
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
