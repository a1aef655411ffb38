//go:build !linux

package drive

import "net"

func platformLoop(conns []net.Conn, pipes []*pipe) (loop, error) {
	return newGoroutineLoop(conns, pipes)
}
