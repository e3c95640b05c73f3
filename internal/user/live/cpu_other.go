//go:build !linux

package live

import "github.com/whistler-lang/whistler/internal/user"

func onCPU(int, func()) error {
	return &user.Unsupported{What: "programs run in the kernel on Linux only"}
}
