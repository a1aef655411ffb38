package netloop

// New returns the driver that suits the system: n event loops, unless the
// portable driver is asked for. keepAlive gives the TCP keepalive of new
// connections in seconds, 0 for none.
func New(n int, portable bool, h Handler, keepAlive func() int) (Driver, error) {
	if portable {
		return NewPortable(h, keepAlive), nil
	}
	return NewEpoll(n, h, keepAlive)
}
