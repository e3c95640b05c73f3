//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"log"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// insn is one BPF instruction in the kernel's form.
type insn struct {
	op       uint8
	dst, src uint8
	off      int16
	imm      int32
}

func (i insn) bytes() []byte {
	b := []byte{i.op, i.dst | i.src<<4, 0, 0, 0, 0, 0, 0}
	binary.LittleEndian.PutUint16(b[2:], uint16(i.off))
	binary.LittleEndian.PutUint32(b[4:], uint32(i.imm))
	return b
}

func movImm(dst uint8, v int32) insn { return insn{op: 0xb7, dst: dst, imm: v} }
func mov(dst, src uint8) insn        { return insn{op: 0xbf, dst: dst, src: src} }
func addImm(dst uint8, v int32) insn { return insn{op: 0x07, dst: dst, imm: v} }
func call(id int32) insn             { return insn{op: 0x85, imm: id} }
func exit() insn                     { return insn{op: 0x95} }
func storeImm64(dst uint8, off int16, v int32) insn {
	return insn{op: 0x7a, dst: dst, off: off, imm: v}
}
func mapFD(dst uint8, fd int) []insn {
	return []insn{{op: 0x18, dst: dst, src: 1, imm: int32(fd)}, {}}
}

// load and store give BPF_MEM opcodes by size in bytes.
func loadOp(size uint32) uint8 { return map[uint32]uint8{1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}[size] }
func storeOp(size uint32) uint8 {
	return map[uint32]uint8{1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b}[size]
}

// variant is a way to load a program: a section, ready for BPF_PROG_LOAD.
type variant struct {
	typ, attach uint32
	flags       uint32
	btfID       uint32
	noGPL       bool
}

const (
	flagSleepable = 1 << 4
	flagFrags     = 1 << 5
)

var kernelBTF *btf.Spec

// attachTargets are the kernel functions and hooks whose BTF ids stand in for
// a target where loading needs one.
var attachTargets = map[string]string{
	"tp-btf": "btf_trace_sched_switch", "fentry": "do_exit", "fexit": "do_exit", "fsession": "do_exit",
	"fmod-ret": "bpf_modify_return_test", "iter": "bpf_iter_task", "lsm": "bpf_lsm_file_open", "lsm-cgroup": "bpf_lsm_socket_bind",
	"struct-ops": "tcp_congestion_ops",
}

// sleepableTargets replace them where the program sleeps.
var sleepableTargets = map[string]string{
	"fentry": "bpf_fentry_test1", "fexit": "bpf_fentry_test1", "lsm": "bpf_lsm_file_open",
}

func variantOf(s *section) variant {
	v := variant{typ: s.typ, attach: s.attach}
	if s.sleepable() {
		v.flags |= flagSleepable
	}
	if s.has("SectionFrags") {
		v.flags |= flagFrags
	}
	target := attachTargets[s.keyword]
	if t := sleepableTargets[s.keyword]; t != "" && s.sleepable() {
		target = t
	}
	if target != "" {
		v.btfID = btfID(target)
	}
	return v
}

// btfID finds the id of a type, preferring functions.
func btfID(name string) uint32 {
	if kernelBTF == nil {
		var err error
		if kernelBTF, err = btf.LoadKernelSpec(); err != nil {
			log.Fatal(err)
		}
	}
	ts, err := kernelBTF.AnyTypesByName(name)
	if err != nil || len(ts) == 0 {
		return 0
	}
	pick := ts[0]
	for _, t := range ts {
		if _, ok := t.(*btf.Func); ok {
			pick = t
		}
	}
	id, err := kernelBTF.TypeID(pick)
	if err != nil {
		return 0
	}
	return uint32(id)
}

// progAttr is the head of union bpf_attr for BPF_PROG_LOAD.
type progAttr struct {
	progType, insnCnt               uint32
	insns, license                  uint64
	logLevel, logSize               uint32
	logBuf                          uint64
	kernVersion, flags              uint32
	name                            [16]byte
	ifindex, attach, btfFD, recSize uint32
	funcInfo                        uint64
	funcInfoCnt, lineRecSize        uint32
	lineInfo                        uint64
	lineInfoCnt, attachBTF, attachF uint32
	coreCnt                         uint32
	fdArray                         uint64
	core                            uint64
	coreRec, logTrue                uint32
}

// programExtra is what few programs need: BTF of their functions, for
// callbacks and global functions, and a level for the log.
type programExtra struct {
	level    uint32 // 0 is 1
	btfFD    int
	funcInfo []byte // 8 bytes a record
}

var logBuf = make([]byte, 1<<20)

// loadProg loads a program and gives the verifier's log; the program is
// closed at once.
func loadProg(v variant, prog []insn) (log string, err error) {
	return loadProgExtra(v, prog, programExtra{})
}

// loadProgLevel is loadProg with a log level; 2 prints registers at each step.
func loadProgLevel(v variant, prog []insn, level uint32) (string, error) {
	return loadProgExtra(v, prog, programExtra{level: level})
}

func loadProgExtra(v variant, prog []insn, x programExtra) (string, error) {
	var code []byte
	for _, i := range prog {
		code = append(code, i.bytes()...)
	}
	license := []byte("GPL\x00")
	if v.noGPL {
		license = []byte("MIT\x00")
	}
	logBuf[0] = 0
	a := progAttr{
		progType: v.typ, insnCnt: uint32(len(prog)), insns: ptr(code), license: ptr(license),
		logLevel: 1, logSize: uint32(len(logBuf)), logBuf: ptr(logBuf),
		flags: v.flags, attach: v.attach, attachBTF: v.btfID,
	}
	if x.level != 0 {
		a.logLevel = x.level
	}
	if len(x.funcInfo) > 0 {
		a.btfFD, a.recSize, a.funcInfo, a.funcInfoCnt = uint32(x.btfFD), 8, ptr(x.funcInfo), uint32(len(x.funcInfo)/8)
	}
	var fd uintptr
	var errno unix.Errno
	for range 5 {
		fd, _, errno = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a))
		if errno != unix.EAGAIN {
			break
		}
	}
	// The attributes hold addresses, which keep nothing alive by themselves.
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	runtime.KeepAlive(x.funcInfo)
	text := unix.ByteSliceToString(logBuf)
	if errno != 0 {
		return text, errno
	}
	unix.Close(int(fd))
	return text, nil
}

func ptr(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// retRange is what the verifier accepts as a program's result.
type retRange struct {
	loads    bool // this kernel loads such a program
	known    bool // there is a range
	min, max int64
}

var retRE = regexp.MustCompile(`should have been in \[(-?\d+), (-?\d+)\]`)

// probeRet returns absurd constants and reads the range in the refusal.
func probeRet(s *section) {
	v := variantOf(s)
	for _, r := range []int32{0, 1} {
		if _, err := loadProg(v, []insn{movImm(0, r), exit()}); err == nil {
			s.ret.loads = true
		}
	}
	text, err := loadProg(v, []insn{movImm(0, 12345), exit()})
	if err == nil {
		s.ret.loads = true
		return
	}
	if m := retRE.FindStringSubmatch(text); m != nil {
		s.ret.loads, s.ret.known = true, true
		s.ret.min, _ = strconv.ParseInt(m[1], 10, 64)
		s.ret.max, _ = strconv.ParseInt(m[2], 10, 64)
		return
	}
	if !s.ret.loads {
		first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		var e unix.Errno
		errors.As(err, &e)
		log.Printf("%-28s does not load: %v %s", s.pattern, e, first)
	}
}
