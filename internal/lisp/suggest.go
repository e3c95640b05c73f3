package lisp

import "fmt"

// nearest is nearest, counted as work: a program may catch its errors and
// make them again and again.
func (in *Interp) nearest(name string, candidates []string) string {
	if in.steps(2 * len(candidates)); in.dead {
		return ""
	}
	return nearest(name, candidates)
}

// nearest is the candidate closest to name by edit distance, or "". Of
// several at one distance it is the first in alphabetic order.
func nearest(name string, candidates []string) string {
	if len(name) > 64 {
		return ""
	}
	best, dist := "", 1+len(name)/3
	if dist > 4 {
		dist = 4
	}
	for _, c := range candidates {
		if c == name || len(c) == 0 || c[0] == '%' || c[0] == '(' {
			continue
		}
		d := distance(name, c, dist)
		if d < dist || d == dist && (best == "" || c < best) && d <= 1+len(name)/4 {
			best, dist = c, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change or swap with
// the next to make b of a; more than most counts as most+1.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	before := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		low := i
		for j := 1; j <= len(b); j++ {
			d := prev[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			cur[j] = d
			low = min(low, d)
		}
		if low > most {
			return most + 1
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// count is "1 argument", "2 arguments", "no arguments".
func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
