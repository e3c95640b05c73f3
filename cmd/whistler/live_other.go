//go:build !linux

package main

import (
	"os"
	"time"
)

func bootTime() time.Time { return time.Time{} }

func screen(*os.File) (rows, columns int) { return 24, 80 }
