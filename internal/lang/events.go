package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// carries notes that m carries records of type s, or says that :event
// promises others. The caller places the error.
func (m *Map) carries(s *types.Struct) *source.Error {
	m = m.declaration()
	var names []string
	for _, e := range m.Events {
		if e == s {
			return nil
		}
		names = append(names, e.Name)
	}
	if m.declared {
		return source.Errorf(source.Pos{}, "`%s` does not carry `%s`", m.Name, s.Name).WithExpected("%s", strings.Join(names, " or ")).
			WithNote(m.Pos, ":event is given here").WithCode("event-type")
	}
	m.Events = append(m.Events, s)
	return nil
}

// inferEvents forgets what is sent through a map that several structs go
// through, unless :event names them: a reader could not tell them apart.
func (c *compiler) inferEvents() {
	for _, m := range c.unit.Maps {
		if !m.declared && len(m.Events) > 1 {
			m.Events = nil
		}
	}
}
