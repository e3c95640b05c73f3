/* Sends connections to a service's address to a backend instead. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct service {
	__be32 addr;
	__u16 port; /* host order */
	__u8 proto;
	__u8 pad;
};

struct target {
	__be32 addr;
	__u16 port; /* host order; 0 keeps the port */
	__u16 refuse;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct service);
	__type(value, struct target);
	__uint(max_entries, 256);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct service);
	__type(value, __u64);
	__uint(max_entries, 256);
} redirected SEC(".maps");

static __always_inline void count(struct service *key)
{
	__u64 one = 1;
	__u64 *v = bpf_map_lookup_elem(&redirected, key);

	if (v) {
		__sync_fetch_and_add(v, 1);
		return;
	}
	if (bpf_map_update_elem(&redirected, key, &one, BPF_NOEXIST) == 0)
		return;
	v = bpf_map_lookup_elem(&redirected, key);
	if (v)
		__sync_fetch_and_add(v, 1);
}

SEC("cgroup/connect4")
int connect_redirect(struct bpf_sock_addr *ctx)
{
	struct service key = {
		.addr = ctx->user_ip4,
		.port = bpf_ntohs(ctx->user_port),
		.proto = ctx->protocol,
	};
	struct target *t = bpf_map_lookup_elem(&targets, &key);

	if (!t)
		return 1;
	if (t->refuse)
		return 0;
	ctx->user_ip4 = t->addr;
	if (t->port)
		ctx->user_port = bpf_htons(t->port);
	count(&key);
	return 1;
}

char _license[] SEC("license") = "GPL";
