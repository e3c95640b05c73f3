package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// usdtMaps declares what programs at static probes need, by the names and
// with the layout that libbpf looks for: the places of arguments, which the
// loader fills in, and a map that kernels without attach cookies want.
func (c *compiler) usdtMaps(pos source.Pos) {
	for _, m := range []*Map{
		{Name: "__bpf_usdt_specs", Type: abi.MapTypeByKeyword("array"), Key: types.U32, Value: types.ArrayOf(types.U8, 12*16+16), MaxEntries: 256},
		{Name: "__bpf_usdt_ip_to_spec_id", Type: abi.MapTypeByKeyword("hash"), Key: types.U64, Value: types.U32, MaxEntries: 1},
	} {
		sym := c.table.Intern(strings.ToUpper(m.Name))
		if c.maps[sym.Name] != nil {
			return
		}
		m.Pos, m.used, m.KeySize, m.ValueSize = pos, true, m.Key.Size, m.Value.Size
		m.C = c.objectName("map", sym, pos)
		c.maps[sym.Name] = m
		c.unit.Maps = append(c.unit.Maps, m)
	}
}
