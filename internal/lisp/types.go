package lisp

import (
	"math/big"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// typeTests are the type names that take no arguments.
var typeTests = map[string]func(v Value) bool{
	"T": func(Value) bool { return true }, "NIL": func(Value) bool { return false },
	"NULL": isNil, "SYMBOL": isSymbol, "CONS": isCons, "ATOM": func(v Value) bool { return !isCons(v) },
	"LIST":    func(v Value) bool { return isCons(v) || isNil(v) },
	"KEYWORD": func(v Value) bool { s, ok := v.(*sexp.Symbol); return ok && s.Keyword },
	"BOOLEAN": func(v Value) bool { return v == Value(sexp.T) || isNil(v) },
	"NUMBER":  isNumber, "REAL": isNumber, "INTEGER": isInteger, "RATIONAL": isRational, "COMPLEX": func(Value) bool { return false },
	"FIXNUM": func(v Value) bool { n, ok := v.(int64); return ok && n >= -1<<62 && n < 1<<62 },
	"BIGNUM": func(v Value) bool { n, ok := v.(int64); return isInteger(v) && !(ok && n >= -1<<62 && n < 1<<62) },
	"RATIO":  func(v Value) bool { _, ok := v.(*big.Rat); return ok },
	"BIT":    func(v Value) bool { return v == Value(int64(0)) || v == Value(int64(1)) },
	"FLOAT":  isFloat, "DOUBLE-FLOAT": isFloat, "SINGLE-FLOAT": isFloat, "SHORT-FLOAT": isFloat, "LONG-FLOAT": isFloat,
	"UNSIGNED-BYTE": func(v Value) bool { b := toBig(v); return b != nil && b.Sign() >= 0 },
	"SIGNED-BYTE":   isInteger,
	"CHARACTER":     isChar, "BASE-CHAR": isChar, "STANDARD-CHAR": isChar,
	"STRING": isString, "SIMPLE-STRING": isString, "BASE-STRING": isString, "SIMPLE-BASE-STRING": isString,
	"VECTOR": isVector, "SIMPLE-VECTOR": func(v Value) bool { _, ok := v.(*sexp.Vector); return ok },
	"ARRAY":        func(v Value) bool { _, ok := v.(*Array); return ok || isVector(v) },
	"SIMPLE-ARRAY": func(v Value) bool { _, ok := v.(*Array); return ok || isVector(v) },
	"BIT-VECTOR":   func(Value) bool { return false },
	"SEQUENCE":     func(v Value) bool { return isVector(v) || isCons(v) || isNil(v) },
	"FUNCTION":     func(v Value) bool { f, ok := v.(*Function); return ok && f != nil }, "COMPILED-FUNCTION": func(v Value) bool { _, ok := v.(*Function); return ok },
	"HASH-TABLE": func(v Value) bool { _, ok := v.(*Table); return ok },
	"STREAM":     func(v Value) bool { _, ok := v.(*stream); return ok },
	"PACKAGE":    func(v Value) bool { _, ok := v.(*pkgObject); return ok },
}

func isFloat(v Value) bool  { _, ok := v.(float64); return ok }
func isChar(v Value) bool   { _, ok := v.(sexp.Char); return ok }
func isString(v Value) bool { _, ok := v.(*sexp.String); return ok }

// expandType expands what deftype defined.
func (in *Interp) expandType(spec Value) Value {
	for n := 0; n < 100; n++ {
		var head *sexp.Symbol
		form, ok := spec.(*sexp.Cons)
		if ok {
			head, _ = form.Car.(*sexp.Symbol)
		} else {
			head, _ = spec.(*sexp.Symbol)
		}
		if head == nil {
			return spec
		}
		g := in.lookUp(head)
		if g == nil || g.deftype == nil {
			return spec
		}
		if form == nil {
			form = &sexp.Cons{Car: head, Cdr: sexp.Nil}
		}
		spec = one(in.call(g.deftype, []Value{form, sexp.Nil}))
	}
	in.limit("the type %s expands without end", show(spec))
	return nil
}

// typep decides whether v is of a type.
func (in *Interp) typep(v, spec Value) bool {
	in.enter()
	defer in.leave()
	in.step()
	switch x := spec.(type) {
	case *sexp.Symbol:
		if c, ok := v.(*Condition); ok {
			if x == sexp.T {
				return true
			}
			if in.condType(x) != nil {
				return c.typ.is(x.Name)
			}
		}
		if test := typeTests[x.Name]; test != nil && x.Interned && !x.Keyword {
			return test(v)
		}
		if in.condType(x) != nil {
			return false
		}
		if next := in.expandType(x); next != Value(x) {
			return in.typep(v, next)
		}
	case *sexp.Cons:
		head, ok := x.Car.(*sexp.Symbol)
		args, proper := sexp.Slice(x.Cdr)
		if ok && proper {
			if r, known := in.compoundType(v, head, args); known {
				return r
			}
			if next := in.expandType(x); next != Value(x) {
				return in.typep(v, next)
			}
		}
	}
	e := errAt(source.Pos{}, spec, "%s is not a type of compile-time Lisp", show(spec))
	if s, ok := spec.(*sexp.Symbol); ok {
		var names []string
		for n := range typeTests {
			names = append(names, n)
		}
		if near := in.nearest(s.Name, names); near != "" {
			e.DidYouMean(lower(near))
		}
	}
	in.fail(e)
	return false
}

func (in *Interp) compoundType(v Value, head *sexp.Symbol, args []Value) (result, known bool) {
	switch head.Name {
	case "OR":
		for _, t := range args {
			if in.typep(v, t) {
				return true, true
			}
		}
		return false, true
	case "AND":
		for _, t := range args {
			if !in.typep(v, t) {
				return false, true
			}
		}
		return true, true
	case "NOT":
		return len(args) == 1 && !in.typep(v, args[0]), len(args) == 1
	case "MEMBER", "EQL":
		for _, x := range args {
			if eql(v, x) {
				return true, true
			}
		}
		return false, true
	case "SATISFIES":
		return len(args) == 1 && in.Truthy(in.call1(in.function(args[0]), v)), len(args) == 1
	case "INTEGER":
		return isInteger(v) && in.inRange(v, args), true
	case "RATIONAL":
		return isRational(v) && in.inRange(v, args), true
	case "REAL":
		return isNumber(v) && in.inRange(v, args), true
	case "FLOAT", "DOUBLE-FLOAT", "SINGLE-FLOAT":
		return isFloat(v) && in.inRange(v, args), true
	case "MOD":
		n := toBig(v)
		return len(args) == 1 && n != nil && n.Sign() >= 0 && n.Cmp(in.bigInt(args[0])) < 0, true
	case "UNSIGNED-BYTE":
		n := toBig(v)
		return n != nil && n.Sign() >= 0 && (len(args) == 0 || isStar(args[0]) || n.BitLen() <= in.index(args[0])), true
	case "SIGNED-BYTE":
		n := toBig(v)
		if n == nil || len(args) == 0 || isStar(args[0]) {
			return n != nil, true
		}
		if n.Sign() < 0 {
			n = new(big.Int).Not(n)
		}
		return n.BitLen() < in.index(args[0]), true
	case "CONS":
		c, ok := v.(*sexp.Cons)
		return ok && (len(args) < 1 || isStar(args[0]) || in.typep(c.Car, args[0])) && (len(args) < 2 || isStar(args[1]) || in.typep(c.Cdr, args[1])), true
	case "STRING", "SIMPLE-STRING", "BASE-STRING":
		return isString(v) && in.sizeFits(v, args), true
	case "SIMPLE-VECTOR":
		_, ok := v.(*sexp.Vector)
		return ok && in.sizeFits(v, args), true
	case "VECTOR":
		if len(args) > 0 && in.elementIsChar(args[0]) && !isString(v) {
			return false, true
		}
		return isVector(v) && (len(args) < 2 || in.sizeFits(v, args[1:])), true
	case "ARRAY", "SIMPLE-ARRAY":
		if _, ok := v.(*Array); !ok && !isVector(v) {
			return false, true
		}
		if len(args) > 0 && in.elementIsChar(args[0]) && !isString(v) {
			return false, true
		}
		if len(args) < 2 || isStar(args[1]) {
			return true, true
		}
		dims := in.dimensions(v)
		if n, ok := args[1].(int64); ok {
			return int64(len(dims)) == n, true
		}
		want := in.listOf(args[1], "array")
		if len(want) != len(dims) {
			return false, true
		}
		for i, w := range want {
			if !isStar(w) && w != Value(int64(dims[i])) {
				return false, true
			}
		}
		return true, true
	case "FUNCTION":
		_, ok := v.(*Function)
		return ok, true
	case "VALUES":
		return len(args) > 0 && in.typep(v, args[0]), true
	}
	return false, false
}

func isStar(v Value) bool {
	s, ok := v.(*sexp.Symbol)
	return ok && s.Name == "*"
}

func (in *Interp) sizeFits(v Value, args []Value) bool {
	return len(args) == 0 || isStar(args[0]) || args[0] == Value(int64(vectorLength(v)))
}

// inRange checks v against (low high); a bound in a list is exclusive.
func (in *Interp) inRange(v Value, args []Value) bool {
	for i, b := range args {
		if isStar(b) || i > 1 {
			continue
		}
		exclusive := false
		if c, ok := b.(*sexp.Cons); ok {
			b, exclusive = c.Car, true
		}
		s, _ := in.compare(v, b)
		if i == 1 {
			s = -s
		}
		if s < 0 || s == 0 && exclusive {
			return false
		}
	}
	return true
}

func typeRows() []row {
	return []row{
		{"TYPEP", "object type &optional environment", func(in *Interp, a []Value) Value { return truth(in.typep(a[0], a[1])) }},
		{"TYPE-OF", "object", func(in *Interp, a []Value) Value { return in.typeOf(a[0]) }},
		{"VECTORP", "object", func(in *Interp, a []Value) Value { return truth(isVector(a[0])) }},
		{"SIMPLE-VECTOR-P", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*sexp.Vector); return truth(ok) }},
		{"ARRAYP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*Array); return truth(ok || isVector(a[0])) }},
		{"STREAMP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*stream); return truth(ok) }},
	}
}

func (in *Interp) typeOf(v Value) Value {
	name := ""
	switch x := v.(type) {
	case *sexp.Symbol:
		switch {
		case x == sexp.Nil:
			name = "NULL"
		case x == sexp.T:
			name = "BOOLEAN"
		case x.Keyword:
			name = "KEYWORD"
		default:
			name = "SYMBOL"
		}
	case *sexp.Cons:
		name = "CONS"
	case int64, *big.Int:
		if name = "FIXNUM"; typeTests["BIGNUM"](v) {
			name = "BIGNUM"
		}
	case *big.Rat:
		name = "RATIO"
	case float64:
		name = "DOUBLE-FLOAT"
	case sexp.Char:
		name = "CHARACTER"
	case *sexp.String:
		name = "STRING"
	case *sexp.Vector:
		name = "SIMPLE-VECTOR"
	case *Array:
		name = "ARRAY"
	case *Function:
		name = "FUNCTION"
	case *Table:
		name = "HASH-TABLE"
	case *stream:
		name = "STREAM"
	case *Condition:
		return x.typ.sym
	default:
		return sexp.T
	}
	return in.table.Intern(name)
}
