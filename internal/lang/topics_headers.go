package lang

import (
	"fmt"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/types"
)

// headerTopics explain the packet headers that every source knows: their
// accessors, from the table of names and from the kernel's fields.
func headerTopics() (ts []Topic) {
	names := headerAccessors()
	sort.Strings(names)
	for _, h := range abi.Headers() {
		type row struct {
			name string
			f    headerField
			own  bool // a name of headerNames
		}
		var rows []row
		covered := map[string]bool{} // by places that have a name of ours
		place := func(f headerField) string { return fmt.Sprint(f.off, f.typ.Size) }
		for _, n := range names {
			if strings.HasPrefix(n, strings.ToUpper(h.Name)+"-") {
				f, _ := headerAccessor(n)
				_, own := headerNames[strings.TrimSuffix(n, "-PTR")]
				rows = append(rows, row{n, f, own})
				covered[place(f)] = covered[place(f)] || own
			}
		}
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].f.off < rows[j].f.off })
		var fields []string
		for _, r := range rows {
			if !r.own && covered[place(r.f)] || strings.Contains(r.name, "-UN-") || strings.Contains(r.name, "-ADDRS-") || strings.Contains(r.name, "-DATAUN-") {
				continue // the kernel's name for what has a better one
			}
			words := fmt.Sprintf("%v at %d", r.f.typ, r.f.off)
			if r.f.ptr || r.f.typ.Kind == types.Array {
				words = fmt.Sprintf("address of %d bytes at %d", r.f.typ.Size, r.f.off)
			} else if r.f.net && r.f.typ.Size > 1 {
				words += ", converted"
			}
			fields = append(fields, "`"+strings.ToLower(r.name)+"` ("+words+")")
		}
		ts = append(ts, Topic{h.Name, "packet header", "(" + h.Name + "-FIELD pointer)",
			fmt.Sprintf("%d bytes, `+%s-hdr-len+`; struct %s in the kernel, whose other field names work too. Accessors can be set; with `-ptr` behind the name they give the address. Fields marked converted are in host order, all others as they stand in the packet: %s.",
				h.Size, h.Name, h.C, strings.Join(fields, ", "))})
	}
	return ts
}
