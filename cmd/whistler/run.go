package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/load"
)

// runCmd loads, attaches and watches.
type runCmd struct {
	input
	Iface    string            `help:"Network interface of XDP, TC and tunnel programs and of socket filters." placeholder:"IF"`
	XDPMode  string            `name:"xdp-mode" help:"How XDP programs attach: driver, generic, or auto for the best that works." default:"auto" enum:"auto,driver,generic"`
	Clsact   bool              `help:"Attach TC programs by a clsact filter even where TCX exists."`
	Cgroup   string            `help:"cgroup2 directory of cgroup programs, and of iterators over cgroups." placeholder:"PATH"`
	NetNS    string            `name:"netns" help:"Network namespace of sk_lookup and flow_dissector programs: a name or a path. Default: this one." placeholder:"NS"`
	NFHook   string            `name:"nf-hook" help:"Hook of netfilter programs, such as ipv4/input or ipv6/output/-10." placeholder:"FAMILY/HOOK[/PRIORITY]"`
	Route    string            `help:"Route of lightweight tunnel programs, made for the time of the run." placeholder:"ADDRESS/PREFIX"`
	Redirect []string          `help:"Interfaces that the entries 0, 1, ... of the devmap lead to, past xdp/devmap programs." placeholder:"IF,..."`
	Map      string            `help:"Map of sk_skb and sk_msg programs and of iterators over maps, of xdp/devmap and xdp/cpumap programs: one of the object, or the path of a pinned one. Default: the only one that fits." placeholder:"NAME"`
	Socket   string            `help:"Socket of sk_reuseport programs and socket filters, by process and number as ss -p shows them." placeholder:"PID:FD"`
	Event    string            `help:"Event of perf_event programs, such as cpu-clock, page-faults, cycles; with a count, each so-many-th of them." placeholder:"NAME[:COUNT]"`
	Freq     int               `short:"F" help:"How often perf_event programs run, in times a second." placeholder:"HZ"`
	Attach   map[string]string `help:"Where one program goes: an interface, a cgroup, or what its section names, such as a function or CATEGORY/EVENT." placeholder:"PROG=TARGET" mapsep:"none"`
	Program  string            `help:"Loaded program whose functions freplace programs replace: its number or name as ps shows them, or the path where it is pinned." placeholder:"PROGRAM"`
	Define   map[string]string `short:"D" help:"Give a global variable a value before the object is loaded." placeholder:"NAME=VALUE" mapsep:"none"`
	Pin      string            `help:"Directory where maps with :pinning :by-name are pinned, and found again. Default: /sys/fs/bpf." placeholder:"DIR"`
	Pid      int               `help:"Tracing programs run for this process only." placeholder:"N"`
	Duration time.Duration     `short:"d" help:"Stop after this time, such as 10s; otherwise Ctrl-C ends it." placeholder:"D"`
	Interval time.Duration     `help:"Show the maps every so often; 0 only at the end. Default: 1s on a terminal." placeholder:"D" default:"-1ns"`
	Verbose  bool              `short:"v" help:"Show the verifier's whole log where it refuses."`
	Args     []string          `arg:"" optional:"" help:"Arguments of a source with a session: (command-line-args)."`
}

// targets gives what the options say, for an object that they say something
// about.
func (c *runCmd) targets(spec *ebpf.CollectionSpec, src *whistler.Object) (t load.Targets, err error) {
	mode := c.XDPMode
	if mode == "auto" {
		mode = ""
	}
	t = load.Targets{Interface: c.Iface, XDPMode: mode, Cgroup: c.Cgroup, Clsact: c.Clsact, NetNS: c.NetNS, NFHook: c.NFHook,
		Route: c.Route, Redirect: c.Redirect, Map: c.Map, Event: c.Event, Frequency: c.Freq, Pid: c.Pid}
	for _, o := range []struct {
		name  string
		given bool
	}{{"--iface", c.Iface != ""}, {"--xdp-mode", mode != ""}, {"--clsact", c.Clsact}, {"--cgroup", c.Cgroup != ""}, {"--netns", c.NetNS != ""},
		{"--nf-hook", c.NFHook != ""}, {"--route", c.Route != ""}, {"--redirect", len(c.Redirect) > 0}, {"--map", c.Map != ""},
		{"--socket", c.Socket != ""}, {"--program", c.Program != ""}, {"--event", c.Event != ""}, {"--freq", c.Freq != 0}} {
		if some, _ := load.Takes(spec, o.name); o.given && !some {
			return t, errUsage{fmt.Errorf("%s says nothing about the programs of %s", o.name, c.File)}
		}
	}
	for prog, target := range c.Attach {
		name := abi.ObjectName(prog)
		if spec.Programs[name] == nil {
			return t, errUsage{fmt.Errorf("--attach %s=%s: there is no such program in %s", prog, target, c.File)}
		}
		if t.Own == nil {
			t.Own = map[string]string{}
		}
		t.Own[name] = target
	}
	if c.Freq < 0 {
		return t, errUsage{fmt.Errorf("--freq %d is not a number of times a second", c.Freq)}
	}
	if some, all := load.Takes(spec, "--pid"); c.Pid != 0 {
		switch {
		case src == nil && some && !all:
			return t, errUsage{errors.New("--pid needs a source: the filter is compiled into its programs")}
		case src == nil && !some:
			return t, errUsage{errors.New("--pid needs a source with tracing programs: the filter is compiled into them")}
		case src != nil && !some && !src.Tracing():
			return t, errUsage{errors.New("--pid is for tracing programs, and the source has none")}
		}
	}
	if c.Socket != "" {
		var pid, fd int
		if n, _ := fmt.Sscanf(c.Socket, "%d:%d", &pid, &fd); n != 2 || pid <= 0 || fd < 0 || fmt.Sprintf("%d:%d", pid, fd) != c.Socket {
			return t, errUsage{fmt.Errorf("--socket %s: want PID:FD, as ss -p shows them", c.Socket)}
		}
		f, err := load.SocketOf(pid, fd)
		if err != nil {
			return t, err
		}
		t.Socket = f
	}
	return t, nil
}

func (c *runCmd) Run(a *app) error {
	if c.Pid != 0 {
		if c.Pid < 0 {
			return errUsage{fmt.Errorf("--pid %d is not a process", c.Pid)}
		}
		c.input.pid = c.Pid
	}
	c.losses = true
	kernel.MountTracefs() // for deftracepoint, tracepoints and printk; what fails is said where it is needed
	data, src, err := c.object(a)
	if err != nil {
		return err
	}
	spec, err := load.Read(data)
	if err != nil {
		return err
	}
	targets, err := c.targets(spec, src)
	if err != nil {
		return err
	}
	o, done, err := loadOptions(c.Program)
	if err != nil {
		return err
	}
	defer done()
	o.Variables = c.Define
	if o.PinDir, err = c.pinDir(spec); err != nil {
		return err
	}
	if src != nil && len(src.Result().Unit.Sessions) > 0 {
		return c.session(a, src, targets, o)
	}
	if len(c.Args) > 0 {
		return errUsage{fmt.Errorf("%s: arguments are for sources with a with-bpf-session, and %s has none", strings.Join(c.Args, " "), c.File)}
	}
	coll, err := load.OpenWith(data, o)
	var bad *load.VariableError
	if errors.As(err, &bad) {
		if len(bad.Known) > 0 {
			return errUsage{fmt.Errorf("%w (there are %s)", err, strings.Join(bad.Known, ", "))}
		}
		return errUsage{err}
	}
	if err != nil {
		if load.Denied(err) && !isRefusal(err) {
			return notAllowed(err)
		}
		return a.loadError(err, src, c.Verbose, c.JSON)
	}
	defer coll.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := &watcher{a: a, coll: coll, json: c.JSON, names: map[string]string{}, lost: map[string]uint64{}, values: map[string]map[string]float64{}, widths: map[string][]int{}, boot: bootTime()}
	if src != nil {
		for _, m := range src.Maps() {
			w.names[m.Name] = m.Lisp
		}
	}
	// Readers first, so that no early event is lost.
	watch, cancel := context.WithCancel(context.Background())
	defer cancel()
	var readers sync.WaitGroup
	readers.Add(1)
	go func() {
		defer readers.Done()
		if err := coll.Stream(watch, w.event); err != nil {
			w.problem(err)
		}
	}()
	if usesPrintk(coll.Spec) {
		pipe, err := kernel.TracePipe()
		if err != nil {
			w.problem(fmt.Errorf("printk output cannot be shown: %w", err))
		} else {
			readers.Add(1)
			go func() { defer readers.Done(); pipe.Lines(watch, w.printk) }()
		}
	}
	if err := coll.Attach(targets); err != nil {
		cancel()
		readers.Wait()
		var absent *load.Missing
		if errors.As(err, &absent) {
			return nearest(err)
		}
		if load.Denied(err) {
			return notAllowed(err)
		}
		var missing *load.ErrNoTarget
		if errors.As(err, &missing) {
			return errUsage{missing}
		}
		var bad *load.TargetError
		if errors.As(err, &bad) {
			return errUsage{bad}
		}
		return err
	}
	for _, what := range coll.Attached() {
		w.say("attached", what)
	}
	if err := w.once(); err != nil {
		w.problem(err)
	}
	if c.Duration > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, c.Duration)
		defer done()
	} else if !coll.Waits() {
		stop()
	} else if !c.JSON {
		fmt.Fprintln(a.err, "running; Ctrl-C ends it")
	}
	interval := c.Interval
	if f, ok := a.out.(*os.File); ok && isTerminal(f) && !c.JSON {
		w.live = true
		if interval < 0 {
			interval = time.Second
		}
	}
	interval = max(interval, 0)
	var tick <-chan time.Time
	if interval > 0 {
		t := time.NewTicker(interval)
		defer t.Stop()
		tick = t.C
	}
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-tick:
			w.tables(false)
		}
	}
	// A later Ctrl-C ends the process at once. One that comes together with
	// the first does not: timeout(1) signals the process and its group.
	time.AfterFunc(time.Second, stop)
	if err := coll.Detach(); err != nil {
		w.problem(fmt.Errorf("detaching: %w", err))
	}
	cancel()
	readers.Wait()
	w.tables(true)
	if w.failed {
		return errSilent(exitUser)
	}
	return nil
}

// notAllowed says what privilege is missing and how to get it.
func notAllowed(err error) error {
	return fmt.Errorf("%w\n"+
		"  loading eBPF needs root, or CAP_BPF with CAP_NET_ADMIN (XDP, TC, cgroup) or CAP_PERFMON (tracing)\n"+
		"  as root:       sudo whistler run ...            (with go run: go run -exec sudo ./cmd/whistler run ...)\n"+
		"  or once:       sudo setcap cap_bpf,cap_net_admin,cap_perfmon+ep $(command -v whistler)\n"+
		"  `whistler compile` and `whistler disasm` need no privileges", err)
}

// usesPrintk reports whether a program calls bpf_trace_printk.
func usesPrintk(s *ebpf.CollectionSpec) bool {
	for _, p := range s.Programs {
		for _, i := range p.Instructions {
			if i.IsBuiltinCall() && helperName(int32(i.Constant)) == "bpf_trace_printk" {
				return true
			}
		}
	}
	return false
}

// A watcher prints events, tables and messages, one at a time.
type watcher struct {
	mu     sync.Mutex
	a      *app
	coll   *load.Collection
	json   bool
	failed bool
	names  map[string]string             // Lisp names of maps
	lost   map[string]uint64             // by map, as last said
	values map[string]map[string]float64 // by map and key, as last shown
	before time.Time                     // when that was
	boot   time.Time                     // when the kernel's clock was 0
	live   bool                          // tables are drawn again in place
	height int                           // lines of the tables on the screen
	widths map[string][]int              // of the columns of events, by map
}

func (w *watcher) line(v map[string]any) { json.NewEncoder(w.a.out).Encode(v) }

func (w *watcher) say(key, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.json {
		w.line(map[string]any{key: what})
	} else {
		fmt.Fprintf(w.a.err, "%s %s\n", key, what)
	}
}

func (w *watcher) problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = true
	fmt.Fprintf(w.a.err, "whistler: %v\n", err)
}

// once runs the programs that run when asked, and shows what they give.
func (w *watcher) once() error {
	err := w.coll.Iterate(func(program string, r io.Reader) error {
		lines := bufio.NewReader(r)
		for {
			text, err := lines.ReadString('\n')
			if text != "" {
				w.iterated(program, text)
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	for _, name := range w.coll.Syscalls() {
		n, err := w.coll.Call(name, nil)
		if err != nil {
			return fmt.Errorf("running `%s`: %w", name, err)
		}
		w.mu.Lock()
		if w.json {
			w.line(map[string]any{"program": name, "result": int32(n)})
		} else {
			fmt.Fprintf(w.a.out, "%s returned %d\n", name, int32(n))
		}
		w.mu.Unlock()
	}
	return nil
}

// iterated shows a line that an iterator has written.
func (w *watcher) iterated(program, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.json {
		w.line(map[string]any{"iterator": program, "text": strings.TrimSuffix(text, "\n")})
	} else {
		io.WriteString(w.a.out, text)
	}
}

func (w *watcher) event(e load.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.erase()
	switch {
	case e.Lost > 0 && w.json:
		w.line(map[string]any{"map": e.Map, "lost": e.Lost})
	case e.Lost > 0:
		fmt.Fprintf(w.a.out, "%s: %d events lost\n", w.name(e.Map), e.Lost)
	case w.json:
		w.line(map[string]any{"map": e.Map, "event": load.JSON(e.Data)})
	default:
		fmt.Fprintf(w.a.out, "%s: %s\n", w.name(e.Map), w.aligned(e))
	}
}

func (w *watcher) printk(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.erase()
	if w.json {
		w.line(map[string]any{"printk": text})
	} else {
		fmt.Fprintf(w.a.out, "printk: %s\n", text)
	}
}

func (w *watcher) name(obj string) string {
	if n := w.names[obj]; n != "" {
		return n
	}
	return obj
}

// tables shows every map that has entries to list: hashes by value, the
// largest first, arrays by index. On a terminal the tables stay where they are.
func (w *watcher) tables(final bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.erase()
	w.losses()
	now := time.Now()
	room := w.room()
	var frame strings.Builder
	for _, name := range w.coll.Maps() {
		spec := w.coll.Spec.Maps[name]
		if !load.HasEntries(spec.Type) || load.Internal(name) {
			continue
		}
		entries, err := w.coll.Entries(name)
		if err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
			fmt.Fprintf(w.a.err, "whistler: reading map %s: %v\n", name, err)
			w.failed = w.failed || final
			continue
		}
		entries = interesting(spec, entries)
		array := spec.Type == ebpf.Array || spec.Type == ebpf.PerCPUArray
		sort.SliceStable(entries, func(i, j int) bool {
			x, ok := weight(entries[i].Value)
			y, ok2 := weight(entries[j].Value)
			if ok && ok2 && x != y && !array {
				return x > y
			}
			return less(entries[i].Key, entries[j].Key)
		})
		if w.json {
			for _, e := range entries {
				w.line(map[string]any{"map": name, "key": load.JSON(e.Key), "value": load.JSON(e.Value), "final": final})
			}
			continue
		}
		shown, of := len(entries), ""
		if whole, _ := w.coll.ShowHint(name); w.live && !final && shown > room && whole != lang.ShowLog2 {
			shown, of = room, fmt.Sprintf(" of %d", len(entries))
			entries = entries[:room]
		}
		fmt.Fprintf(&frame, "%s (%s, %d%s shown)\n", w.name(name), mapKeyword(spec.Type), shown, of)
		frame.WriteString(w.table(name, entries, now, final))
	}
	w.before = now
	w.draw(frame.String(), final)
}

// losses says what maps could not take, where that is more than it was.
func (w *watcher) losses() {
	all, err := w.coll.Losses()
	if err != nil {
		fmt.Fprintf(w.a.err, "whistler: reading what was lost: %v\n", err)
		w.failed = true
		return
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n := all[name]
		if n == w.lost[name] {
			continue
		}
		w.lost[name] = n
		what := "new entries lost: the map is full"
		if t := w.coll.Spec.Maps[name]; t != nil && t.Type == ebpf.RingBuf {
			what = "records lost: the buffer is full"
		}
		if w.json {
			w.line(map[string]any{"map": name, "lost": n})
		} else {
			fmt.Fprintf(w.a.out, "%s: %d %s\n", w.name(name), n, what)
		}
	}
}

// mapKeyword is a map type as sources write it, without the colon.
func mapKeyword(t ebpf.MapType) string {
	if m := abi.MapTypeByID(uint32(t)); m != nil {
		return m.Keyword
	}
	return strings.ToLower(t.String())
}

// interesting leaves out the zero entries of large arrays.
func interesting(spec *ebpf.MapSpec, all []load.Entry) (out []load.Entry) {
	array := spec.Type == ebpf.Array || spec.Type == ebpf.PerCPUArray
	if !array || len(all) <= 16 {
		return all
	}
	for _, e := range all {
		if strings.Trim(strings.ReplaceAll(load.Format(e.Value), "0", ""), " ") != "" {
			out = append(out, e)
		}
	}
	return out
}

func less(a, b any) bool {
	x, ok1 := a.(uint64)
	y, ok2 := b.(uint64)
	if ok1 && ok2 {
		return x < y
	}
	return load.Format(a) < load.Format(b)
}

// table lays entries out: as a histogram where the source says so, else in
// columns, the fields of structs or key and value. Between two looks on a
// terminal it has a column with how much a second was added.
func (w *watcher) table(name string, entries []load.Entry, now time.Time, final bool) string {
	if len(entries) == 0 {
		return ""
	}
	whole, fields := w.coll.ShowHint(name)
	if whole == lang.ShowLog2 {
		var counts []user.Count
		for _, e := range entries {
			n, ok := e.Key.(uint64)
			v, ok2 := weight(e.Value)
			if ok && ok2 && n < 64 {
				counts = append(counts, user.Count{N: int(n), Count: uint64(v)})
			}
		}
		return indent(user.Histogram(counts, ""))
	}
	s := &shower{fields, w.boot}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	old := w.values[name]
	values := map[string]float64{}
	rates := w.live && !final && old != nil
	for i, e := range entries {
		kn, kv := s.cells("key", e.Key)
		vn, vv := s.cells("value", e.Value)
		key := strings.Join(kv, "\x00")
		n, number := weight(e.Value)
		if number {
			values[key] = n
		}
		if rates {
			rate := ""
			if seconds := now.Sub(w.before).Seconds(); number && seconds > 0 {
				rate = fmt.Sprintf("%.1f/s", (n-old[key])/seconds)
			}
			vn, vv = append(vn, "rate"), append(vv, rate)
		}
		if i == 0 {
			fmt.Fprintf(t, "  %s\t%s\n", strings.Join(kn, "\t"), strings.Join(vn, "\t"))
		}
		fmt.Fprintf(t, "  %s\t%s\n", strings.Join(kv, "\t"), strings.Join(vv, "\t"))
	}
	w.values[name] = values
	t.Flush()
	return b.String()
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
