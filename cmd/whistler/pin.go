package main

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/load"
)

// pinDir is where maps are pinned, "" if there are none to pin.
func (c *runCmd) pinDir(spec *ebpf.CollectionSpec) (string, error) {
	switch {
	case !load.Pins(spec) && c.Pin != "":
		return "", errUsage{fmt.Errorf("--pin says nothing about %s: none of its maps has :pinning :by-name", c.File)}
	case !load.Pins(spec):
		return "", nil
	case c.Pin == "":
		return load.DefaultPinDir, nil
	}
	return c.Pin, nil
}
