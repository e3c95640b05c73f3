//go:build !unix

package main

func sessionSignals() (came func() []string, stop func()) { return nil, func() {} }
