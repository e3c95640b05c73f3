package opt

import (
	"cmp"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// How long computations are that it pays to move, and how many more values may
// have to be kept over a call for it.
const (
	longComputation = 48
	mostKeptOver    = 2
)

// late moves long computations behind calls that do not need them, to where
// their results are used: the processor works at them while what the call reads
// is on its way to memory.
//
//	v1 = ...; v2 = mul v1 v1; store p v3; v4 = call f; store q v2
//	=>   store p v3; v4 = call f; v1 = ...; v2 = mul v1 v1; store q v2
//
// Only numbers: a pointer's arithmetic stays where it is.
func late(f *ir.Func, c *Config) bool {
	least := longComputation
	if c.Short {
		least = 1
	}
	return longOnes(f, least, func(b *ir.Block, away []bool) bool { return lateIn(b, away, least) })
}

// longOnes changes the blocks of at least so many values by do, which is told
// what usedAway marks.
func longOnes(f *ir.Func, least int, do func(b *ir.Block, away []bool) bool) bool {
	changed := false
	var away []bool
	for _, b := range f.Blocks {
		if len(b.Values) < least {
			continue
		}
		if away == nil {
			away = usedAway(f)
		}
		changed = do(b, away) || changed
	}
	return changed
}

// usedAway marks the values that are used in another block than their own.
func usedAway(f *ir.Func) []bool {
	home := f.BlockTable(f.NumValues())
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			home[v.ID] = b
		}
	}
	away := f.Bools(f.NumValues())
	for _, b := range f.Blocks {
		b.Uses(func(v **ir.Value) { away[(*v).ID] = away[(*v).ID] || home[(*v).ID] != b })
	}
	return away
}

func lateIn(b *ir.Block, away []bool, least int) bool {
	n := len(b.Values)
	calls := callsBefore(b.Values)
	if calls[n] == 0 {
		return false
	}
	at := make(map[*ir.Value]int, n) // where a value stands
	for i, v := range b.Values {
		at[v] = i
	}
	to := make([]int, n) // where a value is used first, what is moved being used where it goes
	for i := range to {
		to[i] = n + 1
	}
	use := func(v *ir.Value, i int) {
		if k, here := at[v]; here {
			to[k] = min(to[k], i)
		}
	}
	atEnd(b, func(a *ir.Value) { use(a, n) })
	moves := make([]bool, n)
	var moved []int
	for i := n - 1; i >= 0; i-- {
		v := b.Values[i]
		place := i
		if computed(v) && to[i] <= n && calls[to[i]] > calls[i] {
			moves[i], place = true, to[i]
			moved = append(moved, i)
		}
		for _, a := range v.Args {
			use(a, place)
		}
	}
	if len(moved) < least {
		return false
	}
	slices.SortFunc(moved, func(i, k int) int { return cmp.Or(to[i]-to[k], i-k) })
	order := make([]*ir.Value, 0, n)
	for i := 0; i <= n; i++ {
		for ; len(moved) > 0 && to[moved[0]] == i; moved = moved[1:] {
			order = append(order, b.Values[moved[0]])
		}
		if i < n && !moves[i] {
			order = append(order, b.Values[i])
		}
	}
	if keptOver(b, order, away) > keptOver(b, b.Values, away)+mostKeptOver {
		return false
	}
	b.Values = order
	return true
}

// callsBefore counts the calls before each place in order; its end is one, and
// what is used nowhere has a place behind that.
func callsBefore(order []*ir.Value) []int {
	calls := make([]int, len(order)+2)
	for i, v := range order {
		calls[i+1] = calls[i]
		if v.Op.IsCall() {
			calls[i+1]++
		}
	}
	calls[len(order)+1] = calls[len(order)]
	return calls
}

// atEnd calls use with what b's end takes.
func atEnd(b *ir.Block, use func(*ir.Value)) {
	for _, a := range b.Term.Args {
		use(a)
	}
	for _, e := range b.Succs {
		for _, a := range e.Args {
			use(a)
		}
	}
}

// computed reports whether v is a number that is computed from others without
// branches.
func computed(v *ir.Value) bool {
	return v.Op.Foldable() && v.Op != ir.OpConst && !v.Op.Compares() && v.Type == ir.Scalar && v.Core == "" &&
		!slices.ContainsFunc(v.Args, func(a *ir.Value) bool { return a.Type != ir.Scalar })
}

// keptOver is how many values are kept at most over a call in b, were its
// values in that order. One that is used in another block counts as kept to the end.
func keptOver(b *ir.Block, order []*ir.Value, away []bool) (most int) {
	calls := callsBefore(order)
	first, last := map[*ir.Value]int{}, map[*ir.Value]int{}
	use := func(v *ir.Value, i int) {
		if v.Remat() {
			return
		}
		if away[v.ID] {
			i = len(order)
		}
		last[v] = max(last[v], i)
	}
	for i, v := range order {
		first[v] = i
		for _, a := range v.Args {
			use(a, i)
		}
	}
	atEnd(b, func(a *ir.Value) { use(a, len(order)) })
	kept := make([]int, calls[len(order)]+1) // differences, by call
	for v, i := range last {
		from, here := first[v]
		if here {
			from++ // a call does not keep its own result
		}
		kept[calls[from]]++
		kept[calls[i]]--
	}
	n := 0
	for _, d := range kept {
		n += d
		most = max(most, n)
	}
	return most
}
