module example.com/go-embed

go 1.26

require github.com/cilium/ebpf v0.22.0

require github.com/whistler-lang/whistler v0.0.0 // indirect

require (
	github.com/alecthomas/kong v1.17.0 // indirect
	github.com/reeflective/readline v1.3.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/vishvananda/netlink v1.3.1 // indirect
	github.com/vishvananda/netns v0.0.5 // indirect
	golang.org/x/sys v0.45.0 // indirect
)

tool github.com/whistler-lang/whistler/cmd/whistler

replace github.com/whistler-lang/whistler => ../..
