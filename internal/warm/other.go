//go:build !linux

package warm

func heap()   {}
func tables() {}
func text()   {}
