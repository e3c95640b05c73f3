package compile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

var update = flag.Bool("update", false, "write testdata/fixed")

// TestMend mends the cases of testdata/wrong and testdata/language again and
// again, as whistler check --fix does. What comes of it is in testdata/fixed, which
// the kernel takes (difftest.TestFixed); testdata/classes.txt says of each class
// that is not mended why.
func TestMend(t *testing.T) {
	why := reasons(t)
	table := map[string][2]int{}
	for _, file := range wrongFiles() {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(file), ".lisp")
		all := cases(string(text))
		var names []string
		for name := range all {
			names = append(names, name)
		}
		sort.Strings(names)
		var b strings.Builder
		for _, name := range names {
			src := all[name]
			fixed, steps, left := mendAll(base+".lisp", wanted.ReplaceAllString(src, "; was: $3"))
			row := table[base]
			row[1]++
			reason, hasReason := why[base+"/"+name]
			switch {
			case len(left.Errors()) == 0 && len(steps) > 0:
				row[0]++
				if hasReason {
					t.Errorf("%s/%s is mended, and classes.txt says that it is not: %s", base, name, reason)
				}
				fmt.Fprintf(&b, ";;;; %s: %s\n%s\n", name, strings.Join(steps, "; "), own(string(text), name, fixed))
			case !hasReason && base != "refused" && why[base+"/"+name+"!"] != "":
				t.Errorf("%s/%s is not mended, and classes.txt does not say why:\n%s", base, name, left.Error())
			}
			table[base] = row
		}
		golden := filepath.Join("testdata", "fixed", base+".lisp")
		head, _, _ := strings.Cut(string(text), "\n;;;; ")
		got := head + "\n" + b.String()
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, _ := os.ReadFile(golden); string(want) != got {
			t.Errorf("%s is not what the fixes make of %s; -update writes it", golden, file)
		}
	}
	var bases []string
	n, of := 0, 0
	for base, row := range table {
		bases = append(bases, base)
		if base != "refused" {
			n, of = n+row[0], of+row[1]
		}
	}
	sort.Strings(bases)
	for _, base := range bases {
		t.Logf("%-12s %3d of %3d are mended", base, table[base][0], table[base][1])
	}
	t.Logf("%d of %d programs that the kernel refuses are mended: %d %%", n, of, 100*n/of)
	if 100*n/of < 60 {
		t.Error("that is less than 60 %")
	}
}

// own is what stands behind the line of a case, and before it the declarations of
// all cases that have changed.
func own(text, name, fixed string) string {
	was, _, _ := strings.Cut(text, "\n;;;; ")
	head, body, _ := strings.Cut(fixed, ";;;; "+name+"\n")
	for _, line := range strings.Split(strings.TrimSpace(head), "\n") {
		if line != "" && !strings.Contains(was, line) {
			body = line + "\n" + body
		}
	}
	return strings.TrimSpace(body)
}

// mendAll applies the first fix until there is none.
func mendAll(name, text string) (fixed string, steps []string, left source.List) {
	o := Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: smallKernel{}}}
	for len(steps) < 20 {
		f := source.NewFile(name, text)
		left = try([]*source.File{f}, o)
		e := Mend([]*source.File{f}, left, o, true)
		if e == nil {
			break
		}
		steps = append(steps, e.Fixes[0].Title)
		text = e.Fixes[0].Apply(f)
	}
	return text, steps, left
}

// reasons are the rows of classes.txt behind `!`: why a class has no fix. A name
// with an exclamation mark is that of a class in the index.
func reasons(t *testing.T) map[string]string {
	text, err := os.ReadFile("testdata/classes.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if _, name, ok := strings.Cut(line, " = "); ok {
			name, why, hasReason := strings.Cut(name, " ! ")
			if out[name+"!"] = name; hasReason {
				out[name] = why
			}
		}
	}
	return out
}
