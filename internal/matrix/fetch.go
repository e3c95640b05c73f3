package matrix

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Kernel is a series of Debian's kernels for virtual machines.
type Kernel struct {
	Series string
	Suite  string // of Debian; "" is what the machine's own sources offer
	Args   string // for its command line
}

// Kernels are the series of the matrix. The newest package of each is taken.
var Kernels = []Kernel{
	{"5.10", "bullseye", "lsm=lockdown,capability,yama,apparmor,bpf"},
	{"6.1", "", ""},
	{"6.12", "", ""},
	{"6.18", "trixie-backports", ""},
	{"7.2", "trixie-backports", ""},
	{"7.3", "trixie-backports", ""},
}

// Find gives a series, nil if the matrix has none such.
func Find(series string) *Kernel {
	for i := range Kernels {
		if Kernels[i].Series == series {
			return &Kernels[i]
		}
	}
	return nil
}

// An Image is an unpacked kernel.
type Image struct {
	Release string // as uname -r says
	Vmlinuz string // file
	Modules string // directory with the modules' files
}

// ErrAbsent says that the archive has no kernel of a series.
var ErrAbsent = errors.New("no such kernel in the archive")

// Fetch downloads and unpacks the newest kernel of a series below dir, where
// it stays for the next time.
func (k *Kernel) Fetch(dir string) (*Image, error) {
	apt, err := k.apt(dir)
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("apt-cache", append(apt, "pkgnames", "linux-")...).Output()
	if err != nil {
		return nil, fmt.Errorf("apt-cache: %w", err)
	}
	image := regexp.MustCompile(`^linux-image-(` + regexp.QuoteMeta(k.Series) + `\.[0-9].*-cloud-amd64)$`)
	best := ""
	names := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		names[name] = true
		if m := image.FindStringSubmatch(name); m != nil && (best == "" || newer(m[1], best)) {
			best = m[1]
		}
	}
	if best == "" {
		return nil, fmt.Errorf("%w: %s in %s", ErrAbsent, k.Series, k.Suite)
	}
	root := filepath.Join(dir, best)
	if _, err := os.Stat(filepath.Join(root, "complete")); err != nil {
		os.RemoveAll(root)
		if err := os.MkdirAll(filepath.Join(root, "deb"), 0o755); err != nil {
			return nil, err
		}
		for _, kind := range []string{"image", "binary", "modules"} { // later series split the image
			if name := "linux-" + kind + "-" + best; names[name] {
				if err := unpack(apt, name, root); err != nil {
					return nil, err
				}
			}
		}
		os.RemoveAll(filepath.Join(root, "deb"))
		if err := os.WriteFile(filepath.Join(root, "complete"), nil, 0o644); err != nil {
			return nil, err
		}
	}
	im := &Image{Release: best}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir() && strings.HasPrefix(d.Name(), "vmlinuz"):
			im.Vmlinuz = path
		case d.IsDir() && d.Name() == "kernel" && im.Modules == "" && strings.Contains(path, "/modules/"):
			im.Modules = path
		}
		return nil
	})
	if err == nil && (im.Vmlinuz == "" || im.Modules == "") {
		err = fmt.Errorf("the package of %s has no kernel, or no modules", best)
	}
	return im, err
}

func unpack(apt []string, name, root string) error {
	c := exec.Command("apt-get", append(apt, "download", "-qq", name)...)
	c.Dir = filepath.Join(root, "deb")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download %s: %w\n%s", name, err, out)
	}
	debs, _ := filepath.Glob(filepath.Join(root, "deb", name+"_*.deb"))
	if len(debs) != 1 {
		return fmt.Errorf("apt-get downloaded %d files for %s", len(debs), name)
	}
	if out, err := exec.Command("dpkg-deb", "-x", debs[0], root).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg-deb %s: %w\n%s", debs[0], err, out)
	}
	return nil
}

// apt gives the options that make apt look at the kernel's suite only. The
// mirror is the one that the machine uses.
func (k *Kernel) apt(dir string) ([]string, error) {
	if k.Suite == "" {
		return nil, nil
	}
	base := filepath.Join(dir, "apt-"+k.Suite)
	list := filepath.Join(base, "sources.list")
	opts := []string{"-o", "Dir::Etc::sourcelist=" + list, "-o", "Dir::Etc::sourceparts=-",
		"-o", "Dir::State::Lists=" + filepath.Join(base, "lists"), "-o", "Dir::Cache=" + filepath.Join(base, "cache")}
	mirror, err := mirror()
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(base, d), 0o755); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n", mirror, k.Suite)
	if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if out, err := exec.Command("apt-get", append(opts, "update", "-qq")...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("apt-get update of %s: %w\n%s", k.Suite, err, out)
	}
	return opts, nil
}

// mirror is the first Debian archive in the machine's own sources.
func mirror() (string, error) {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*.list")
	for _, f := range append(append([]string{"/etc/apt/sources.list"}, files...), lists...) {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(text), "\n") {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "URIs:" && words[0] != "deb" {
				continue
			}
			for _, w := range words[1:] {
				if strings.Contains(w, "://") && strings.HasSuffix(strings.TrimSuffix(w, "/"), "/debian") {
					return w, nil
				}
			}
		}
	}
	return "", errors.New("the machine's apt sources name no Debian archive")
}

var number = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// newer compares versions, numbers by value.
func newer(a, b string) bool {
	x, y := number.FindAllString(a, -1), number.FindAllString(b, -1)
	for i := 0; i < len(x) && i < len(y); i++ {
		var m, n int
		_, e1 := fmt.Sscan(x[i], &m)
		_, e2 := fmt.Sscan(y[i], &n)
		if e1 == nil && e2 == nil && m != n {
			return m > n
		}
		if x[i] != y[i] && (e1 != nil || e2 != nil) {
			return x[i] > y[i]
		}
	}
	return len(x) > len(y)
}
