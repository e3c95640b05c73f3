package types

// A Space tells numbers from pointers, and pointers by where they point: the
// verifier in the kernel keeps the same classes apart.
type Space uint8

// The spaces.
const (
	Scalar    Space = iota
	PtrCtx          // the program's context
	PtrStack        // this function's stack
	PtrMap          // a map itself
	PtrValue        // a value in a map
	PtrPacket       // packet data
	PtrEnd          // the end of the packet
	PtrMeta         // packet metadata
	PtrRecord       // a ring-buffer record
	PtrKernel       // kernel memory with a BTF type
	PtrMem          // other memory that a helper gave
	PtrAny          // memory of any kind: what a subprogram is given
	PtrFunc         // a function, for callbacks
	numSpaces
)

var spaceNames = [numSpaces]string{"", "ctx", "stack", "map", "value", "packet", "end", "meta", "record", "kernel", "mem", "any", "func"}

func (s Space) String() string { return spaceNames[s] }

// IsPtr reports whether s is a pointer.
func (s Space) IsPtr() bool { return s != Scalar }

// IsPacket reports whether s goes stale when a helper moves packet data.
func (s Space) IsPacket() bool { return s == PtrPacket || s == PtrEnd || s == PtrMeta }

// SpaceNamed is the space that prints as name.
func SpaceNamed(name string) (Space, bool) {
	for s, n := range spaceNames {
		if n == name {
			return Space(s), true
		}
	}
	return Scalar, false
}

var spaceWords = [numSpaces]string{"a number", "the context", "stack memory", "a map", "a map value", "packet data",
	"the end of the packet", "packet metadata", "a ring-buffer record", "kernel memory", "memory", "memory", "a function"}

// Words describes what s points to, for messages.
func (s Space) Words() string { return spaceWords[s] }
