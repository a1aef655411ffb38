//go:build amd64 || arm64

package data

import "unsafe"

// prefetch asks the processor to bring the cache line at p closer. It reads nothing, so
// p may be any address.
//
//go:noescape
func prefetch(p unsafe.Pointer)
