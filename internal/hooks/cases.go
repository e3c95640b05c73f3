//go:build linux

package hooks

import (
	"slices"
)

// Cases is the table: a hook is one row and one file in testdata.
var Cases = slices.Concat(coreCases, tracingCases, netCases, cgroupCases, userCases, structOpsCases)
