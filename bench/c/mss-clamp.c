/* Lowers the maximum segment size of SYNs that leave through a tunnel. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_OPTIONS 10
#define TCP_OFF (ETH_HLEN + sizeof(struct iphdr))
#define TCP_CHECK_OFF (TCP_OFF + offsetof(struct tcphdr, check))

enum { OPT_END, OPT_NOP, OPT_MSS };

const volatile __u16 max_mss = 1360;
__u64 clamped;

SEC("tc")
int mss_clamp(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 off, end;

	if ((void *)(tcp + 1) > data_end)
		return TC_ACT_OK;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return TC_ACT_OK;
	if (!tcp->syn)
		return TC_ACT_OK;

	off = TCP_OFF + sizeof(*tcp);
	end = TCP_OFF + tcp->doff * 4;
	for (int i = 0; i < MAX_OPTIONS; i++) {
		__u8 opt[2];

		if (off + 2 > end)
			break;
		if (bpf_skb_load_bytes(skb, off, opt, sizeof(opt)) < 0)
			break;
		if (opt[0] == OPT_END)
			break;
		if (opt[0] == OPT_NOP) {
			off++;
			continue;
		}
		if (opt[1] < 2)
			return TC_ACT_SHOT;
		if (opt[0] == OPT_MSS && opt[1] == 4) {
			__be16 old, new = bpf_htons(max_mss);

			if (bpf_skb_load_bytes(skb, off + 2, &old, sizeof(old)) < 0)
				break;
			if (bpf_ntohs(old) > max_mss) {
				bpf_l4_csum_replace(skb, TCP_CHECK_OFF, old, new, sizeof(new));
				bpf_skb_store_bytes(skb, off + 2, &new, sizeof(new), 0);
				__sync_fetch_and_add(&clamped, 1);
			}
			break;
		}
		off += opt[1];
	}
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
