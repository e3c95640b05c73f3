/* Sorts packets into classes of service by protocol and port. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { OTHER, WEB, SHELL, NAMES, MAIL, DATABASE, VOICE, FILES, CONTROL, CLASSES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, CLASSES);
} class_bytes SEC(".maps");

static __always_inline __u32 tcp_class(__u16 port)
{
	switch (port) {
	case 80:
	case 443:
	case 8000:
	case 8080:
	case 8443:
		return WEB;
	case 22:
	case 23:
	case 513:
		return SHELL;
	case 53:
	case 853:
		return NAMES;
	case 25:
	case 110:
	case 143:
	case 465:
	case 587:
	case 993:
	case 995:
		return MAIL;
	case 1433:
	case 1521:
	case 3306:
	case 5432:
	case 6379:
	case 9042:
	case 27017:
		return DATABASE;
	case 20:
	case 21:
	case 139:
	case 445:
	case 873:
	case 2049:
		return FILES;
	case 179:
		return CONTROL;
	default:
		return OTHER;
	}
}

static __always_inline __u32 udp_class(__u16 port)
{
	switch (port) {
	case 53:
	case 5353:
		return NAMES;
	case 443:
		return WEB;
	case 3478:
	case 5004:
	case 5005:
	case 5060:
	case 5061:
		return VOICE;
	case 67:
	case 68:
	case 123:
	case 161:
	case 520:
		return CONTROL;
	default:
		return OTHER;
	}
}

SEC("tc")
int port_class(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 class = OTHER;
	__u64 *v;

	if ((void *)(udp + 1) > data_end)
		return TC_ACT_OK;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (ip->version != 4 || ip->ihl != 5)
		return TC_ACT_OK;

	switch (ip->protocol) {
	case IPPROTO_TCP:
		class = tcp_class(bpf_ntohs(udp->dest));
		break;
	case IPPROTO_UDP:
		class = udp_class(bpf_ntohs(udp->dest));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		class = CONTROL;
		break;
	}

	skb->priority = class;
	v = bpf_map_lookup_elem(&class_bytes, &class);
	if (v)
		*v += skb->len;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
