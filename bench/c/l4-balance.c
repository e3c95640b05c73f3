/* A load balancer for TCP and UDP: packets to a virtual service go to one of
 * its backends, by a hash of the flow. The destination is rewritten, the
 * checksums follow. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct service_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

struct service {
	__u32 first; /* index of the first backend */
	__u32 count;
};

struct backend {
	__be32 addr;
	__be16 port;
	__u8 mac[6];
	__u32 pad;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct service_key);
	__type(value, struct service);
	__uint(max_entries, 256);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct backend);
	__uint(max_entries, 1024);
} backends SEC(".maps");

static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return ~sum;
}

/* The checksum after a word went from old to new (RFC 1624). */
static __always_inline __u16 csum_replace(__u16 check, __u32 old, __u32 new)
{
	return csum_fold((__u64)(__u16)~check + (__u32)~old + new);
}

static __always_inline __u32 hash_flow(__be32 addr, __be16 port)
{
	__u32 h = addr ^ ((__u32)port << 16 | port);

	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	h ^= h >> 16;
	return h;
}

SEC("xdp")
int l4_balance(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct service_key key = {};
	struct service *svc;
	struct backend *b;
	__u32 slot;

	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;

	key.addr = ip->daddr;
	key.port = udp->dest;
	key.proto = ip->protocol;
	svc = bpf_map_lookup_elem(&services, &key);
	if (!svc)
		return XDP_PASS;
	if (svc->count == 0)
		return XDP_DROP;

	slot = svc->first + hash_flow(ip->saddr, udp->source) % svc->count;
	b = bpf_map_lookup_elem(&backends, &slot);
	if (!b)
		return XDP_DROP;

	if (key.proto == IPPROTO_TCP) {
		__u16 check;

		if ((void *)(tcp + 1) > data_end)
			return XDP_DROP;
		check = csum_replace(tcp->check, key.addr, b->addr);
		tcp->check = csum_replace(check, key.port, b->port);
	} else if (udp->check) {
		__u16 check = csum_replace(udp->check, key.addr, b->addr);

		check = csum_replace(check, key.port, b->port);
		udp->check = check ? check : 0xffff;
	}
	ip->check = csum_replace(ip->check, key.addr, b->addr);
	ip->daddr = b->addr;
	udp->dest = b->port;
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, b->mac, ETH_ALEN);
	__sync_fetch_and_add(&b->packets, 1);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
