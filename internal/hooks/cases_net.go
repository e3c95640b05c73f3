package hooks

var netCases = []Case{
	{Name: "xdp", Hook: "xdp, generic mode", Targets: loopback("generic"), Event: datagram},
}
