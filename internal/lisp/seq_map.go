package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// mapLists calls fn with the elements (or the tails) of several lists until
// the shortest ends; visit gets each result.
func (in *Interp) mapLists(fn *Function, lists []Value, tails bool, visit func(v Value)) {
	if len(lists) == 1 {
		v := lists[0]
		for {
			c, ok := v.(*sexp.Cons)
			if !ok {
				break
			}
			arg := c.Car
			if tails {
				arg = c
			}
			visit(in.call1(fn, arg))
			v = c.Cdr
		}
		if !isNil(v) {
			in.typeError(lists[0], "a proper list")
		}
		return
	}
	lists = append([]Value(nil), lists...)
	args := make([]Value, len(lists))
	for {
		for i, l := range lists {
			c, ok := l.(*sexp.Cons)
			if !ok {
				if !isNil(l) {
					in.typeError(l, "a proper list")
				}
				return
			}
			args[i], lists[i] = c.Car, c.Cdr
			if tails {
				args[i] = c
			}
		}
		visit(one(in.call(fn, append([]Value(nil), args...))))
	}
}

func mapRows() []row {
	type mapper struct {
		name  string
		tails bool
		how   byte // c(ollect), s(ide effects), n(conc)
	}
	var rows []row
	for _, m := range []mapper{{"MAPCAR", false, 'c'}, {"MAPLIST", true, 'c'}, {"MAPC", false, 's'}, {"MAPL", true, 's'}, {"MAPCAN", false, 'n'}, {"MAPCON", true, 'n'}} {
		rows = append(rows, row{m.name, "function list &rest lists", func(in *Interp, a []Value) Value {
			fn := in.function(a[0])
			first := a[1]
			switch m.how {
			case 's':
				in.mapLists(fn, a[1:], m.tails, func(Value) {})
				return first
			case 'n':
				l := in.builder()
				var tail Value = sexp.Nil
				in.mapLists(fn, a[1:], m.tails, func(v Value) {
					if isNil(v) {
						return
					}
					if l.last == nil {
						l.head = v
					} else {
						in.changed(l.last).Cdr = v
					}
					tail = v
					if c, ok := v.(*sexp.Cons); ok {
						l.last = in.lastCons(c)
					}
				})
				if l.last == nil {
					return tail
				}
				return l.head
			}
			l := in.builder()
			in.mapLists(fn, a[1:], m.tails, func(v Value) { l.add(v) })
			return l.head
		}})
	}
	// every, some and their negations stop at the first answer.
	for _, q := range []struct {
		name       string
		stop, flip bool // stop at a true value; give the opposite
	}{{"EVERY", false, false}, {"SOME", true, false}, {"NOTANY", true, true}, {"NOTEVERY", false, true}} {
		rows = append(rows, row{q.name, "predicate sequence &rest sequences", func(in *Interp, a []Value) Value {
			fn := in.function(a[0])
			result := truth(!q.stop)
			in.mapSequences(fn, a[1:], func(v Value) bool {
				if in.Truthy(v) == q.stop {
					result = v
					return false
				}
				return true
			})
			if q.flip {
				return truth(isNil(result))
			}
			return result
		}})
	}
	return append(rows,
		row{"MAP", "type function sequence &rest sequences", func(in *Interp, a []Value) Value {
			fn := in.function(a[1])
			var items []Value
			in.mapSequences(fn, a[2:], func(v Value) bool { in.alloc(1); items = append(items, v); return true })
			if isNil(a[0]) {
				return sexp.Nil
			}
			return in.build(in.sequenceType(a[0]), items, nil)
		}},
		row{"MAP-INTO", "target function &rest sequences", func(in *Interp, a []Value) Value {
			fn := in.function(a[1])
			n := len(in.sequence(a[0]).items)
			var items []Value
			if len(a) == 2 {
				for range n {
					items = append(items, one(in.call(fn, nil)))
				}
			} else {
				in.mapSequences(fn, a[2:], func(v Value) bool {
					items = append(items, v)
					return len(items) < n
				})
			}
			if len(items) > n {
				items = items[:n]
			}
			for i, v := range items {
				in.setElt(a[0], i, v)
			}
			return a[0]
		}},
	)
}

// mapSequences calls fn with the elements of several sequences until one
// ends or visit says no.
func (in *Interp) mapSequences(fn *Function, seqs []Value, visit func(v Value) bool) {
	if c, ok := seqs[0].(*sexp.Cons); ok && len(seqs) == 1 {
		in.eachCell(c, func(c *sexp.Cons) bool { return visit(in.call1(fn, c.Car)) })
		return
	}
	var ss []sequence
	for _, s := range seqs {
		ss = append(ss, in.sequence(s))
	}
	for i := 0; ; i++ {
		args := make([]Value, len(ss))
		for j, s := range ss {
			if i >= len(s.items) {
				return
			}
			args[j] = s.items[i]
		}
		if !visit(one(in.call(fn, args))) {
			return
		}
	}
}
