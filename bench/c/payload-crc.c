/* Drops UDP datagrams whose last four bytes are not the CRC-32 of those
 * before them. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_BYTES 64
#define POLY 0xedb88320

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} results SEC(".maps");

SEC("xdp")
int payload_crc(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	__u8 *p = (void *)(udp + 1);
	__u32 crc = ~0, good;
	__u64 *v;

	if ((void *)p > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (udp->dest != bpf_htons(7000))
		return XDP_PASS;

	for (int i = 0; i < MAX_BYTES; i++) {
		if ((void *)(p + 5) > data_end)
			break;
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (crc >> 1) ^ POLY : crc >> 1;
	}
	if ((void *)(p + 4) > data_end)
		return XDP_DROP;

	good = *(__u32 *)p == ~crc;
	v = bpf_map_lookup_elem(&results, &good);
	if (v)
		(*v)++;
	return good ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
