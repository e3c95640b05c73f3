package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A mapUse is what a helper does with its map.
type mapUse struct {
	op   abi.MapOps
	what string // as a message says what the map has not
}

// oneMapType are helpers that take one type of two that share an operation.
var oneMapType = map[string]string{"sk-redirect-map": "sockmap", "msg-redirect-map": "sockmap", "sock-map-update": "sockmap",
	"sk-redirect-hash": "sockhash", "msg-redirect-hash": "sockhash", "sock-hash-update": "sockhash"}

// helperMaps say for helpers called by name which maps they take: the types
// whose row has the operation, which the verifier was asked about with the
// very helper.
var helperMaps = map[string]mapUse{
	"map-lookup-elem":           {abi.OpLookup, "lookup"},
	"map-update-elem":           {abi.OpUpdate, "update"},
	"map-delete-elem":           {abi.OpDelete, "delete"},
	"map-push-elem":             {abi.OpPush, "push"},
	"map-pop-elem":              {abi.OpPop, "pop"},
	"map-peek-elem":             {abi.OpPeek, "peek"},
	"map-lookup-percpu-elem":    {abi.OpLookupPercpu, "values of other CPUs"},
	"tail-call":                 {abi.OpTailCall, "programs to call"},
	"perf-event-output":         {abi.OpPerfOutput, "perf events"},
	"perf-event-read":           {abi.OpPerfRead, "perf events"},
	"perf-event-read-value":     {abi.OpPerfRead, "perf events"},
	"get-stackid":               {abi.OpStackID, "stacks"},
	"skb-under-cgroup":          {abi.OpUnderCgroup, "cgroups"},
	"current-task-under-cgroup": {abi.OpUnderCgroup, "cgroups"},
	"redirect-map":              {abi.OpRedirect, "devices or CPUs to redirect to"},
	"sk-redirect-map":           {abi.OpSockRedirect, "sockets"},
	"sk-redirect-hash":          {abi.OpSockRedirect, "sockets"},
	"msg-redirect-map":          {abi.OpSockRedirect, "sockets"},
	"msg-redirect-hash":         {abi.OpSockRedirect, "sockets"},
	"sock-map-update":           {abi.OpSockUpdate, "sockets"},
	"sock-hash-update":          {abi.OpSockUpdate, "sockets"},
	"sk-select-reuseport":       {abi.OpSelectReuseport, "sockets to select from"},
	"ringbuf-reserve":           {abi.OpRing, "records"},
	"ringbuf-output":            {abi.OpRing, "records"},
	"ringbuf-query":             {abi.OpRing, "records"},
	"ringbuf-reserve-dynptr":    {abi.OpRing, "records"},
	"user-ringbuf-drain":        {abi.OpUserRing, "records from user space"},
	"sk-storage-get":            {abi.OpSkStorage, "storage of sockets"},
	"sk-storage-delete":         {abi.OpSkStorage, "storage of sockets"},
	"task-storage-get":          {abi.OpTaskStorage, "storage of tasks"},
	"task-storage-delete":       {abi.OpTaskStorage, "storage of tasks"},
	"inode-storage-get":         {abi.OpInodeStorage, "storage of inodes"},
	"inode-storage-delete":      {abi.OpInodeStorage, "storage of inodes"},
	"cgrp-storage-get":          {abi.OpCgrpStorage, "storage of cgroups"},
	"cgrp-storage-delete":       {abi.OpCgrpStorage, "storage of cgroups"},
	"get-local-storage":         {abi.OpLocalStorage, "storage of this cgroup"},
}

// takesMap checks that the helper takes the map of argument i.
func (l *lowerer) takesMap(c *call, i int, h *abi.Helper, m *Map) {
	if use, ok := helperMaps[h.Name]; ok {
		l.needs(c, i, m, use.op, use.what)
	}
	if only := oneMapType[h.Name]; only != "" && m.Type.Keyword != only {
		e := l.failAt(c.at(i), c.args[i], "`%s` wants a %s, and `%s` is %s", h.Name, only, m.Name, article(m.Type.Keyword)).
			WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("wrong-map-type")
		other := strings.NewReplacer("-map", "-hash", "-hash", "-map").Replace(h.Name)
		if oneMapType[other] == m.Type.Keyword {
			e.WithHint("use %s", other)
		}
		panic(e)
	}
}
