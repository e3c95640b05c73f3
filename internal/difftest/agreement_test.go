package difftest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

var agreements = flag.Int("agreements", 600, "random programs that TestAgreement compares")

// near makes programs that are near the edge of what the verifier takes:
// each is a few templates, one per rule of the verifier, with numbers that
// make it hold or fail.
type near struct {
	r     *rand.Rand
	typ   string
	names int
}

func (g *near) of(choices ...string) string { return choices[g.r.Intn(len(choices))] }

func (g *near) pick(n int) int { return g.r.Intn(n) }

func (g *near) chance(percent int) bool { return g.r.Intn(100) < percent }

func (g *near) name() string {
	g.names++
	return fmt.Sprintf("x%d", g.names)
}

// around is n, or a little less or more, or rarely far off.
func (g *near) around(n int) int {
	switch g.pick(12) {
	case 0:
		return n + 1
	case 1:
		return n + 1 + g.pick(8)
	case 2:
		return max(n-1, 0)
	case 3, 4, 5:
		return max(n-1-g.pick(8), 0)
	}
	return n
}

// nearMaps are the maps; a program has those that it names.
var nearMaps = []struct{ name, decl string }{
	{"hh", "(defmap hh :type :hash :key u32 :value u64 :max-entries 8)"},
	{"hst", "(defmap hst :type :hash :key u32 :value nst :max-entries 8)"},
	{"aa", "(defmap aa :type :array :key u32 :value u64 :max-entries 4)"},
	{"bb", "(defmap bb :type :hash :key u32 :value (array u8 64) :max-entries 4)"},
	{"ww", "(defmap ww :type :hash :key u64 :value (array u8 40) :max-entries 4)"},
	{"ro", "(defmap ro :type :hash :key u32 :value u64 :max-entries 4 :map-flags BPF_F_RDONLY_PROG)"},
	{"wo", "(defmap wo :type :hash :key u32 :value u64 :max-entries 4 :map-flags BPF_F_WRONLY_PROG)"},
	{"rb", "(defmap rb :type :ringbuf :max-entries 4096)"},
	{"progs", "(defmap progs :type :prog-array :key-size 4 :value-size 4 :max-entries 4)"},
	{"lm", "(defmap lm :type :hash :key u32 :value nlk :max-entries 4)"},
	{"outs", "(defmap outs :type :perf-event-array :key-size 4 :value-size 4 :max-entries 4)"},
}

// scalar is a number of which nothing is known but its size.
func (g *near) scalar() string {
	switch g.typ {
	case ":xdp":
		return g.of("k", "(ctx rx-queue-index)", "(get-prandom-u32)", "(ctx ingress-ifindex)", "n", "(load u8 d 0)")
	case ":tc", ":cgroup-skb":
		return g.of("k", "(ctx mark)", "(get-prandom-u32)", "(ctx len)", "n", "(ctx priority)")
	}
	return g.of("k", "(get-prandom-u32)", "(ktime-get-ns)", "n", "(logand 4294967295 (get-current-pid-tgid))")
}

// mask is a mask that keeps numbers below about n.
func (g *near) mask(n int) int {
	m := 1
	for m*2 <= n {
		m *= 2
	}
	return []int{m - 1, m - 1, m - 1, 2*m - 1, m, m - 4, n - 1}[g.pick(7)]
}

// number is a number that is meant to be below n, mostly.
func (g *near) number(n int) string {
	x := g.scalar()
	n = max(g.around(n), 1)
	switch g.pick(16) {
	case 0, 1, 2:
		return fmt.Sprintf("(logand %s %d)", x, max(g.mask(n), 0))
	case 3:
		return fmt.Sprintf("(mod %s %d)", x, n)
	case 4:
		return fmt.Sprintf("(* %d (logand %s %d))", 1+g.pick(4), x, g.mask(n/(1+g.pick(4))+1))
	case 5:
		return fmt.Sprintf("(+ %d (logand %s %d))", g.pick(8), x, g.mask(n))
	case 6:
		return fmt.Sprintf("(- (logand %s %d) %d)", x, g.mask(n), g.pick(3))
	case 7:
		return fmt.Sprintf("(>> (cast u%d %s) %d)", []int{8, 16, 32}[g.pick(3)], x, []int{1, 2, 3, 10, 26, 27}[g.pick(6)])
	case 8:
		return fmt.Sprintf("(<< (logand %s %d) %d)", x, g.mask(n/4+1), 1+g.pick(3))
	case 9:
		return fmt.Sprintf("(min %s %d)", x, n-1)
	case 10:
		return fmt.Sprintf("(logior (logand %s %d) %d)", x, g.mask(n), g.pick(4))
	case 11:
		return fmt.Sprintf("(logxor (logand %s %d) %d)", x, g.mask(n), g.pick(4))
	case 12:
		return fmt.Sprintf("(cast u8 %s)", x)
	case 13:
		return fmt.Sprintf("(logand (cast i8 %s) %d)", x, g.mask(n))
	case 14:
		return fmt.Sprintf("(if %s %d %d)", g.test(), g.around(n-1), g.pick(n))
	}
	return fmt.Sprint(g.around(n) - 1)
}

// test is some condition.
func (g *near) test() string {
	return g.of(fmt.Sprintf("(= %s %d)", g.scalar(), g.pick(8)), fmt.Sprintf("(> %s %d)", g.scalar(), g.pick(100)),
		fmt.Sprintf("(logtest %s %d)", g.scalar(), 1+g.pick(8)))
}

// bounded runs body with a variable i that is meant to be below n.
func (g *near) bounded(n int, body func(i string) string) string {
	i := g.name()
	switch g.pick(13) {
	case 12: // its high bits are tested, or those of a number that it is a sum with
		j := g.name()
		mask := []int{-32, -64, -128, 192, 128, 224}[g.pick(6)]
		x := g.scalar()
		if g.chance(30) {
			x = fmt.Sprintf("(cast u%d %s)", 8<<g.pick(2), x)
		}
		sum := fmt.Sprintf("(let* ((%s %s) (%s (%s %s %d)))", j, x, i, g.of("+", "+", "+", "-", "logior"), j, g.pick(4))
		if g.chance(50) {
			return fmt.Sprintf("%s (unless (logtest %s %d) %s))", sum, g.of(i, j, j), mask, body(i))
		}
		return fmt.Sprintf("%s (when (logtest %s %d) %s (setf %s %s)) %s)", sum, g.of(i, j, j), mask, g.of("(incf n k)", "(incf n)", "(setf n (get-prandom-u32))"), i, g.number(n), body(i))
	case 0, 1: // tested as unsigned
		return fmt.Sprintf("(let ((%s %s)) (when (%s %s %d) %s))", i, g.scalar(), g.of("<", "<", "<="), i, g.around(n), body(i))
	case 2: // as signed
		t := g.of("i32", "i64", "i16", "u32")
		return fmt.Sprintf("(let ((%s %s %s)) (when (%s %s %d) %s))", i, t, g.scalar(), g.of("<", "s<", "s<="), i, g.around(n), body(i))
	case 3: // both ends
		return fmt.Sprintf("(let ((%s i%d %s)) (when (and (s>= %s %d) (s< %s %d)) %s))", i, []int{16, 32, 64}[g.pick(3)], g.scalar(), i, g.pick(3)-1, i, g.around(n), body(i))
	case 4: // the other way around
		return fmt.Sprintf("(let ((%s %s)) (unless (%s %s %d) %s))", i, g.scalar(), g.of(">=", ">"), i, g.around(n), body(i))
	case 5: // another number is tested
		j := g.name()
		return fmt.Sprintf("(let* ((%s %s) (%s (%s %s %d))) (when (< %s %d) %s))", i, g.scalar(), j, g.of("+", "-", "logand", "<<"), i, 1+g.pick(3), j, g.around(n), body(g.of(i, j)))
	case 6: // through memory
		return fmt.Sprintf("(let ((%s u64 %s)) (store u64 (stack-addr %s) 0 %s) %s)", i, g.number(n), i, g.number(n), body(i))
	case 7: // on the two ways of a branch
		return fmt.Sprintf("(let ((%s %d)) (if %s (setf %s %s) (setf %s %s)) %s)", i, g.pick(n), g.test(), i, g.number(n), i, g.number(n), body(i))
	case 8: // equal to something
		return fmt.Sprintf("(let ((%s %s)) (when (= %s %s) %s))", i, g.scalar(), i, g.number(n), body(i))
	case 9: // in a loop
		return fmt.Sprintf("(dotimes (%s %d) %s)", i, 1+g.pick(min(max(g.around(n), 1), 24)), body(i))
	}
	return fmt.Sprintf("(let ((%s %s)) %s)", i, g.number(n), body(i))
}

var accessSizes = []int{1, 1, 1, 2, 4, 4, 8}

// use reads or writes size bytes at off behind the pointer p.
func (g *near) use(p string, off, size int) string {
	switch g.pick(3) {
	case 0:
		return fmt.Sprintf("(store u%d %s %d %s)", 8*size, p, off, g.of("1", "n", "k"))
	case 1:
		return fmt.Sprintf("(when (= 77 (load %s%d %s %d)) (incf n))", g.of("u", "u", "i"), 8*size, p, off)
	}
	return fmt.Sprintf("(incf n (load u%d %s %d))", 8*size, p, off)
}

// inside uses memory of n bytes behind p, at a constant or a variable offset.
func (g *near) inside(p string, n int) string {
	size := accessSizes[g.pick(len(accessSizes))]
	if g.chance(35) {
		off := g.around(n - size)
		return g.use(p, off, size)
	}
	if g.chance(20) { // a step further
		off := g.pick(8)
		return g.bounded(max(n-size-off+1, 1), func(i string) string { return g.use(fmt.Sprintf("(+ %s %s)", p, i), off, size) })
	}
	if g.chance(10) {
		return g.bounded(n, func(i string) string { return g.use(fmt.Sprintf("(- (+ %s %d) %s)", p, g.around(n-size), i), 0, size) })
	}
	return g.bounded(max(n-size+1, 1), func(i string) string { return g.use(fmt.Sprintf("(+ %s %s)", p, i), 0, size) })
}

// value runs body with a pointer to a value of a map.
func (g *near) value(m string, body func(v string) string) string {
	v := g.name()
	key := g.of("1", "k", "(logand k 3)", "(get-prandom-u32)")
	switch g.pick(14) {
	case 0:
		return fmt.Sprintf("(let ((%s (map-lookup %s %s))) %s)", v, m, key, body(v))
	case 1:
		return fmt.Sprintf("(let ((%s (map-lookup %s %s))) (if %s (progn %s) (incf n)))", v, m, key, g.of(v, v, "(not "+v+")"), body(v))
	case 2:
		return fmt.Sprintf("(let ((%s (map-lookup %s %s))) (when (and %s %s) %s))", v, m, key, v, g.test(), body(v))
	case 3:
		return fmt.Sprintf("(let ((%s (map-lookup %s %s))) (when (or %s %s) %s))", v, m, key, v, g.test(), body(v))
	}
	return fmt.Sprintf("(when-let ((%s (map-lookup %s %s))) %s)", v, m, key, body(v))
}

// templates are the rules, by what they are about.
func (g *near) templates() []func() string {
	ts := []func() string{
		func() string { return g.value("bb", func(v string) string { return g.inside(v, 64) }) },
		func() string { return g.value("bb", func(v string) string { return g.inside(v, 64) }) },
		func() string { return g.value("hst", func(v string) string { return g.inside(v, 32) }) },
		func() string {
			return g.value("hst", func(v string) string {
				return g.bounded(16, func(i string) string { return fmt.Sprintf("(incf n (nst-d %s %s))", v, i) })
			})
		},
		func() string { return g.inside("buf", 48) },
		func() string { return g.inside("buf", 48) },
		func() string { // an array's entry
			return fmt.Sprintf("(let ((v (map-lookup aa %s))) (incf n (load u64 v 0)))", g.of("1", "3", "4", "k", "(logand k 3)", "0"))
		},
		func() string { // a record
			size := 8 * (1 + g.pick(5))
			e := g.name()
			return fmt.Sprintf("(with-ringbuf (%s rb %d) %s)", e, size, g.inside(e, size))
		},
		func() string { // references
			e := g.name()
			end := g.of("(ringbuf-submit "+e+" 0)", "(ringbuf-discard "+e+" 0)", "(ringbuf-submit "+e+" 0)", fmt.Sprintf("(when %s (ringbuf-submit %s 0))", g.test(), e), "(incf n)",
				fmt.Sprintf("(if %s (ringbuf-submit %s 0) (ringbuf-discard %s 0))", g.test(), e, e), fmt.Sprintf("(progn (when %s (return 1)) (ringbuf-submit %s 0))", g.test(), e),
				fmt.Sprintf("(progn (ringbuf-submit %s 0) (store u64 %s 0 1))", e, e))
			return fmt.Sprintf("(let ((%s (ringbuf-reserve rb 16 0))) (when %s (store u64 %s %d 1) %s))", e, e, e, g.of2(0, 8, 8, 9, 12), end)
		},
		func() string { // read-only maps and those that are only written
			return g.of("(incf n (getmap ro 1))", "(setf (getmap ro 1) 2)", "(setf (getmap wo 1) 2)", "(incf n (getmap wo 1))",
				g.value("ro", func(v string) string { return g.use(v, 0, 8) }), g.value("wo", func(v string) string { return g.use(v, 0, 8) }))
		},
		func() string { // alignment on the stack
			return g.use("buf", 8*g.pick(4)+g.of2(0, 0, 1, 2, 4), 1<<g.pick(4))
		},
		func() string { // atomics
			off := g.of2(0, 8, 16, 4, 12, 1)
			t := g.of("u64", "u32")
			p := g.of("v", "v", "buf")
			s := fmt.Sprintf("(%s %s %d 1 %s)", g.of("atomic-add", "atomic-or", "atomic-fetch-add", "atomic-xchg"), p, off, t)
			return fmt.Sprintf("(when-let ((v (map-lookup hst 1))) %s)", s)
		},
		func() string { // sizes of helpers
			helper := g.of("(ringbuf-output rb buf %s 0)", "(ringbuf-output rb buf %s 0)", "(csum-diff 0 0 buf %s 0)")
			if g.tracing() {
				helper = g.of("(probe-read-kernel buf %s 0)", "(get-current-comm buf %s)", "(probe-read-user-str buf %s 0)", "(ringbuf-output rb buf %s 0)")
			} else if g.typ == ":tc" {
				helper = g.of("(skb-load-bytes (ctx-ptr) 0 buf %s)", "(skb-store-bytes (ctx-ptr) 0 buf %s 0)", "(ringbuf-output rb buf %s 0)", "(csum-diff buf %s 0 0 0)")
			} else if g.typ == ":xdp" {
				helper = g.of("(xdp-load-bytes (ctx-ptr) 0 buf %s)", "(xdp-store-bytes (ctx-ptr) 0 buf %s)", "(ringbuf-output rb buf %s 0)", "(csum-diff 0 0 buf %s 0)")
			}
			if g.chance(40) {
				return g.value("bb", func(v string) string {
					return g.bounded(65, func(i string) string {
						return fmt.Sprintf(strings.Replace(helper, "buf", v, 1), i)
					})
				})
			}
			return g.bounded(49, func(i string) string { return fmt.Sprintf(helper, i) })
		},
		func() string { // sizes that are never zero
			return g.bounded(49, func(i string) string {
				s := fmt.Sprintf("(ringbuf-output rb buf %s 0)", i)
				switch g.typ {
				case ":tc":
					s = fmt.Sprintf("(skb-load-bytes (ctx-ptr) 0 buf %s)", i)
				case ":xdp":
					s = fmt.Sprintf("(xdp-load-bytes (ctx-ptr) 0 buf %s)", i)
				case ":tracepoint":
					s = fmt.Sprintf("(get-current-comm buf %s)", i)
				}
				return fmt.Sprintf("(when (> %s %d) %s)", i, g.of2(0, 0, 0, 1), s)
			})
		},
		func() string { // keys and values in memory
			return g.of(fmt.Sprintf("(map-update-ptr ww (+ buf %d) buf 0)", g.around(40)/8*8), fmt.Sprintf("(map-update-ptr ww buf (+ buf %d) 0)", g.around(8)),
				fmt.Sprintf("(when-let ((v (map-lookup-ptr ww (+ buf %d)))) (incf n (load u8 v 39)))", g.around(40)),
				g.value("hst", func(v string) string { return fmt.Sprintf("(map-update-ptr ww %s (+ %s %d) 0)", v, "buf", g.pick(9)) }),
				g.value("bb", func(v string) string { return fmt.Sprintf("(map-update-ptr ww %s (+ %s %d) 0)", v, v, g.around(24)) }),
				g.value("bb", func(v string) string {
					return g.bounded(25, func(i string) string { return fmt.Sprintf("(map-update-ptr ww buf (+ %s %s) 0)", v, i) })
				}))
		},
		func() string { // spin locks
			v := g.name()
			body := g.of(fmt.Sprintf("(incf (nlk-a %s))", v), "(incf n (ktime-get-ns))", fmt.Sprintf("(incf n (nlk-n %s))", v), fmt.Sprintf("(store u64 %s 0 1)", v), "(when "+g.test()+" (return 1))",
				fmt.Sprintf("(setf (nlk-a %s) %s)", v, g.of("n", "k")), g.use("buf", 8, 8))
			return g.of(fmt.Sprintf("(when-let ((%s (getmap lm 1))) (with-spin-lock (%s) %s))", v, v, body),
				fmt.Sprintf("(when-let ((%s (getmap lm 1))) (with-spin-lock (%s) %s))", v, v, body),
				fmt.Sprintf("(when-let ((%s (getmap lm 1))) (spin-lock (nlk-lock %s)) (incf n) (spin-unlock (nlk-lock %s)))", v, v, v),
				fmt.Sprintf("(when-let ((%s (getmap lm 1))) (spin-lock (nlk-lock %s)) %s)", v, v, body))
		},
		func() string { // dynptrs
			d := g.name()
			return g.of(fmt.Sprintf("(with-dynptr (%s (ringbuf-reserve-dynptr rb 16 0)) (dynptr-write %s %d buf %d 0))", d, d, g.pick(4), g.around(48)),
				fmt.Sprintf("(let ((%s (struct-alloc 16))) (ringbuf-reserve-dynptr rb 8 0 %s) %s (ringbuf-discard-dynptr %s 0))", d, d, g.of("(incf n)", "(when "+g.test()+" (return 1))", "(ringbuf-discard-dynptr "+d+" 0)"), d),
				fmt.Sprintf("(let ((%s (struct-alloc 16))) (ringbuf-reserve-dynptr rb 16 0 %s) (when-let ((q (dynptr-data %s 0 8))) %s) (ringbuf-submit-dynptr %s 0))", d, d, d, g.inside("q", 8), d))
		},
		func() string {
			return g.value("hh", func(v string) string { return g.use(v, g.of2(0, 0, 0, 1, 4, 8), 8) })
		},
		func() string { // two steps
			return g.value("bb", func(v string) string {
				return g.bounded(32, func(i string) string {
					return g.bounded(25, func(j string) string { return g.use(fmt.Sprintf("(+ (+ %s %s) %s)", v, i, j), 0, 8) })
				})
			})
		},
		func() string { // a copy
			return g.value("bb", func(v string) string {
				return g.of(fmt.Sprintf("(memcpy buf 0 %s %d %d)", v, g.around(40), 24), fmt.Sprintf("(memset %s %d 0 %d)", v, g.around(48), 16), fmt.Sprintf("(memcpy %s 0 buf %d 40)", v, g.around(8)))
			})
		},
		func() string { // a pointer that is moved before it is tested
			return fmt.Sprintf("(let ((v (map-lookup bb 1))) (let ((w (+ v %s))) (when v (incf n (load u8 w 0)))))", g.of("0", "1", g.number(16)))
		},
	}
	if g.typ == ":xdp" || g.typ == ":tc" || g.typ == ":cgroup-skb" {
		ts = append(ts, g.packet, g.packet, g.packetVariable, g.packetVariable, g.packetVariable,
			func() string { // the packet as an argument
				return g.of(fmt.Sprintf("(when-let ((v (map-lookup-ptr hh (+ d %d)))) (incf n (load u64 v 0)))", g.around(16)), "(ringbuf-output rb d 16 0)",
					fmt.Sprintf("(map-update-ptr ww buf (+ d %d) 0)", g.pick(20)), fmt.Sprintf("(incf n (csum-diff 0 0 d %d 0))", 4*g.around(5)),
					g.bounded(21, func(i string) string { return fmt.Sprintf("(incf n (csum-diff 0 0 d %s 0))", i) }))
			},
			func() string { // what is done to the end of the packet
				return g.of(fmt.Sprintf("(when (<= (+ d 30) (+ e %d)) (incf n))", g.of2(0, 0, 1)), "(incf n (- e d))", fmt.Sprintf("(when (> (- e d) 30) (incf n %s))", g.of("1", "(load u8 d 25)")))
			},
			func() string { return fmt.Sprintf("(atomic-add %s 0 1)", g.of("d", "d", "buf", "buf", "buf")) })
	}
	if g.typ == ":xdp" {
		ts = append(ts, func() string {
			return "(xdp-adjust-head (ctx-ptr) 0)" + g.of("(setf d (ctx data) e (ctx data-end)) (when (> (+ d 20) e) (return 1))", "(setf d (ctx data) e (ctx data-end))", "")
		}, func() string {
			return fmt.Sprintf("(xdp-load-bytes %s 0 buf 8)", g.of("(ctx-ptr)", "(ctx-ptr)", "(+ (ctx-ptr) 0)", "(+ (ctx-ptr) 4)"))
		})
	}
	return ts
}

func (g *near) of2(choices ...int) int { return choices[g.pick(len(choices))] }

func (g *near) tracing() bool { return g.typ == ":tracepoint" || g.typ == ":raw-tracepoint" }

// packet reads or writes at a constant place.
func (g *near) packet() string {
	size := accessSizes[g.pick(len(accessSizes))]
	n := 20
	if g.chance(40) {
		n = g.pick(64) + 8
		at := g.around(n)
		cmp := g.of(fmt.Sprintf("(<= (+ d %d) e)", at), fmt.Sprintf("(<= (+ d %d) e)", at), fmt.Sprintf("(< (+ d %d) e)", at), fmt.Sprintf("(>= e (+ d %d))", at), fmt.Sprintf("(> e (+ d %d))", at),
			fmt.Sprintf("(not (> (+ d %d) e))", at), fmt.Sprintf("(> (+ d %d) e)", at), fmt.Sprintf("(and %s (<= (+ d %d) e))", g.test(), at), fmt.Sprintf("(or %s (<= (+ d %d) e))", g.test(), at))
		return fmt.Sprintf("(when %s %s)", cmp, g.use("d", max(n-size, 0), size))
	}
	return g.use("d", g.around(n-size), size)
}

// packetVariable reads or writes behind a variable offset.
func (g *near) packetVariable() string {
	size := accessSizes[g.pick(len(accessSizes))]
	q := g.name()
	return g.bounded(g.of2(16, 60, 256, 4096, 65000, 1<<20), func(i string) string {
		off := g.pick(5)
		test := g.of(fmt.Sprintf("(<= (+ %s %d) e)", q, g.around(off+size)), fmt.Sprintf("(<= (+ %s %d) e)", q, g.around(off+size)), fmt.Sprintf("(< (+ %s %d) e)", q, g.around(off+size)), fmt.Sprintf("(<= (+ d %d) e)", 64),
			fmt.Sprintf("(<= (+ (+ d %s) %d) e)", i, off+size))
		return fmt.Sprintf("(let ((%s (%s %s %s))) (when %s %s))", q, g.of("+", "+", "+", "+", "-"), g.of("d", "d", "d", "(+ d 14)"), i, test, g.use(q, off, size))
	})
}

// statement is a template, or some of them in a frame.
func (g *near) statement(ts []func() string) string {
	s := ts[g.pick(len(ts))]()
	switch g.pick(10) {
	case 0:
		return fmt.Sprintf("(when %s %s)", g.test(), s)
	case 1:
		return fmt.Sprintf("(if %s (progn %s) (progn %s))", g.test(), s, ts[g.pick(len(ts))]())
	case 2:
		return fmt.Sprintf("(dotimes (j%d %d) %s)", g.pick(9), 1+g.pick(4), s)
	}
	return s
}

func (g *near) program() string {
	g.typ = g.of(":xdp", ":xdp", ":xdp", ":tc", ":tc", ":cgroup-skb", ":tracepoint", ":raw-tracepoint", ":socket-filter", ":syscall", ":cgroup-sock")
	option := ""
	field, pass := "(get-prandom-u32)", "0"
	switch g.typ {
	case ":xdp":
		field, pass = "(ctx rx-queue-index)", g.of("2", "2", "(logand n 3)", "n")
	case ":tc":
		field, pass = "(ctx mark)", g.of("0", "n", "(- 0 1)")
	case ":cgroup-skb":
		option, field = " :section \"cgroup_skb/"+g.of("ingress", "egress")+"\"", "(ctx mark)"
		pass = g.of("1", "1", "1", "(logand n 1)", "(logand n 3)", "(if (> n 3) 1 0)", "n", "(min n 1)", "(mod n 2)")
	case ":cgroup-sock":
		option, field = " :section \"cgroup/sock_create\"", "(ctx mark)"
		pass = g.of("1", "1", "1", "(logand n 1)", "(logand n 3)", "(if (> n 3) 1 2)", "n", "(min n 1)", "(mod n 2)")
	case ":tracepoint":
		option = " :section \"tracepoint/sched/sched_switch\""
	case ":raw-tracepoint":
		option = " :section \"raw_tp/sched_switch\""
	case ":socket-filter":
		field, pass = "(ctx len)", g.of("0", "n")
	case ":syscall":
		pass = g.of("0", "n")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "(defprog p (:type %s%s)\n (let* ((k %s) (n 0)", g.typ, option, field)
	hasPacket := g.typ == ":xdp" || g.typ == ":tc" || g.typ == ":cgroup-skb"
	if hasPacket {
		b.WriteString(" (d (ctx data)) (e (ctx data-end))")
	}
	b.WriteString(")\n")
	if hasPacket {
		fmt.Fprintf(&b, "  (when (> (+ d %d) e) (return %s))\n", g.of2(20, 20, 20, 20, 18), g.of("1", "1", "1"))
	}
	ts := g.templates()
	var body strings.Builder
	for range 1 + g.pick(2) {
		body.WriteString("   " + g.statement(ts) + "\n")
	}
	if strings.Contains(body.String(), "buf") {
		fmt.Fprintf(&b, "  (let ((buf (struct-alloc 48)))\n%s   0)\n", body.String())
	} else {
		b.WriteString(body.String())
	}
	fmt.Fprintf(&b, "  %s))\n", pass)
	src := b.String()
	head := "(defstruct nst (a u64) (b u32) (c u32) (d (array u8 16)))\n(defstruct nlk (lock bpf-spin-lock) (n u32) (a u64))\n"
	for _, m := range nearMaps {
		if regexp.MustCompile(`\b` + m.name + `\b`).MatchString(src) {
			head += m.decl + "\n"
		}
	}
	return head + src
}

var numberInMessage = regexp.MustCompile(`-?(0x)?[0-9a-f]*[0-9][0-9a-f]*`)

// refusal is the last line of the verifier's message, without the numbers.
func refusal(err error) string {
	var r *load.Refusal
	if !errors.As(err, &r) {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(r.Log), "\n")
	for len(lines) > 1 && regexp.MustCompile(`^(processed|verification time|stack depth|peak_states)`).MatchString(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	last := lines[len(lines)-1]
	if at := strings.Index(last, "BPF program is too large"); at > 0 {
		last = last[at:] // behind the instruction at which it gave up
	}
	return last
}

// deliberate are the codes of what is refused here whatever the kernel says:
// accesses of the stack beside the variable that is meant.
var deliberate = map[string]bool{"stack-bounds": true}

// TestAgreement compares the analysis with the verifier on programs near the
// edge of what it takes: none may be accepted here that the kernel refuses,
// and few the other way.
func TestAgreement(t *testing.T) {
	NeedKernel(t)
	r := rand.New(rand.NewSource(*seed))
	causes, wrong, missed := map[string]int{}, map[string]int{}, map[string]int{}
	both, agreed, own, unsure, broken, strict, mended := 0, 0, 0, 0, 0, 0, 0
	for n := 0; n < *agreements; {
		g := &near{r: rand.New(rand.NewSource(r.Int63()))}
		src := g.program()
		u, err := Compile("random.lisp", src, map[string]bool{"facts": true}, 3)
		if err != nil {
			broken++
			if testing.Verbose() && broken <= 5 {
				t.Logf("does not compile: %v\n%s", strings.Split(err.Error(), "\n")[0], src)
			}
			if broken > *agreements {
				t.Fatal("most programs do not compile")
			}
			continue
		}
		n++
		checked, blame := Compile("random.lisp", src, nil, 3)
		coll, err := load.Open(u.Result.Object)
		if err == nil {
			coll.Close()
		}
		cause := ""
		if err != nil {
			if cause = refusal(err); cause == "" {
				t.Fatalf("not judged by the verifier: %v\n%s", err, src)
			}
			cause = numberInMessage.ReplaceAllString(cause, "#")
			causes[cause]++
		}
		if err != nil && blame == nil && !bytes.Equal(checked.Result.Object, u.Result.Object) {
			// The compiler has found another way to say it.
			if coll, again := load.Open(checked.Result.Object); again == nil {
				coll.Close()
				mended++
				continue
			}
		}
		switch {
		case err != nil && blame != nil:
			both++
		case err == nil && blame == nil:
			agreed++
		case err == nil:
			code, only := "", true
			for _, e := range source.AsList(blame).Errors() {
				code = e.Code
				only = only && deliberate[e.Code]
			}
			if only {
				own++
				continue
			}
			wrong[code]++
			if strict++; testing.Verbose() && wrong[code] <= 2 {
				t.Logf("only refused here: %v\n%s", blame, src)
			}
		default:
			missed[cause]++
			if unsure++; testing.Verbose() && missed[cause] <= 2 {
				t.Logf("not found: %v\n%s", refusal(err), src)
			}
		}
	}
	refused := both + unsure + mended
	t.Logf("%d programs (%d more did not compile): the kernel refuses %d (%.1f %%) by %d causes; both refuse %d, both accept %d; only refused here %d (%.2f %%), and %d on purpose; %d compiled in another way, which the kernel accepts; not found %d",
		*agreements, broken, refused, 100*float64(refused)/float64(*agreements), len(causes), both, agreed, strict, 100*float64(strict)/float64(*agreements), own, mended, unsure)
	t.Logf("causes:\n%s", histogram(causes))
	t.Logf("not found:\n%s", histogram(missed))
	t.Logf("only refused here:\n%s", histogram(wrong))
	if unsure > 0 {
		t.Errorf("%d programs are accepted here and refused by the kernel", unsure)
	}
	if 50*strict > *agreements {
		t.Errorf("%d of %d programs are only refused here", strict, *agreements)
	}
	if *agreements >= 400 && (refused*10 < *agreements*3 || refused*10 > *agreements*7 || len(causes) < 10) {
		t.Errorf("the programs are not near the edge: %d of %d refused, %d causes", refused, *agreements, len(causes))
	}
}

func histogram(m map[string]int) string {
	var lines []string
	for s, n := range m {
		lines = append(lines, fmt.Sprintf("%6d  %s", n, s))
	}
	sort.Sort(sort.Reverse(sort.StringSlice(lines)))
	return strings.Join(lines, "\n")
}
