package load_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"sync"
	"text/template"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/load"
)

// A rule of the firewall.
type rule struct {
	Port uint16 `json:"port"` // of UDP
	Drop bool   `json:"drop"`
}

// policy is the program for a list of rules: the compiler makes a decision
// tree of it. verdicts counts what passes and what is dropped.
var policy = template.Must(template.New("policy").Parse(`
(defmap verdicts :type :array :key u32 :value u64 :max-entries 2)

(defprog firewall (:type :xdp :license "GPL")
  (with-udp (data data-end udp)
    (let ((verdict (case (udp-dst-port udp)
                     {{range .}}({{.Port}} {{if .Drop}}1{{else}}0{{end}})
                     {{end}}(t 0))))
      (incf (getmap verdicts verdict))
      (return (if (= verdict 1) XDP_DROP XDP_PASS))))
  XDP_PASS)
`))

// A firewall filters the packets of an interface.
type firewall struct {
	mu       sync.Mutex
	iface    string
	rules    []rule
	running  *load.Collection
	attached *load.Attachment
}

// set compiles the rules and puts the program in the place of the one before,
// in one step: no packet meets none of the two. The counters live on.
func (f *firewall) set(ctx context.Context, rules []rule) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var text bytes.Buffer
	if err := policy.Execute(&text, rules); err != nil {
		return err
	}
	obj, err := whistler.Compile(ctx, []whistler.Source{{Name: "policy.lisp", Text: text.String()}}, whistler.Options{})
	if err != nil {
		return err // whistler.Diagnostics
	}
	var o load.Options
	if f.running != nil {
		spec, err := load.Read(obj.Bytes())
		if err != nil {
			return err
		}
		o.Maps = f.running.Shared(spec)
	}
	next, err := load.OpenWith(obj.Bytes(), o)
	if err != nil {
		return err
	}
	if f.running == nil {
		f.attached, err = next.AttachProgram("firewall", "", load.Targets{Interface: f.iface})
	} else if err = f.attached.Replace(next.Program("firewall")); err == nil {
		f.attached.Take(next)
	}
	if err != nil {
		next.Close()
		return err
	}
	if f.running != nil {
		f.running.Close()
	}
	f.running, f.rules = next, rules
	return nil
}

// verdicts gives how many packets have passed and how many were dropped.
func (f *firewall) verdicts() (passed, dropped uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := load.MapOf[uint32, uint64](f.running, "verdicts")
	if err != nil {
		return 0, 0, err
	}
	if passed, err = m.Get(0); err == nil {
		dropped, err = m.Get(1)
	}
	return passed, dropped, err
}

func (f *firewall) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == nil {
		return nil
	}
	return f.running.Close()
}

// ServeHTTP takes a list of rules by PUT, and shows the counters.
func (f *firewall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		var rules []rule
		err := json.NewDecoder(r.Body).Decode(&rules)
		if err == nil {
			err = f.set(r.Context(), rules)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	passed, dropped, err := f.verdicts()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%d passed, %d dropped\n", passed, dropped)
}

// A web service whose rules are compiled on each change, and swapped in under
// traffic.
func ExampleAttachment_Replace() {
	f := &firewall{iface: "eth0"}
	if err := f.set(context.Background(), []rule{{Port: 53}, {Port: 9999, Drop: true}}); err != nil {
		log.Fatal(err)
	}
	defer f.close()
	log.Fatal(http.ListenAndServe("localhost:8080", f))
}
