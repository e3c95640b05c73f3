package sim

import "testing"

// TestConstants compares what is written down here, for the sake of a quick
// start, with the kernel's headers.
func TestConstants(t *testing.T) {
	for _, k := range knownErrnos {
		if want := constant(k.name); uint64(k.e) != want {
			t.Errorf("%s is %d, want %d", k.name, int64(k.e), want)
		}
	}
	if flagNoExist != constant("BPF_NOEXIST") || flagExist != constant("BPF_EXIST") {
		t.Error("the flags of an update differ")
	}
}
