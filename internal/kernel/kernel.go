// Package kernel is this machine: what the running kernel says of itself.
package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
)

// tracefsPlaces are where tracefs is mounted, or visible through debugfs.
var tracefsPlaces = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// Tracefs is a directory with the kernel's tracing files.
type Tracefs struct{ Dir string }

// A Field is a field of a tracepoint.
type Field = lang.TraceField

// BTF reads the running kernel's types.
func (t Tracefs) BTF() ([]byte, error) { return Machine{}.BTF() }

// Find gives the machine's tracefs; the zero Tracefs where there is none.
func Find() Tracefs {
	for _, d := range tracefsPlaces {
		if _, err := os.Stat(filepath.Join(d, "events")); err == nil {
			return Tracefs{d}
		}
	}
	return Tracefs{}
}

// Tracepoint reads the format of an event.
func (t Tracefs) Tracepoint(category, event string) ([]lang.TraceField, error) {
	if t.Dir == "" {
		t = Find()
	}
	if t.Dir == "" {
		return nil, fmt.Errorf("no tracefs is mounted at %s", strings.Join(tracefsPlaces, " or "))
	}
	for _, name := range []string{category, event} {
		if name == "" || strings.ContainsAny(name, "/\x00") || name == ".." || name == "." {
			return nil, fmt.Errorf("%q is not a name", name)
		}
	}
	f, err := os.Open(filepath.Join(t.Dir, "events", category, event, "format"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ParseFormat(f)
}

// ParseFormat reads a tracepoint's format file:
//
//	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
func ParseFormat(r io.Reader) (fields []lang.TraceField, err error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if !strings.HasPrefix(line, "field:") {
			continue
		}
		f := lang.TraceField{}
		for _, part := range strings.Split(line, ";") {
			key, value, ok := strings.Cut(strings.TrimSpace(part), ":")
			if !ok {
				continue
			}
			switch key {
			case "field":
				f.Relative = strings.HasPrefix(value, "__rel_loc ")
				f.DataLoc = f.Relative || strings.HasPrefix(value, "__data_loc ")
				decl := strings.TrimSpace(value)
				if i := strings.IndexByte(decl, '['); i >= 0 {
					n, _, _ := strings.Cut(decl[i+1:], "]")
					f.Count, _ = strconv.Atoi(n)
					if !f.DataLoc {
						decl = decl[:i]
					}
				}
				words := strings.FieldsFunc(decl, func(r rune) bool { return r == ' ' || r == '*' || r == '\t' })
				if len(words) > 0 {
					f.Name = words[len(words)-1]
				}
			case "offset":
				f.Offset, err = strconv.Atoi(value)
			case "size":
				f.Size, err = strconv.Atoi(value)
			case "signed":
				f.Signed = value == "1"
			}
			if err != nil {
				return nil, fmt.Errorf("malformed format line %q", line)
			}
		}
		if f.DataLoc {
			f.Count = 0
		} else if f.Count > 0 && f.Size%f.Count != 0 {
			f.Count = 0
		}
		fields = append(fields, f)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("the format file names no fields")
	}
	return fields, nil
}
