package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/whistler-lang/whistler/load"
)

// psCmd lists what is in the kernel.
type psCmd struct {
	JSON bool `name:"json" help:"Write JSON, one object per line."`
}

func (c *psCmd) Run(a *app) error {
	progs, err := load.List()
	if err != nil {
		if load.Denied(err) {
			return notAllowed(err)
		}
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(a.out)
		for _, p := range progs {
			enc.Encode(p)
		}
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "PROGRAM\tTYPE\tNAME\tLINK\tATTACHED")
	for _, p := range progs {
		link := "-"
		if p.Link != 0 {
			link = fmt.Sprint(p.Link)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", p.ID, p.Type, p.Name, link, p.Attached)
	}
	return w.Flush()
}

// detachCmd detaches a link.
type detachCmd struct {
	Link uint32 `arg:"" help:"Number of the link, as ps shows it."`
}

func (c *detachCmd) Run(a *app) error {
	err := load.DetachLink(c.Link)
	switch {
	case err == nil:
		fmt.Fprintf(a.out, "link %d is detached\n", c.Link)
	case load.Denied(err):
		return notAllowed(err)
	case errors.Is(err, load.ErrNoLink):
		return fmt.Errorf("there is no link %d (`whistler ps` lists them)", c.Link)
	}
	return err
}
