//go:build !linux

package netloop

// openFiles cannot be counted here.
func openFiles() int { return 0 }
