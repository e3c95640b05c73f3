package sim

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
)

// An Errno is the kernel's reason for a failure, a positive number as in
// <errno.h>; programs get it negated.
type Errno int64

func (e Errno) Error() string {
	for _, k := range knownErrnos {
		if k.e == e {
			return k.name
		}
	}
	return fmt.Sprintf("errno %d", int64(e))
}

// Result is e as a helper gives it back.
func (e Errno) Result() uint64 { return uint64(-int64(e)) }

// The failures that the simulated kernel knows; a test compares them with
// the kernel's headers.
const (
	ePerm   Errno = 1
	eNoEnt  Errno = 2
	e2Big   Errno = 7
	eAgain  Errno = 11
	eNoMem  Errno = 12
	eAcces  Errno = 13
	eFault  Errno = 14
	eBusy   Errno = 16
	eExist  Errno = 17
	eInval  Errno = 22
	eNoSpc  Errno = 28
	eRange  Errno = 34
	eNotSup Errno = 95
)

var knownErrnos = []struct {
	e    Errno
	name string
}{{ePerm, "EPERM"}, {eNoEnt, "ENOENT"}, {e2Big, "E2BIG"}, {eAgain, "EAGAIN"}, {eNoMem, "ENOMEM"}, {eAcces, "EACCES"}, {eFault, "EFAULT"}, {eBusy, "EBUSY"},
	{eExist, "EEXIST"}, {eInval, "EINVAL"}, {eNoSpc, "ENOSPC"}, {eRange, "ERANGE"}, {eNotSup, "EOPNOTSUPP"}}

// constant is a number of the kernel's headers; a name that is not there is
// a bug that every test shows.
func constant(name string) uint64 {
	v, ok := abi.Constant(name)
	if !ok {
		panic("sim: no constant " + name)
	}
	return uint64(v)
}

// result is what a helper that gives 0 or an error gives.
func result(err error) (uint64, error) {
	switch e := err.(type) {
	case nil:
		return 0, nil
	case Errno:
		return e.Result(), nil
	}
	return 0, err
}
