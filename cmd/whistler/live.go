package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/whistler-lang/whistler/load"
)

// erase takes the tables off the screen, so that something can be written in
// their place; the next look at the maps draws them again.
func (w *watcher) erase() {
	if w.height > 0 {
		fmt.Fprintf(w.a.out, "\x1b[%dA\r\x1b[J", w.height)
		w.height = 0
	}
}

// room is how many entries of each map the screen has room for.
func (w *watcher) room() int {
	f, ok := w.a.out.(*os.File)
	if !ok {
		return 1 << 30
	}
	maps := 0
	for _, name := range w.coll.Maps() {
		if load.HasEntries(w.coll.Spec.Maps[name].Type) && !load.Internal(name) {
			maps++
		}
	}
	rows, _ := screen(f)
	return max(3, (rows-2)/max(maps, 1)-2)
}

// draw writes the tables. Those in place are cut to what the screen has room
// for; the last are whole, and stay.
func (w *watcher) draw(frame string, final bool) {
	if !w.live || final {
		io.WriteString(w.a.out, frame)
		return
	}
	rows, columns := 24, 80
	if f, ok := w.a.out.(*os.File); ok {
		rows, columns = screen(f)
	}
	lines := strings.Split(strings.TrimSuffix(frame, "\n"), "\n")
	if room := max(rows-2, 3); len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1], fmt.Sprintf("... %d more lines", more))
	}
	for _, l := range lines {
		if r := []rune(l); len(r) >= columns {
			l = string(r[:columns-1])
		}
		fmt.Fprintln(w.a.out, l)
	}
	w.height = len(lines)
}

// aligned is an event's fields, in columns as wide as the widest so far.
func (w *watcher) aligned(e load.Event) string {
	_, hints := w.coll.ShowHint(e.Map)
	s := &shower{hints, w.boot}
	if _, fields := e.Data.([]load.Field); !fields {
		return s.value("value", e.Data)
	}
	names, values := s.cells("", e.Data)
	widths := w.widths[e.Map]
	for len(widths) < len(values) {
		widths = append(widths, 0)
	}
	var b strings.Builder
	for i, v := range values {
		cell := names[i] + "=" + v
		widths[i] = min(max(widths[i], len([]rune(cell))), 40)
		b.WriteString(cell)
		if i < len(values)-1 {
			b.WriteString(strings.Repeat(" ", 1+max(0, widths[i]-len([]rune(cell)))))
		}
	}
	w.widths[e.Map] = widths
	return b.String()
}
