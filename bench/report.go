//go:build linux

package main

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// A row is what is known of a pair: for clang-14, clang-19 and whistler, in
// this order.
type row struct {
	name     string
	how      string
	problem  string // that the two sides differ, or do not load
	builds   [3]build
	verified [3]int
	jited    [3]int
	ns       []float64 // the lower quartile of all rounds
	fastest  []float64 // and the fastest
}

const ours = 2

// ratio is ours to the better of the others; 0 where there is none.
func ratio(x, y, our float64) float64 {
	if best := math.Min(x, y); best > 0 && our > 0 {
		return our / best
	}
	return 0
}

func (r *row) slots() float64 {
	return ratio(float64(r.builds[0].slots), float64(r.builds[1].slots), float64(r.builds[ours].slots))
}

func (r *row) walked() float64 {
	return ratio(float64(r.verified[0]), float64(r.verified[1]), float64(r.verified[ours]))
}

// leastNS is what a run must take for its ratio to count.
const leastNS = 50

func (r *row) speed() float64 { return speed(r.ns) }

func (r *row) topSpeed() float64 { return speed(r.fastest) }

func speed(ns []float64) float64 {
	if ns == nil || math.Min(ns[0], ns[1]) < leastNS {
		return 0
	}
	return ratio(ns[0], ns[1], ns[ours])
}

func (r *row) compileTime() float64 {
	return ratio(r.builds[0].time.Seconds(), r.builds[1].time.Seconds(), r.builds[ours].time.Seconds())
}

// mean is the geometric mean of the ratios that are known.
func mean(rows []*row, f func(*row) float64) (string, int) {
	sum, n := 0.0, 0
	for _, r := range rows {
		if x := f(r); x > 0 {
			sum += math.Log(x)
			n++
		}
	}
	if n == 0 {
		return "-", 0
	}
	return fmt.Sprintf("%.3f", math.Exp(sum/float64(n))), n
}

func show(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", x)
}

// report is the table and the means, as Markdown.
func report(rows []*row, quick bool) string {
	var b strings.Builder
	line := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %v ", c)
		}
		b.WriteString("|\n")
	}
	b.WriteString("Each cell of three is clang-14 / clang-19 / whistler; a ratio is whistler's to the better of the two.")
	if !quick {
		fmt.Fprintf(&b, " Nanoseconds are the lower quartile of %d rounds, for each of which the programs are loaded anew; times to compile are those of whole processes, the fastest of %d by turns.", rounds, compilations)
	}
	b.WriteString("\n\n")
	if quick {
		line("pair", "slots", "ratio", "verifier", "ratio", "JIT bytes", "compared by")
		line("---", "---", "---", "---", "---", "---", "---")
	} else {
		line("pair", "slots", "ratio", "verifier", "ratio", "JIT bytes", "ns", "ratio", "compile ms", "MB", "compared by")
		line("---", "---", "---", "---", "---", "---", "---", "---", "---", "---", "---")
	}
	for _, r := range rows {
		how := r.how
		if r.problem != "" {
			how = "**" + strings.SplitN(r.problem, "\n", 2)[0] + "**"
		}
		bs := r.builds
		cells := []any{r.name,
			fmt.Sprintf("%d / %d / %d", bs[0].slots, bs[1].slots, bs[2].slots), show(r.slots()),
			fmt.Sprintf("%d / %d / %d", r.verified[0], r.verified[1], r.verified[2]), show(r.walked()),
			fmt.Sprintf("%d / %d / %d", r.jited[0], r.jited[1], r.jited[2])}
		if !quick {
			ns := "-"
			if r.ns != nil {
				ns = fmt.Sprintf("%.0f / %.0f / %.0f", r.ns[0], r.ns[1], r.ns[2])
			}
			ms := func(i int) float64 { return bs[i].time.Seconds() * 1000 }
			cells = append(cells, ns, show(r.speed()), fmt.Sprintf("%.0f / %.0f / %.0f", ms(0), ms(1), ms(2)),
				fmt.Sprintf("%d / %d / %d", bs[0].rss>>20, bs[1].rss>>20, bs[2].rss>>20))
		}
		line(append(cells, how)...)
	}
	b.WriteString("\nGeometric means of the ratios:\n\n")
	means := []struct {
		what string
		f    func(*row) float64
	}{{"slots", (*row).slots}, {"instructions that the verifier walks", (*row).walked}}
	if !quick {
		means = append(means, []struct {
			what string
			f    func(*row) float64
		}{{fmt.Sprintf("nanoseconds, of pairs with at least %d", leastNS), (*row).speed}, {"the same by the fastest round of each", (*row).topSpeed}, {"time to compile", (*row).compileTime}}...)
	}
	for _, m := range means {
		x, n := mean(rows, m.f)
		fmt.Fprintf(&b, "* %s: %s (%d pairs)\n", m.what, x, n)
	}
	worst(&b, rows, "slots", (*row).slots, 1, 10)
	if !quick {
		worst(&b, rows, "time", (*row).speed, 1, 10)
		worst(&b, rows, "time to compile", (*row).compileTime, 0, 3)
	}
	for _, r := range rows {
		if r.problem != "" {
			fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n", r.name, r.problem)
		}
	}
	return b.String()
}

// worst lists pairs with the largest ratios, most at most, of those above a ratio.
func worst(b *strings.Builder, rows []*row, what string, f func(*row) float64, above float64, most int) {
	var lost []*row
	for _, r := range rows {
		if f(r) > above {
			lost = append(lost, r)
		}
	}
	sort.SliceStable(lost, func(i, j int) bool { return f(lost[i]) > f(lost[j]) })
	fmt.Fprintf(b, "\nWorst in %s:", what)
	if len(lost) == 0 {
		fmt.Fprintf(b, " none above %v", above)
	}
	for i, r := range lost[:min(most, len(lost))] {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, " %s %.3g", r.name, f(r))
	}
	b.WriteString("\n")
}
