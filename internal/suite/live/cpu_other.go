//go:build !linux

package live

import "github.com/whistler-lang/whistler/internal/suite"

func onCPU(int, func()) error {
	return &suite.Unsupported{What: "programs run in the kernel on Linux only"}
}
