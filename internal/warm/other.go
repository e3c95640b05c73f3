//go:build !linux

package warm

func heap(bool) {}
func tables()   {}
func text()     {}
