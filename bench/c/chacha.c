/* Encrypts the first 64 bytes of UDP datagrams to one port with ChaCha20. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define WORDS 16
#define DOUBLE_ROUNDS 10

struct secret {
	__u32 key[8];
	__u32 nonce[3];
	__u32 blocks;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct secret);
	__uint(max_entries, 1);
} secrets SEC(".maps");

static __always_inline __u32 rol32(__u32 word, unsigned int shift)
{
	return (word << shift) | (word >> (32 - shift));
}

#define QUARTER(a, b, c, d)				\
do {							\
	a += b; d = rol32(d ^ a, 16);			\
	c += d; b = rol32(b ^ c, 12);			\
	a += b; d = rol32(d ^ a, 8);			\
	c += d; b = rol32(b ^ c, 7);			\
} while (0)

SEC("xdp")
int chacha(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 *payload = (void *)(udp + 1);
	__u32 x[WORDS], key = 0, block;
	struct secret *s;

	if ((void *)(payload + WORDS) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (udp->dest != bpf_htons(7777))
		return XDP_PASS;

	s = bpf_map_lookup_elem(&secrets, &key);
	if (!s)
		return XDP_ABORTED;
	block = __sync_fetch_and_add(&s->blocks, 1);

	x[0] = 0x61707865;
	x[1] = 0x3320646e;
	x[2] = 0x79622d32;
	x[3] = 0x6b206574;
	for (int i = 0; i < 8; i++)
		x[4 + i] = s->key[i];
	x[12] = block;
	for (int i = 0; i < 3; i++)
		x[13 + i] = s->nonce[i];

	for (int i = 0; i < DOUBLE_ROUNDS; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}

	x[0] += 0x61707865;
	x[1] += 0x3320646e;
	x[2] += 0x79622d32;
	x[3] += 0x6b206574;
	for (int i = 0; i < 8; i++)
		x[4 + i] += s->key[i];
	x[12] += block;
	for (int i = 0; i < 3; i++)
		x[13 + i] += s->nonce[i];

	for (int i = 0; i < WORDS; i++)
		payload[i] ^= x[i];
	udp->check = 0;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
