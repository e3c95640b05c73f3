// Package load brings objects into the kernel: maps, programs, links, and
// what comes back from them. It takes the bytes of an ELF object, ours or
// anybody's, so that what is tested is what ships.
package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
)

// A Collection is an object in the kernel. Close releases everything.
type Collection struct {
	Spec  *ebpf.CollectionSpec
	coll  *ebpf.Collection
	links []attached
	ops   []*ops
	specs map[string]uint64 // entries of usdtSpecs, by what they say
}

// Internal reports whether a map is not the source's own: the variables, and
// what static probes need.
func Internal(name string) bool {
	return strings.HasPrefix(name, ".") || name == usdtSpecs || name == usdtIPs || name == lossesMap
}

type attached struct {
	what string
	link closer
}

type closer interface{ Close() error }

// Read reads an object without asking the kernel for anything.
func Read(object []byte) (spec *ebpf.CollectionSpec, err error) {
	object, _ = untypeKsyms(object)
	object, plain, err := linkOps(object)
	if err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	spec, err = ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	switch {
	case err == nil && plain:
		plainOps(spec)
		return spec, nil
	case err == nil:
		return spec, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("reading the object: it ends too early, is it complete?")
	}
	return nil, fmt.Errorf("reading the object: %w", err)
}

// Open loads maps and programs of an object; nothing is attached yet. A
// refusal by the verifier is a *Refusal.
func Open(object []byte) (*Collection, error) { return OpenWith(object, Options{}) }

// Program gives a program by its object name, nil if there is none.
func (c *Collection) Program(name string) *ebpf.Program { return c.coll.Programs[name] }

// Map gives a map by its object name, nil if there is none.
func (c *Collection) Map(name string) *ebpf.Map { return c.coll.Maps[name] }

// Processed is how many instructions the verifier processed for a program;
// 0 where the kernel does not say.
func (c *Collection) Processed(program string) uint32 {
	p := c.coll.Programs[program]
	if p == nil {
		return 0
	}
	info, err := p.Info()
	if err != nil {
		return 0
	}
	n, _ := info.VerifiedInstructions()
	return n
}

// Programs lists the programs' names, sorted.
func (c *Collection) Programs() []string { return sortedKeys(c.coll.Programs) }

// Maps lists the maps' names, sorted.
func (c *Collection) Maps() []string { return sortedKeys(c.coll.Maps) }

func sortedKeys[V any](m map[string]V) (names []string) {
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Attached says what each link is attached to.
func (c *Collection) Attached() (what []string) {
	for _, a := range c.links {
		what = append(what, a.what)
	}
	return what
}

// Detach takes all programs off what they are attached to.
func (c *Collection) Detach() (err error) {
	for i := len(c.links) - 1; i >= 0; i-- {
		err = errors.Join(err, c.links[i].link.Close())
	}
	c.links = nil
	return err
}

// Close detaches and frees everything.
func (c *Collection) Close() error {
	err := c.Detach()
	c.coll.Close() // the maps of c.ops are in it
	return err
}

func (r *Refusal) Error() string {
	where := ""
	if r.Line > 0 {
		where = fmt.Sprintf("%s:%d: ", r.File, r.Line)
	}
	return fmt.Sprintf("%sthe kernel's verifier refuses `%s`: %s", where, r.Program, r.Reason)
}

func (r *Refusal) Unwrap() error { return r.Err }

const tooManyPaths = "more paths through it wait for the verifier than it can keep (8192)"

// explain turns a verifier error into a Refusal and leaves others alone.
func explain(spec *ebpf.CollectionSpec, err error) error {
	var ve *ebpf.VerifierError
	if errors.Is(err, syscall.EFAULT) && !errors.As(err, &ve) {
		// push_stack of kernel/bpf/verifier.c; the library keeps no log of it.
		r := &Refusal{Err: err, Reason: tooManyPaths, Cause: causeOf(tooManyPaths), Insn: -1, Origin: -1}
		if m := logs().program.FindStringSubmatch(err.Error()); m != nil {
			r.Program = m[1]
		}
		return r
	}
	if !errors.As(err, &ve) || len(ve.Log) == 0 {
		if m := logs().program.FindStringSubmatch(err.Error()); m != nil && spec.Programs[m[1]] != nil {
			if e := missing(m[1], spec.Programs[m[1]], err); e != err {
				return e
			}
		}
		if Denied(err) {
			// The library guesses at memory limits; what is missing is a capability.
			return &denied{err}
		}
		return err
	}
	r := &Refusal{Err: err, Log: strings.Join(ve.Log, "\n")}
	if m := logs().program.FindStringSubmatch(err.Error()); m != nil {
		r.Program = m[1]
	}
	r.read(ve.Log)
	if r.Reason == "" {
		r.Reason = err.Error()
	}
	return r
}

// denied is a missing privilege without guesses at its cause.
type denied struct{ err error }

func (d *denied) Error() string { return "loading eBPF programs: operation not permitted" }

func (d *denied) Unwrap() error { return d.err }

// Denied reports whether err is a missing privilege.
func Denied(err error) bool { return errors.Is(err, os.ErrPermission) }
