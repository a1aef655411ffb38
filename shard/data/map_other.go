//go:build !unix

package data

import "unsafe"

func mapMemory(n int) []byte {
	b := make([]byte, n+blockBytes)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (blockBytes - 1))
	return b[skip : skip+n]
}

func discard([]byte) {}
