//go:build unix

package data

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapMemory asks the operating system for n zeroed bytes outside Go's heap,
// aligned to blocks. They are never unmapped, only discarded.
func mapMemory(n int) []byte {
	b, err := unix.Mmap(-1, 0, n+blockBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		// As with Go's own heap, there is nothing to go on with.
		panic(fmt.Sprintf("data: mapping %d bytes: %v", n, err))
	}
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (blockBytes - 1))
	b = b[skip : skip+n]
	adviseHuge(b)
	return b
}

// discard lets the operating system take the memory of b back; b stays usable.
func discard(b []byte) {
	// A refusal costs memory only, and the page is in use again at the next need.
	_ = unix.Madvise(b, unix.MADV_DONTNEED)
}
