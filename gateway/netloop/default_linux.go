package netloop

// New returns the driver that suits the system: event loops, unless the portable
// driver is asked for. keepAlive gives the TCP keepalive of new connections in
// seconds, 0 for none.
func New(o Options, h Handler, keepAlive func() int) (Driver, error) {
	if o.Portable {
		return NewPortable(h, keepAlive), nil
	}
	return NewEpoll(o, h, keepAlive)
}
