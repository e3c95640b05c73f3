package sim

import (
	"maps"
	"sync"
)

// helperFuncs are the simulated helpers, by their Lisp names, in a table that is
// made for the first machine. A test asks the abi table for each.
var helperFuncs = sync.OnceValue(func() map[string]helperFunc {
	all := maps.Clone(coreHelpers())
	maps.Copy(all, worldHelpers())
	return all
})

func coreHelpers() map[string]helperFunc {
	return map[string]helperFunc{
		"map-lookup-elem":        mapLookup,
		"map-update-elem":        mapUpdate,
		"map-delete-elem":        mapDelete,
		"map-push-elem":          mapPush,
		"map-pop-elem":           mapPop,
		"map-peek-elem":          mapPeek,
		"map-lookup-percpu-elem": mapLookupPercpu,
		"for-each-map-elem":      forEachMapElem,
		"loop":                   loop,
		"get-local-storage":      getLocalStorage,
		"sk-storage-get":         storageGet,
		"sk-storage-delete":      storageDelete,
		"task-storage-get":       storageGet,
		"task-storage-delete":    storageDelete,
		"inode-storage-get":      storageGet,
		"inode-storage-delete":   storageDelete,
		"cgrp-storage-get":       storageGet,
		"cgrp-storage-delete":    storageDelete,
		"spin-lock":              spinLock,
		"spin-unlock":            spinUnlock,
		"tail-call":              tailCall,

		"ringbuf-reserve": ringReserve,
		"ringbuf-submit":  ringSubmit,
		"ringbuf-discard": ringDiscard,
		"ringbuf-output":  ringOutput,
		"ringbuf-query":   ringQuery,

		"dynptr-from-mem":        dynptrFromMem,
		"dynptr-read":            dynptrRead,
		"dynptr-write":           dynptrWrite,
		"dynptr-data":            dynptrData,
		"ringbuf-reserve-dynptr": ringReserveDynptr,
		"ringbuf-submit-dynptr":  endRingDynptr(ringSubmit),
		"ringbuf-discard-dynptr": endRingDynptr(ringDiscard),

		"perf-event-output":    perfOutput,
		"skb-output":           perfOutput,
		"xdp-output":           perfOutput,
		"ktime-get-ns":         clock,
		"ktime-get-boot-ns":    clock,
		"ktime-get-coarse-ns":  clock,
		"ktime-get-tai-ns":     clock,
		"jiffies64":            func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.now() / jiffy, nil },
		"get-prandom-u32":      func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.rand() >> 32, nil },
		"get-smp-processor-id": func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return uint64(m.CPU), nil },
		"get-numa-node-id":     func(*Machine, *Run, [5]uint64) (uint64, error) { return 0, nil },
		"get-current-pid-tgid": func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.PidTgid, nil },
		"get-current-uid-gid":  func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.UidGid, nil },
		"get-current-task":     func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.Task, nil },
		"get-current-task-btf": func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.Task, nil },

		"get-current-cgroup-id": func(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.CgroupID, nil },

		"get-current-comm":      currentComm,
		"trace-printk":          tracePrintk,
		"trace-vprintk":         traceVprintk,
		"snprintf":              snprintf,
		"strncmp":               strncmp,
		"probe-read":            probeRead,
		"probe-read-kernel":     probeRead,
		"probe-read-user":       probeRead,
		"probe-read-str":        probeReadStr,
		"probe-read-kernel-str": probeReadStr,
		"probe-read-user-str":   probeReadStr,
		"skb-load-bytes":        skbLoadBytes,
		"skb-store-bytes":       skbStoreBytes,
		"skb-pull-data":         skbPullData,
		"skb-change-tail":       skbChangeTail,
		"xdp-adjust-head":       xdpAdjustHead,
		"xdp-adjust-tail":       xdpAdjustTail,
		"xdp-adjust-meta":       xdpAdjustMeta,
		"xdp-load-bytes":        skbLoadBytes,
		"xdp-store-bytes":       xdpStoreBytes,
		"xdp-get-buff-len":      xdpBuffLen,
		"redirect":              redirect,
		"redirect-map":          redirectMap,
		"csum-diff":             csumDiff,
		"l3-csum-replace":       l3CsumReplace,
		"l4-csum-replace":       l4CsumReplace,
	}
}
