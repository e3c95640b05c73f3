package kernel

import (
	"os"
	"strings"
)

// Cgroup2 is where the unified cgroup hierarchy is mounted, "" if nowhere.
func Cgroup2() string {
	text, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return ""
	}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	return ""
}
