//go:build !linux

package warm

func heap() {}
