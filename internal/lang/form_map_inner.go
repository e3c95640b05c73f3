package lang

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// A map found in a map of maps is a pointer in a variable. In forms the
// variable stands in the place of a map's name:
//
//	(when-let ((inner (getmap outer i))) (incf (getmap inner k)))
//
// What the map is like, its template says; which one it is, the variable.

// innerMap is the map that a variable holds, nil where name is none such: a
// variable of another kind does not hide a map of the same name.
func (l *lowerer) innerMap(name *sexp.Symbol) *Map {
	v := l.lookup(name)
	if v == nil || v.typ.Kind != types.Ptr || v.typ.Map == nil {
		return nil
	}
	root := v.typ.Map.(*Map)
	m := *root
	m.at, m.root, m.Name = v, root, name.Display()
	return &m
}

// declaration is the defmap that says what m is like.
func (m *Map) declaration() *Map {
	if m.root != nil {
		return m.root
	}
	return m
}
