package abi

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// A Version is a kernel's: 5.10 is {5, 10}.
type Version struct{ Major, Minor int }

// ParseVersion reads "5.10", "v6.1" or a release such as "6.12.3-amd64".
func ParseVersion(s string) (v Version, ok bool) {
	major, rest, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if !ok {
		return v, false
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	var err, err2 error
	v.Major, err = strconv.Atoi(major)
	v.Minor, err2 = strconv.Atoi(rest[:end])
	return v, err == nil && err2 == nil && v.Major >= 0 && (end == len(rest) || rest[end] == '.' || rest[end] == '-' || rest[end] == '+')
}

// Less compares versions.
func (v Version) Less(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// A Since says which kernel was the first to have something.
type Since struct {
	Kind    string // "prog", "section", "map", "helper", "kfunc", "flag", "insn", "feature"
	Name    string
	Version Version
	Commit  string // of Linux, its first 12 digits
}

//go:embed versions.txt
var versionsText string

var versions = sync.OnceValues(func() (all []Since, byName map[string]*Since) {
	for _, line := range strings.Split(versionsText, "\n") {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] == "#" {
			continue
		}
		v, ok := ParseVersion(f[1])
		if !ok {
			panic("versions.txt: " + line)
		}
		for _, name := range f[3:] {
			all = append(all, Since{f[0], name, v, f[2]})
		}
	}
	byName = map[string]*Since{}
	for i := range all {
		byName[all[i].Kind+" "+all[i].Name] = &all[i]
	}
	return all, byName
})

// Versions is the whole table, versions.txt.
func Versions() []Since {
	all, _ := versions()
	return all
}

// FirstWith finds a row of the table, nil if there is none.
func FirstWith(kind, name string) *Since {
	_, byName := versions()
	return byName[kind+" "+name]
}
