/* What a cgroup may send: a table of destinations, exact or for any port. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { DENIED, ALLOWED };

struct dest {
	__be32 addr;
	__u16 port; /* host order; 0 is any */
	__u8 proto;
	__u8 pad;
};

struct verdict {
	__u32 allow;
	__u32 pad;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct dest);
	__type(value, struct verdict);
	__uint(max_entries, 1024);
} policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} packets SEC(".maps");

static __always_inline int finish(int allow)
{
	__u32 key = allow;
	__u64 *v = bpf_map_lookup_elem(&packets, &key);

	if (v)
		__sync_fetch_and_add(v, 1);
	return allow;
}

SEC("cgroup_skb/egress")
int cgroup_policy(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	struct dest key = {};
	struct verdict *v;

	if ((void *)(ip + 1) > data_end)
		return 1;
	if (ip->version != 4)
		return 1;

	key.addr = ip->daddr;
	key.proto = ip->protocol;
	if ((key.proto == IPPROTO_TCP || key.proto == IPPROTO_UDP) && ip->ihl == 5) {
		struct udphdr *udp = (void *)(ip + 1);

		if ((void *)(udp + 1) > data_end)
			return finish(DENIED);
		key.port = bpf_ntohs(udp->dest);
	}

	v = bpf_map_lookup_elem(&policy, &key);
	if (!v && key.port) {
		key.port = 0;
		v = bpf_map_lookup_elem(&policy, &key);
	}
	if (!v)
		return finish(DENIED);
	__sync_fetch_and_add(&v->bytes, skb->len);
	return finish(v->allow ? ALLOWED : DENIED);
}

char _license[] SEC("license") = "GPL";
