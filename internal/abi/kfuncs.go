package abi

// KfuncFlags are what a kfunc promises and demands, the KF_ flags of
// <linux/btf.h> (the bits are our own).
type KfuncFlags uint8

const (
	KfuncAcquire     KfuncFlags = 1 << iota // the result is a reference that must be released
	KfuncRelease                            // gives its argument's reference back
	KfuncRetNull                            // the result may be null
	KfuncSleepable                          // only sleepable programs may call it
	KfuncTrustedArgs                        // pointers must be trusted: arguments of the program, or acquired
	KfuncRCU                                // pointers must be trusted, or under RCU's protection
	KfuncDestructive                        // wants CAP_SYS_BOOT
)

// A Kfunc is a function of the kernel that programs may call by its name;
// its type stands in BTF.
type Kfunc struct {
	Name  string // as in C
	Flags KfuncFlags
}

// KfuncByName finds a kfunc by its C name; nil where the kernel's sources,
// from which the table is made, have none.
func KfuncByName(name string) *Kfunc {
	i, ok := search(len(kfuncs), func(i int) string { return kfuncs[i].Name }, name)
	if !ok {
		return nil
	}
	return &kfuncs[i]
}

// KfuncNames lists the C names of the kfuncs, sorted.
func KfuncNames() (names []string) {
	for i := range kfuncs {
		names = append(names, kfuncs[i].Name)
	}
	return names
}
