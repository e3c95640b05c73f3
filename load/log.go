package load

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// logPerInstruction is about how many bytes the verifier's log has for each
// instruction that it processes: 160 in small programs, 700 in large ones.
const logPerInstruction = 512

// ErrLongLog says that a log would be longer than its limit.
var ErrLongLog = errors.New("the verifier's log would be too long")

// VerifierLog gives what the verifier says of every step through a program,
// which is loaded once more for it. It is an ErrLongLog where the log would
// have more than about limit bytes.
func (c *Collection) VerifierLog(program string, limit int) (string, error) {
	s := c.Spec.Programs[program]
	if s == nil {
		return "", fmt.Errorf("there is no program %s", program)
	}
	if _, raw := rawKinds[s.AttachType]; raw {
		return "", fmt.Errorf("programs of the section %s are loaded without a log", s.SectionName)
	}
	size := int(c.Processed(program)) * logPerInstruction
	if size > limit {
		return "", fmt.Errorf("%w: about %d MB", ErrLongLog, size>>20)
	}
	only := withoutOps(c.Spec)
	only.Programs = map[string]*ebpf.ProgramSpec{program: s}
	same := map[string]*ebpf.Map{}
	for name, m := range only.Maps {
		same[name] = c.coll.Maps[name]
		bare := *m
		bare.Contents = nil // may name the other programs
		only.Maps[name] = &bare
	}
	coll, err := ebpf.NewCollectionWithOptions(only, ebpf.CollectionOptions{
		MapReplacements: same,
		Programs:        ebpf.ProgramOptions{LogLevel: ebpf.LogLevelInstruction | ebpf.LogLevelStats, LogSizeStart: uint32(max(size, 1<<20))},
	})
	if err != nil {
		return "", explain(c.Spec, err)
	}
	defer coll.Close()
	return coll.Programs[program].VerifierLog, nil
}
