// Package hooks has one small program for each way into the kernel, and the
// real event that the program must see: a packet, an exec, a context switch.
// The objects are compiled where the source is; Run brings one into whatever
// kernel it stands on, so that the same rows are a test of this machine and
// of the kernels of the matrix.
package hooks

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/load"
)

//go:embed testdata/*.lisp
var sources embed.FS

// A Case is a row: the program testdata/NAME.lisp, or another row's in another
// section, what it attaches to, and the event.
type Case struct {
	Name    string
	Of      string                                 // the row whose program this one has too; "" if it has its own
	Section string                                 // in which it has it; "" for the same
	Hook    string                                 // the program type and how it is attached, for the table: "xdp, generic mode"
	Since   string                                 // the first kernel that runs it, such as "6.12", where that is newer than all that the program needs
	On      string                                 // the row whose program is loaded and attached first, for this one to replace a function of
	Modules []string                               // kernel modules that a small kernel must load first
	Targets func(e *Env) (load.Targets, error)     // nil: the section says it all
	Event   func(e *Env, c *load.Collection) error // makes it happen
	Check   func(e *Env, c *load.Collection) error // nil: `(defmap seen :type :array ...)`[0] counts at least one event
}

// An Env is what the rows of a run share; what they make they give to Cleanup.
type Env struct {
	sockets  []any // what Targets opened, for Event
	cleanups []func()
}

// Cleanup keeps f for the end of the row; the last is called first.
func (e *Env) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

func (e *Env) close() {
	for i := len(e.cleanups) - 1; i >= 0; i-- {
		e.cleanups[i]()
	}
	e.cleanups, e.sockets = nil, nil
}

var section = regexp.MustCompile(`:section "[^"]*"`)

// Source is the text of a case.
func (c *Case) Source() string {
	text, err := sources.ReadFile("testdata/" + cmp.Or(c.Of, c.Name) + ".lisp")
	if err != nil {
		panic(err)
	}
	if c.Section == "" {
		return string(text)
	}
	return section.ReplaceAllLiteralString(string(text), fmt.Sprintf(":section %q", c.Section))
}

// A Stage is how far a case came.
type Stage string

// The stages; Works is the last.
const (
	Loading   Stage = "load"
	Attaching Stage = "attach"
	Event     Stage = "event"
	Works     Stage = "works"
)

// Run brings a case's object into the running kernel and provokes the event;
// object gives those of all rows. err says why it came no further than the
// stage.
func Run(c *Case, object func(name string) ([]byte, error)) (stage Stage, err error) {
	e := &Env{}
	defer e.close()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var o load.Options
	if c.On != "" {
		under, stage, err := e.bring(Find(c.On), object, o)
		if err != nil {
			return stage, fmt.Errorf("%s: %w", c.On, err)
		}
		o.Replaced = under.Program(under.Programs()[0])
	}
	coll, stage, err := e.bring(c, object, o)
	if err != nil {
		return stage, err
	}
	stage = Event
	if c.Event != nil {
		if err := c.Event(e, coll); err != nil {
			return stage, err
		}
	}
	check := c.Check
	if check == nil {
		check = Seen
	}
	if err := check(e, coll); err != nil {
		return stage, err
	}
	return Works, nil
}

// bring loads and attaches a row's object.
func (e *Env) bring(c *Case, object func(name string) ([]byte, error), o load.Options) (*load.Collection, Stage, error) {
	data, err := object(c.Name)
	if err != nil {
		return nil, Loading, err
	}
	coll, err := load.OpenWith(data, o)
	if err != nil {
		return nil, Loading, err
	}
	e.Cleanup(func() { coll.Close() })
	var t load.Targets
	if c.Targets != nil {
		if t, err = c.Targets(e); err != nil {
			return nil, Attaching, err
		}
	}
	return coll, Attaching, coll.Attach(t)
}

// patience guards against hanging for ever; it measures nothing.
const patience = 10 * time.Second

// eventually waits until f has no complaint.
func eventually(f func() error) (err error) {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if err = f(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// Seen waits until slot 0 of the array `seen` has counted.
func Seen(_ *Env, c *load.Collection) error {
	return eventually(func() error {
		n, err := Slot(c, "seen", 0)
		if err == nil && n == 0 {
			err = errors.New("the program saw nothing")
		}
		return err
	})
}

// Slot reads an 8-byte value of an array.
func Slot(c *load.Collection, name string, i uint32) (n uint64, err error) {
	m := c.Map(name)
	if m == nil {
		return 0, fmt.Errorf("there is no map %s", name)
	}
	if m.Type() == ebpf.PerCPUArray {
		var per []uint64
		err = m.Lookup(i, &per)
		for _, x := range per {
			n += x
		}
		return n, err
	}
	return n, m.Lookup(i, &n)
}

// Names lists all cases, sorted.
func Names() (names []string) {
	for i := range Cases {
		names = append(names, Cases[i].Name)
	}
	sort.Strings(names)
	return names
}

// Find gives a case by name, nil if there is none.
func Find(name string) *Case {
	for i := range Cases {
		if strings.EqualFold(Cases[i].Name, name) {
			return &Cases[i]
		}
	}
	return nil
}
