package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/hooks"
	"github.com/whistler-lang/whistler/internal/kernel"
)

// A Result is how far a program came on a kernel.
type Result struct {
	Case  string
	Stage hooks.Stage
	Error string
}

// Mark begins the lines on the guest's console that are results.
const Mark = "@whistler "

// crashes names what is not run on a series, because it takes the kernel down.
var crashes = map[string]map[string]string{
	"sk-skb": {"5.10": "locks the kernel up"},
}

// Done is the last of them.
const Done = "done"

// limit is a guard against a guest that hangs.
const limit = 4 * time.Minute

// Objects compiles the cases, on this machine and for all kernels.
func Objects() (map[string][]byte, error) {
	objects := map[string][]byte{}
	for i := range hooks.Cases {
		c := &hooks.Cases[i]
		obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: c.Name + ".lisp", Text: c.Source()}},
			whistler.Options{Kernel: kernel.Machine{}})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		objects[c.Name] = obj.Bytes()
	}
	return objects, nil
}

// Guest builds the init program.
func Guest(dir string) (string, error) {
	out := filepath.Join(dir, "init")
	c := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "github.com/whistler-lang/whistler/internal/matrix/guest")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the guest: %w\n%s", err, text)
	}
	return out, nil
}

// Boot runs the objects on a kernel and gives what each came to. A guest
// that ends early is started once more.
func Boot(k *Kernel, im *Image, guest, dir string, objects map[string][]byte) ([]Result, error) {
	init, err := os.ReadFile(guest)
	if err != nil {
		return nil, err
	}
	var names []string
	seen := map[string]bool{}
	files := []file{{"dev", modeDir, nil}, {"objects", modeDir, nil}, {"modules", modeDir, nil}, {"init", modeExec, init}}
	for i := range hooks.Cases {
		c := &hooks.Cases[i]
		if crashes[c.Name][k.Series] != "" {
			continue
		}
		files = append(files, file{"objects/" + c.Name, modeFile, objects[c.Name]})
		for _, m := range c.Modules {
			if !seen[m] {
				seen[m] = true
				names = append(names, m)
			}
		}
	}
	mods, err := im.modules(names)
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(dir, "initramfs-"+k.Series)
	if err := os.WriteFile(archive, cpio(append(files, mods...)), 0o644); err != nil {
		return nil, err
	}
	defer os.Remove(archive)
	for range 2 {
		var console []byte
		if console, err = qemu(k, im, archive); err == nil {
			var rs []Result
			if rs, err = parse(console); err == nil {
				return rs, nil
			}
		}
		err = fmt.Errorf("%s: %w; the console ends with\n%s", im.Release, err, tail(console, 3000))
	}
	return nil, err
}

func qemu(k *Kernel, im *Image, archive string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// Two CPUs hang now and then without hardware support.
	c := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1024",
		"-nographic", "-no-reboot", "-kernel", im.Vmlinuz, "-initrd", archive,
		"-append", "console=ttyS0 quiet loglevel=3 panic=-1 "+k.Args)
	var console bytes.Buffer
	c.Stdout, c.Stderr = &console, &console
	err := c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("no end after %v", limit)
	}
	return console.Bytes(), err
}

// parse reads the results from a console.
func parse(console []byte) (rs []Result, err error) {
	for _, line := range strings.Split(string(console), "\n") {
		_, text, ok := strings.Cut(line, Mark)
		if !ok {
			continue
		}
		if strings.TrimSpace(text) == Done {
			return rs, nil
		}
		var r Result
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("a result is no JSON: %q", text)
		}
		rs = append(rs, r)
	}
	return nil, errors.New("the guest did not come to its end")
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}
