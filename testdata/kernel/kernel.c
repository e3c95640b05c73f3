/* A kernel in small, for tests that must not depend on the machine's.
 * Made into kernel.btf by:
 *   clang -target bpf -g -O1 -c kernel.c -o kernel.o
 *   llvm-objcopy --dump-section .BTF=kernel.btf kernel.o /dev/null
 */
typedef int pid_t;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;

struct list_head { struct list_head *next, *prev; };
struct sched_entity { u64 vruntime; u32 on_rq; };
struct mm_struct { unsigned long total_vm; struct { int inner; union { long first; int second; }; }; };
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID = 7 };
struct task_struct {
	unsigned int __state;
	void *stack;
	unsigned int flags;
	struct sched_entity se;
	struct mm_struct *mm;
	unsigned int sched_reset_on_fork : 1;
	unsigned int in_execve : 1;
	int nice : 5;
	pid_t pid, tgid;
	struct task_struct *real_parent;
	struct list_head children;
	struct sched_entity more[4];
	union { long rcu; struct { int depth; char kind; }; };
	char comm[16];
	const char *name;
	enum pid_type type;
	bool frozen;
};
struct sock_common { u32 skc_daddr; unsigned short skc_dport, skc_num; unsigned short skc_family; };
struct sock { struct sock_common __sk_common; int sk_rcvbuf; };
struct tcp_sock { struct sock sk; u32 snd_cwnd, snd_ssthresh, srtt_us; };
struct msghdr { void *msg_name; int msg_namelen; };
struct file { unsigned int f_flags; };
struct bpf_iter_meta { void *seq; u64 session_id; u64 seq_num; };
struct opaque;

typedef void (*btf_trace_sched_switch)(void *, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state);
typedef void (*btf_trace_sys_enter)(void *, struct task_struct *regs, long id);
btf_trace_sched_switch keep0;
btf_trace_sys_enter keep1;
struct opaque *keep2;

int tcp_sendmsg(struct sock *sk, struct msghdr *msg, unsigned long size) { return sk->sk_rcvbuf + msg->msg_namelen + size; }
void tcp_close(struct sock *sk, long timeout) {}
int bpf_lsm_file_open(struct file *file) { return file->f_flags; }
int bpf_iter_task(struct bpf_iter_meta *meta, struct task_struct *task) { return task->pid + (int)meta->seq_num; }
struct mm_struct *get_task_mm(struct task_struct *task) { return task->mm; }
struct tcp_sock *to_tcp(struct sock *sk) { return (struct tcp_sock *)sk; }
struct task_struct *bpf_task_acquire(struct task_struct *p) { return p; }
void bpf_task_release(struct task_struct *p) {}
int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) { return dst__sz + flags; }
typedef void (*btf_trace_task_newtask)(void *, struct task_struct *task, unsigned long clone_flags);
btf_trace_task_newtask keep3;
void __bpf_trace_task_newtask(void *__data, struct task_struct *task, unsigned long clone_flags) {}
void __bpf_trace_sched_switch(void *__data, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state) {}
void __bpf_trace_sys_enter(void *__data, struct task_struct *regs, long id) {}
struct rq { u32 nr_running; int cpu; } runqueues __attribute__((section(".data..percpu")));
int cpu_number __attribute__((section(".data..percpu")));

union tcp_cc_info { u64 first; };
struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
	void (*set_state)(struct sock *sk, unsigned char new_state);
	u32 (*undo_cwnd)(struct sock *sk);
	unsigned long (*get_info)(struct sock *sk, u32 ext, int *attr, union tcp_cc_info *info);
	char name[16];
	void *owner;
	struct list_head list;
	u32 key, flags;
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
};
struct bpf_struct_ops_common_value { int refcnt, state; };
struct bpf_struct_ops_tcp_congestion_ops { struct bpf_struct_ops_common_value common; struct tcp_congestion_ops data; } keep4;
u32 tcp_reno_ssthresh(struct sock *sk) { return sk->sk_rcvbuf; }
void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked) {}
u32 tcp_reno_undo_cwnd(struct sock *sk) { return sk->sk_rcvbuf; }
struct bpf_dummy_ops_state { int val; };
struct bpf_dummy_ops { int (*test_1)(struct bpf_dummy_ops_state *cb); int (*test_sleepable)(struct bpf_dummy_ops_state *cb); };
struct bpf_struct_ops_bpf_dummy_ops { struct bpf_struct_ops_common_value common; struct bpf_dummy_ops data; } keep5;
int bpf_dummy_ops__test_1(struct bpf_dummy_ops_state *cb__nullable) { return cb__nullable->val; }
