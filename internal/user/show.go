package user

import (
	"fmt"
	"math/bits"
	"net/netip"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// A Count is a bar of a histogram: how many values were in [2^N, 2^(N+1)).
type Count struct {
	N     int
	Count uint64
}

// barWidth is how many signs the longest bar of a histogram has.
const barWidth = 40

// Histogram draws counts, from the least to the greatest that is not 0.
func Histogram(counts []Count, unit string) string {
	sort.Slice(counts, func(i, j int) bool { return counts[i].N < counts[j].N })
	lo, hi, most := -1, 0, uint64(0)
	by := map[int]uint64{}
	for _, c := range counts {
		if c.Count == 0 || c.N < 0 || c.N > 63 {
			continue
		}
		by[c.N] += c.Count
		if lo < 0 {
			lo = c.N
		}
		hi = c.N
		most = max(most, by[c.N])
	}
	if lo < 0 {
		return "no values\n"
	}
	var rows [][]string
	for n := lo; n <= hi; n++ {
		from, to := uint64(1)<<n, uint64(1)<<n<<1-1
		if n == 0 {
			from = 0
		}
		// Rounded, but a value that is there is seen.
		width := int((uint64(barWidth)*by[n] + most/2) / most)
		if by[n] > 0 {
			width = max(width, 1)
		}
		rows = append(rows, []string{fmt.Sprint(from), "-> " + fmt.Sprint(to), ": " + fmt.Sprint(by[n]), "|" + strings.Repeat("*", width) + strings.Repeat(" ", barWidth-width) + "|"})
	}
	title := unit
	if title == "" {
		title = "value"
	}
	return columns(append([][]string{{title, "", ": count", ""}}, rows...))
}

// counts reads a list of (n count).
func (c *call) counts(v sexp.Value) (out []Count) {
	list, ok := sexp.Slice(v)
	if !ok {
		c.fail("%s is no map and no list of (n count)", sexp.Print(v))
	}
	for _, e := range list {
		pair, ok := sexp.Slice(e)
		if !ok || len(pair) != 2 {
			c.fail("%s is no (n count)", sexp.Print(e))
		}
		n := c.uint(pair[0], 64, "n")
		if n > 63 {
			c.fail("%d is no power of two that a number has", n)
		}
		out = append(out, Count{int(n), c.uint(pair[1], 64, "the count")})
	}
	return out
}

// Log2 is the bar that a value belongs to.
func Log2(v uint64) int { return max(0, bits.Len64(v)-1) }

func ipText(b []byte) string {
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}
