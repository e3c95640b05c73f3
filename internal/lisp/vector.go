package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// An Array has other than one dimension; one-dimensional ones are
// sexp.Vector and sexp.String.
type Array struct {
	dims  []int
	items []Value
}

func isVector(v Value) bool {
	switch v.(type) {
	case *sexp.Vector, *sexp.String:
		return true
	}
	return false
}

func vectorLength(v Value) int {
	switch x := v.(type) {
	case *sexp.Vector:
		return len(x.Items)
	case *sexp.String:
		return len(x.R)
	case *Array:
		return len(x.items)
	}
	return 0
}

func vectorItem(v Value, i int) Value {
	switch x := v.(type) {
	case *sexp.Vector:
		return x.Items[i]
	case *sexp.String:
		return sexp.Char(x.R[i])
	}
	return v.(*Array).items[i]
}

// vectorRef is element i in row-major order, with a check.
func (in *Interp) vectorRef(v Value, i int) Value {
	if n := vectorLength(v); i >= n {
		in.wrong(v, "the index %d is not within an array of %s", i, count(n, "element"))
	}
	return vectorItem(v, i)
}

// setRow sets element i in row-major order.
func (in *Interp) setRow(v Value, i int, x Value) {
	if n := vectorLength(v); i >= n {
		if _, isArray := v.(*Array); !isArray && !isVector(v) {
			in.typeError(v, "an array")
		}
		in.wrong(v, "the index %d is not within an array of %s", i, count(n, "element"))
	}
	in.change(v)
	switch a := v.(type) {
	case *sexp.Vector:
		a.Items[i] = x
	case *sexp.String:
		c, ok := x.(sexp.Char)
		if !ok {
			in.typeError(x, "a character")
		}
		a.R[i] = rune(c)
	case *Array:
		a.items[i] = x
	}
}

// rowIndex turns subscripts into a row-major index.
func (in *Interp) rowIndex(v Value, subs []Value) int {
	dims := in.dimensions(v)
	if len(subs) != len(dims) {
		in.wrong(v, "%s for an array of %s", count(len(subs), "index"), count(len(dims), "dimension"))
	}
	n := 0
	for i, s := range subs {
		k := in.index(s)
		if k >= dims[i] {
			in.wrong(v, "the index %d is not within a dimension of %s", k, count(dims[i], "element"))
		}
		n = n*dims[i] + k
	}
	return n
}

func (in *Interp) dimensions(v Value) []int {
	switch x := v.(type) {
	case *Array:
		return x.dims
	case *sexp.Vector, *sexp.String:
		return []int{vectorLength(v)}
	}
	in.typeError(v, "an array")
	return nil
}

func (in *Interp) setAref(v Value, subs []Value, x Value) { in.setRow(v, in.rowIndex(v, subs), x) }

func (in *Interp) setFillPointer(v Value, n int) {
	vec, ok := v.(*sexp.Vector)
	if !ok || !vec.Fill {
		in.typeError(v, "a vector with a fill pointer")
	}
	if n > cap(vec.Items) {
		in.wrong(v, "the fill pointer %d is larger than the vector", n)
	}
	old := len(vec.Items)
	vec.Items = vec.Items[:n]
	for i := old; i < n; i++ {
		if vec.Items[i] == nil { // room that growing the vector made
			vec.Items[i] = int64(0)
		}
	}
}

func vectorRows() []row {
	ref := func(name, params string) row {
		return row{name, params, func(in *Interp, a []Value) Value {
			if len(a) == 2 {
				if i, ok := a[1].(int64); ok && i >= 0 {
					if v, ok := a[0].(*sexp.Vector); ok && i < int64(len(v.Items)) {
						return v.Items[i]
					}
					if s, ok := a[0].(*sexp.String); ok && i < int64(len(s.R)) {
						return sexp.Char(s.R[i])
					}
				}
			}
			return vectorItem(a[0], in.rowIndex(a[0], a[1:]))
		}}
	}
	return []row{
		ref("AREF", "array &rest indices"), ref("SVREF", "vector index"), ref("CHAR", "string index"), ref("SCHAR", "string index"),
		ref("BIT", "vector index"), ref("SBIT", "vector index"),
		{"ROW-MAJOR-AREF", "array index", func(in *Interp, a []Value) Value {
			in.dimensions(a[0])
			return in.vectorRef(a[0], in.index(a[1]))
		}},
		{"VECTOR", "&rest objects", func(in *Interp, a []Value) Value {
			in.alloc(int64(len(a) + 4))
			return &sexp.Vector{Items: append(make([]Value, 0, len(a)), a...)}
		}},
		{"VECTOR-PUSH-EXTEND", "object vector &optional extension", func(in *Interp, a []Value) Value {
			in.alloc(2)
			switch v := a[1].(type) {
			case *sexp.Vector:
				if v.Fill {
					v.Items = append(v.Items, a[0])
					return int64(len(v.Items) - 1)
				}
			case *sexp.String:
				c, ok := a[0].(sexp.Char)
				if !ok {
					in.typeError(a[0], "a character")
				}
				in.change(v)
				v.R = append(v.R, rune(c))
				return int64(len(v.R) - 1)
			}
			in.typeError(a[1], "a vector with a fill pointer")
			return nil
		}},
		{"VECTOR-PUSH", "object vector", func(in *Interp, a []Value) Value {
			v, ok := a[1].(*sexp.Vector)
			if !ok || !v.Fill {
				in.typeError(a[1], "a vector with a fill pointer")
			}
			if len(v.Items) == cap(v.Items) {
				return sexp.Nil
			}
			v.Items = append(v.Items, a[0])
			return int64(len(v.Items) - 1)
		}},
		{"VECTOR-POP", "vector", func(in *Interp, a []Value) Value {
			v, ok := a[0].(*sexp.Vector)
			if !ok || !v.Fill {
				in.typeError(a[0], "a vector with a fill pointer")
			}
			n := len(v.Items)
			if n == 0 {
				in.wrong(v, "vector-pop: the vector is empty")
			}
			x := v.Items[n-1]
			v.Items = v.Items[:n-1]
			return x
		}},
		{"FILL-POINTER", "vector", func(in *Interp, a []Value) Value {
			v, ok := a[0].(*sexp.Vector)
			if !ok || !v.Fill {
				in.typeError(a[0], "a vector with a fill pointer")
			}
			return int64(len(v.Items))
		}},
		{"ARRAY-HAS-FILL-POINTER-P", "array", func(in *Interp, a []Value) Value {
			v, ok := a[0].(*sexp.Vector)
			return truth(ok && v.Fill)
		}},
		{"ADJUSTABLE-ARRAY-P", "array", func(in *Interp, a []Value) Value {
			v, ok := a[0].(*sexp.Vector)
			return truth(ok && v.Fill)
		}},
	}
}

func arrayRows() []row {
	return []row{
		{"MAKE-ARRAY", "dimensions &key element-type initial-element initial-contents adjustable fill-pointer", makeArray},
		{"ADJUST-ARRAY", "array dimensions &key element-type initial-element initial-contents fill-pointer", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[2:], "ELEMENT-TYPE", "INITIAL-ELEMENT", "INITIAL-CONTENTS", "FILL-POINTER")
			v, ok := a[0].(*sexp.Vector)
			dims := in.dimensionList(a[1])
			if !ok || len(dims) != 1 {
				in.typeError(a[0], "a vector that can be adjusted")
			}
			in.alloc(int64(dims[0]))
			var init Value = int64(0)
			if k[1] != nil {
				init = k[1]
			}
			items := make([]Value, dims[0])
			for i := range items {
				items[i] = init
			}
			copy(items, v.Items)
			v.Items = items
			return v
		}},
		{"ARRAY-DIMENSIONS", "array", func(in *Interp, a []Value) Value {
			var ds []Value
			for _, d := range in.dimensions(a[0]) {
				ds = append(ds, int64(d))
			}
			return sexp.List(ds...)
		}},
		{"ARRAY-DIMENSION", "array axis", func(in *Interp, a []Value) Value {
			dims, i := in.dimensions(a[0]), in.index(a[1])
			if i >= len(dims) {
				in.wrong(a[1], "the array has no dimension %d", i)
			}
			return int64(dims[i])
		}},
		{"ARRAY-RANK", "array", func(in *Interp, a []Value) Value { return int64(len(in.dimensions(a[0]))) }},
		{"ARRAY-TOTAL-SIZE", "array", func(in *Interp, a []Value) Value {
			in.dimensions(a[0])
			return int64(vectorLength(a[0]))
		}},
		{"ARRAY-ROW-MAJOR-INDEX", "array &rest indices", func(in *Interp, a []Value) Value { return int64(in.rowIndex(a[0], a[1:])) }},
		{"ARRAY-IN-BOUNDS-P", "array &rest indices", func(in *Interp, a []Value) Value {
			dims := in.dimensions(a[0])
			ok := len(dims) == len(a)-1
			for i := 0; ok && i < len(dims); i++ {
				n, isInt := a[i+1].(int64)
				ok = isInt && n >= 0 && n < int64(dims[i])
			}
			return truth(ok)
		}},
		{"ARRAY-ELEMENT-TYPE", "array", func(in *Interp, a []Value) Value {
			in.dimensions(a[0])
			if _, ok := a[0].(*sexp.String); ok {
				return in.table.Intern("CHARACTER")
			}
			return sexp.T
		}},
	}
}

func (in *Interp) dimensionList(v Value) []int {
	if isInteger(v) {
		return []int{in.index(v)}
	}
	var dims []int
	for _, d := range in.listOf(v, "make-array") {
		dims = append(dims, in.index(d))
	}
	if len(dims) > 64 {
		in.wrong(v, "an array cannot have more than 64 dimensions")
	}
	return dims
}

func makeArray(in *Interp, a []Value) Value {
	k := in.keyArgs(a[1:], "ELEMENT-TYPE", "INITIAL-ELEMENT", "INITIAL-CONTENTS", "ADJUSTABLE", "FILL-POINTER", "DISPLACED-TO")
	if k[5] != nil && !isNil(k[5]) {
		in.wrong(k[5], "make-array: displaced arrays are not supported")
	}
	dims := in.dimensionList(a[0])
	total := 1
	for _, d := range dims {
		if d != 0 && total > int(in.cellsLeft)/d {
			total = int(in.cellsLeft) + 1
			break
		}
		total *= d
	}
	in.alloc(int64(total) + 8)
	in.steps(total / 8)
	chars := k[0] != nil && in.elementIsChar(k[0])
	init := k[1]
	if init == nil {
		if init = int64(0); chars {
			init = sexp.Char(0)
		}
	}
	items := make([]Value, total)
	if k[2] != nil {
		flat := items[:0]
		var fill func(dims []int, v Value)
		fill = func(dims []int, v Value) {
			if len(dims) == 0 {
				flat = append(flat, v)
				return
			}
			s := in.sequence(v)
			if len(s.items) != dims[0] {
				in.wrong(v, "make-array: %s where the dimension is %d", count(len(s.items), "initial element"), dims[0])
			}
			for _, x := range s.items {
				fill(dims[1:], x)
			}
		}
		fill(dims, k[2])
	} else {
		for i := range items {
			items[i] = init
		}
	}
	if len(dims) != 1 {
		return &Array{dims, items}
	}
	fill := k[4] != nil && !isNil(k[4])
	n := total
	if fill && k[4] != Value(sexp.T) {
		if n = in.index(k[4]); n > total {
			in.wrong(k[4], "make-array: the fill pointer %d is larger than the vector", n)
		}
	}
	if chars {
		return in.build('s', items[:n], nil)
	}
	return &sexp.Vector{Items: items[:n], Fill: fill || k[3] != nil && !isNil(k[3])}
}
