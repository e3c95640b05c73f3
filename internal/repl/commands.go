package repl

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// commands are the operators of the prompt: their arguments are names, which
// are not evaluated.
func (r *REPL) command(name string) (Command, bool) {
	if c, ok := r.o.Commands[name]; ok {
		return c, true
	}
	c, ok := builtin()[name]
	return c, ok
}

// builtin is made when it is first asked for: listCommands asks for it, too.
var builtin func() map[string]Command

func init() {
	builtin = sync.OnceValue(commands)
}

func commands() map[string]Command {
	return map[string]Command{
		"UNDO":     {"", "Takes the last declaration back.", undo},
		"MAPS":     {"", "Lists the maps.", listMaps},
		"PROGRAMS": {"", "Lists the programs.", listPrograms},
		"SHOW":     {"map", "Shows the entries of a map as a table.", show},
		"SOURCE":   {"", "Shows the declarations so far, as a source.", func(r *REPL, _ []sexp.Value) (string, error) { return r.Source(), nil }},
		"QUIT":     {"", "Ends the prompt; so does Ctrl-D.", func(*REPL, []sexp.Value) (string, error) { return "", ErrQuit }},
		"COMMANDS": {"", "Lists what only the prompt knows.", listCommands},
	}
}

func undo(r *REPL, _ []sexp.Value) (string, error) {
	if len(r.history) == 0 {
		return "", &Error{"there is nothing to undo"}
	}
	last := r.history[len(r.history)-1]
	if _, err := r.rebuild(last); err != nil {
		return "", err
	}
	now := r.defs
	r.defs, r.history = last, r.history[:len(r.history)-1]
	for _, d := range now {
		found := false
		for _, old := range last {
			found = found || old == d
		}
		if !found {
			return fmt.Sprintf("%s %s is undone\n", strings.ToLower(d.kind), d.name), nil
		}
	}
	return "undone\n", nil
}

func listMaps(r *REPL, _ []sexp.Value) (string, error) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, m := range r.obj.Maps() {
		fmt.Fprintf(w, "%s\t%s\tkey %d\tvalue %d\t%d entries\n", m.Lisp, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	}
	w.Flush()
	return orNone(b.String(), "no maps yet: (defmap name :type :array :key u32 :value u64 :max-entries 1)"), nil
}

func listPrograms(r *REPL, _ []sexp.Value) (string, error) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, p := range r.obj.Programs() {
		fmt.Fprintf(w, "%s\t%s\t%d slots\t%d bytes of stack\t%s\n", p.Lisp, p.Section, p.Slots, p.Stack, p.Doc)
	}
	w.Flush()
	return orNone(b.String(), "no programs yet: (defprog name (:type :xdp) XDP_PASS)"), nil
}

func orNone(text, none string) string {
	if text == "" {
		return none + "\n"
	}
	return text
}

func show(r *REPL, args []sexp.Value) (string, error) {
	name, err := r.Name(args)
	if err != nil {
		return "", err
	}
	if _, ok := r.prompt.MapNamed(name); !ok {
		return "", &Error{fmt.Sprintf("there is no map %s", name)}
	}
	return r.prompt.Entries(name)
}

// Name is the one argument of a command, a name.
func (r *REPL) Name(args []sexp.Value) (string, error) {
	if len(args) == 1 {
		x := args[0]
		if q, ok := x.(*sexp.Cons); ok { // 'name
			if parts, ok := sexp.Slice(q); ok && len(parts) == 2 && parts[0] == sexp.Value(sexp.Quote) {
				x = parts[1]
			}
		}
		switch x := x.(type) {
		case *sexp.Symbol:
			return x.Display(), nil
		case *sexp.String:
			return x.String(), nil
		}
	}
	return "", &Error{"this wants one name"}
}

func listCommands(r *REPL, _ []sexp.Value) (string, error) {
	all := map[string]Command{}
	for n, c := range builtin() {
		all[n] = c
	}
	for n, c := range r.o.Commands {
		all[n] = c
	}
	var names []string
	for n := range all {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, n := range names {
		fmt.Fprintf(w, "(%s)\t%s\n", strings.TrimSpace(strings.ToLower(n)+" "+all[n].Params), all[n].Doc)
	}
	w.Flush()
	return b.String(), nil
}
