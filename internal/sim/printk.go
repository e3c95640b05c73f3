package sim

import (
	"bytes"
	"fmt"
	"strings"
)

// format prints as bpf_trace_printk and bpf_snprintf do; the rules are those
// of bpf_bprintf_prepare in kernel/trace/bpf_trace.c: %d %i %u %x %X with l or
// ll, %c, %p, %s, flags and width. Anything else is EINVAL. A number without
// l is 32 bits wide. %p prints the address: it is an invented one anyway.
func (m *Machine) format(f []byte, args []uint64) (string, Errno) {
	end := bytes.IndexByte(f, 0)
	if end < 0 {
		return "", eInval
	}
	f = f[:end]
	var out strings.Builder
	next := 0
	for i := 0; i < len(f); i++ {
		switch c := f[i]; {
		case c >= 0x80 || c < ' ' && !strings.ContainsRune("\t\n\v\f\r", rune(c)):
			return "", eInval
		case c != '%':
			out.WriteByte(c)
			continue
		}
		if i++; i < len(f) && f[i] == '%' {
			out.WriteByte('%')
			continue
		}
		if next >= len(args) {
			return "", eInval
		}
		flags := "%"
		for i < len(f) && strings.IndexByte("0+- ", f[i]) >= 0 {
			flags += string(f[i])
			i++
		}
		for i < len(f) && f[i] >= '0' && f[i] <= '9' {
			flags += string(f[i])
			i++
		}
		long := 0
		for i < len(f) && f[i] == 'l' && long < 2 {
			long++
			i++
		}
		if i == len(f) {
			return "", eInval
		}
		v := args[next]
		next++
		wide := func(signed bool) any {
			switch {
			case long > 0 && signed:
				return int64(v)
			case long > 0:
				return v
			case signed:
				return int32(v)
			}
			return uint32(v)
		}
		switch verb := f[i]; {
		case verb == 'd' || verb == 'i':
			fmt.Fprintf(&out, flags+"d", wide(true))
		case verb == 'u':
			fmt.Fprintf(&out, strings.ReplaceAll(flags, "+", "")+"d", wide(false))
		case verb == 'x' || verb == 'X':
			fmt.Fprintf(&out, strings.ReplaceAll(flags, "+", "")+string(verb), wide(false))
		case verb == 'c' && long == 0:
			fmt.Fprintf(&out, flags+"s", string([]byte{byte(v)}))
		case verb == 's' && long == 0:
			s, _ := m.cString(v, 511)
			fmt.Fprintf(&out, flags+"s", s)
		case verb == 'p' && long == 0:
			if i+2 < len(f) && (f[i+1] == 'k' || f[i+1] == 'u') && f[i+2] == 's' { // %pks, %pus
				i += 2
				s, _ := m.cString(v, 511)
				fmt.Fprintf(&out, flags+"s", s)
				break
			}
			if i+1 < len(f) && strings.IndexByte("kKxBsSi", f[i+1]) >= 0 {
				i++
				if f[i] == 'i' {
					return "", eInval // %pi4 and %pi6 are not simulated
				}
			}
			fmt.Fprintf(&out, "%016x", v)
		default:
			return "", eInval
		}
	}
	return out.String(), 0
}
