//go:build unix

package peer

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// pair returns two connected sockets.
func pair() (a, b net.Conn, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket pair: %w", err)
	}
	conns := [2]net.Conn{}
	for i, fd := range fds {
		syscall.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "pair")
		c, fileErr := net.FileConn(f)
		f.Close() // FileConn has its own
		if fileErr != nil {
			err = fmt.Errorf("socket pair: %w", fileErr)
		}
		conns[i] = c
	}
	return conns[0], conns[1], err
}
