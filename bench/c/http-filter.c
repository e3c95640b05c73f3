/* Counts HTTP requests by method and drops those for what is not public. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { OTHER, GET, POST, PUT, DELETE, METHODS };

#define LONGEST_METHOD 7 /* "DELETE " */
#define LONGEST_PATH 8

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, METHODS);
} requests SEC(".maps");

#if __clang_major__ >= 16
#define starts_with(p, text) (__builtin_memcmp(p, text, sizeof(text) - 1) == 0)
#else
#define starts_with(p, text) equal(p, text, sizeof(text) - 1)

/* Older compilers do not expand memcmp of every size. */
static __always_inline int equal(const char *p, const char *text, int n)
{
#pragma unroll
	for (int i = 0; i < n; i++)
		if (p[i] != text[i])
			return 0;
	return 1;
}
#endif

SEC("xdp")
int http_filter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 method;
	char *p;
	__u64 *v;

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (tcp->dest != bpf_htons(80) && tcp->dest != bpf_htons(8080))
		return XDP_PASS;

	p = (void *)tcp + tcp->doff * 4;
	if (p + LONGEST_METHOD + LONGEST_PATH > (char *)data_end)
		return XDP_PASS;
	if (starts_with(p, "GET ")) {
		method = GET;
		p += 4;
	} else if (starts_with(p, "POST ")) {
		method = POST;
		p += 5;
	} else if (starts_with(p, "PUT ")) {
		method = PUT;
		p += 4;
	} else if (starts_with(p, "DELETE ")) {
		method = DELETE;
		p += 7;
	} else {
		method = OTHER;
	}

	v = bpf_map_lookup_elem(&requests, &method);
	if (v)
		(*v)++;
	if (method == OTHER)
		return XDP_PASS;
	if (starts_with(p, "/admin") || starts_with(p, "/metrics"))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
