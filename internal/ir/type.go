package ir

import "github.com/whistler-lang/whistler/internal/types"

// A Type is where a value points, or Scalar; see types.Space.
type Type = types.Space

// The types, under the names that the IR uses.
const (
	Scalar    = types.Scalar
	PtrCtx    = types.PtrCtx
	PtrStack  = types.PtrStack
	PtrMap    = types.PtrMap
	PtrValue  = types.PtrValue
	PtrPacket = types.PtrPacket
	PtrEnd    = types.PtrEnd
	PtrMeta   = types.PtrMeta
	PtrRecord = types.PtrRecord
	PtrKernel = types.PtrKernel
	PtrMem    = types.PtrMem
	PtrAny    = types.PtrAny
	PtrFunc   = types.PtrFunc
)

func typeNamed(name string) (Type, bool) { return types.SpaceNamed(name) }
