//go:build !linux

package netloop

// New returns the driver that suits the system: here the portable one. keepAlive
// gives the TCP keepalive of new connections in seconds, 0 for none.
func New(_ Options, h Handler, keepAlive func() int) (Driver, error) {
	return NewPortable(h, keepAlive), nil
}
