/* A histogram of packet sizes in powers of two, per protocol of layer 3. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SLOTS 16

struct hist {
	__u64 total;
	__u32 slots[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct hist);
	__uint(max_entries, 3);
} hists SEC(".maps");

static __always_inline __u32 log2(__u32 v)
{
	__u32 shift, r;

	r = (v > 0xffff) << 4; v >>= r;
	shift = (v > 0xff) << 3; v >>= shift; r |= shift;
	shift = (v > 0xf) << 2; v >>= shift; r |= shift;
	shift = (v > 0x3) << 1; v >>= shift; r |= shift;
	r |= v >> 1;
	return r;
}

SEC("tc")
int size_hist(struct __sk_buff *skb)
{
	__u32 key, slot;
	struct hist *h;

	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		key = 0;
		break;
	case bpf_htons(ETH_P_IPV6):
		key = 1;
		break;
	default:
		key = 2;
	}
	h = bpf_map_lookup_elem(&hists, &key);
	if (!h)
		return TC_ACT_OK;
	h->total += skb->len;
	slot = log2(skb->len);
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	h->slots[slot]++;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
