package compile

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/types"
)

// LossesMap is the hidden map that counts what the kernel does not: records
// that a ring buffer had no room for, and new entries that a full map did not
// take. Its one value has a number for each map, called like the map.
const LossesMap = "whistler_losses"

// losing are the calls that may lose something, and how their result says so.
var losing = map[string]struct {
	mapArg int
	cmp    ir.Op  // of the result
	with   string // errno, negative; "" is 0
}{
	"ringbuf-reserve":        {0, ir.OpEq, ""},
	"ringbuf-output":         {0, ir.OpSlt, ""},
	"ringbuf-reserve-dynptr": {0, ir.OpSlt, ""},
	"map-update-elem":        {0, ir.OpEq, "E2BIG"},
	"map-push-elem":          {0, ir.OpEq, "E2BIG"},
}

// countLosses adds a counter behind each call that may lose something, on the
// arm that is taken where it does, and the map for it.
func countLosses(u *lang.Unit, funcs []*function) {
	kind := abi.MapTypeByKeyword("percpu-array")
	s := &types.Struct{Name: LossesMap, C: LossesMap}
	at := map[string]int{}
	for _, m := range u.Maps {
		if m.Type.Ring || m.Type.Hash || m.Type.Ops&abi.OpPush != 0 {
			at[m.C] = len(s.Fields)
			s.Fields = append(s.Fields, types.Field{Name: m.C, C: m.C, Type: types.U64})
		}
	}
	if len(at) == 0 || kind == nil {
		return
	}
	s.Layout()
	counts := &lang.Map{Name: LossesMap, C: LossesMap, Type: kind, Key: types.U32, KeySize: 4, Value: s.Type(), ValueSize: s.Size, MaxEntries: 1}
	used := false
	for _, fn := range funcs {
		fn.maps[counts.C] = counts
		for i := 0; i < len(fn.f.Blocks); i++ { // what is split off comes later
			used = countIn(fn.f, fn.f.Blocks[i], func(name string) int64 {
				if n, ok := at[name]; ok {
					return int64(s.Fields[n].Offset)
				}
				return -1
			}) || used
		}
	}
	if used {
		u.Maps = append(u.Maps, counts)
		u.Structs = append(u.Structs, s)
	}
}

// countIn puts a counter behind the first call of b that may lose something:
//
//	v4 = call 131 v1 v2 v3          v4 = call 131 v1 v2 v3
//	...                      =>     br.8 eq v4 v5 b7 b9
//	                                b7: look the counter up; b8: count; b9: ...
func countIn(f *ir.Func, b *ir.Block, offset func(mapName string) int64) bool {
	for i, v := range b.Values {
		if v.Op != ir.OpCall {
			continue
		}
		h := abi.HelperByID(int32(v.Aux))
		if h == nil {
			continue
		}
		l, ok := losing[h.Name]
		if !ok || l.mapArg >= len(v.Args) || v.Args[l.mapArg].Op != ir.OpMapAddr {
			continue
		}
		off := offset(v.Args[l.mapArg].Sym)
		if off < 0 {
			continue
		}
		rest, lost, count := f.NewBlock(), f.NewBlock(), f.NewBlock()
		rest.Values, rest.Term, rest.Succs, rest.Depth = append([]*ir.Value(nil), b.Values[i+1:]...), b.Term, b.Succs, b.Depth
		b.Values = b.Values[: i+1 : i+1]
		limit := int64(0)
		if l.with != "" {
			n, _ := abi.Constant(l.with)
			limit = -n
		}
		branch := func(at *ir.Block, cmp ir.Op, x, y *ir.Value, yes, no *ir.Block) {
			at.Term = f.NewValue(ir.OpBr, v.Pos, x, y)
			at.Term.Cmp, at.Term.Size = cmp, 8
			at.Succs = []ir.Edge{{To: yes}, {To: no}}
		}
		branch(b, l.cmp, v, b.Append(f.Const(limit, v.Pos)), lost, rest)

		slot := f.NewSlot(4, "key of "+LossesMap, v.Pos)
		addr := f.NewValue(ir.OpStackAddr, v.Pos)
		addr.Slot, addr.Type = slot, ir.PtrStack
		zero := lost.Append(f.Const(0, v.Pos))
		lost.Append(addr)
		store := lost.Append(f.NewValue(ir.OpStore, v.Pos, addr, zero))
		store.Size = 4
		m := lost.Append(f.NewValue(ir.OpMapAddr, v.Pos))
		m.Sym, m.Type = LossesMap, ir.PtrMap
		p := lost.Append(f.NewValue(ir.OpCall, v.Pos, m, addr))
		p.Aux, p.Type = int64(abi.HelperByName("map-lookup-elem").ID), ir.PtrValue
		branch(lost, ir.OpNe, p, lost.Append(f.Const(0, v.Pos)), count, rest)

		one := count.Append(f.Const(1, v.Pos))
		add := count.Append(f.NewValue(ir.OpAtomic, v.Pos, p, one))
		add.Sym, add.Aux, add.Size = "add", off, 8
		count.Term = f.NewValue(ir.OpJump, v.Pos)
		count.Succs = []ir.Edge{{To: rest}}
		return true
	}
	return false
}
