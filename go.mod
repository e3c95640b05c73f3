module github.com/whistler-lang/whistler

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	github.com/cilium/ebpf v0.22.0
	github.com/vishvananda/netlink v1.3.1
	golang.org/x/sys v0.43.0
)

require (
	github.com/rogpeppe/go-internal v1.14.1 // indirect
	github.com/vishvananda/netns v0.0.5 // indirect
)
