module github.com/whistler-lang/whistler

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	github.com/cilium/ebpf v0.22.0
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	golang.org/x/sys v0.45.0
)

require (
	github.com/creack/pty v1.1.24
	github.com/reeflective/readline v1.3.0
	pgregory.net/rapid v1.3.0
)

require github.com/rivo/uniseg v0.4.7 // indirect

require (
	github.com/rogpeppe/go-internal v1.14.1
	golang.org/x/tools v0.45.0 // indirect
)
