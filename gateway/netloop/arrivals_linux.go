package netloop

import "golang.org/x/sys/unix"

const (
	// maxTogether is how many connections are read before the first of them is
	// worked for.
	maxTogether = 16
	// leastRead is how much room in the loop's buffer each of them has, at least.
	leastRead = ReadBuffer / 2
)

// arrivals are connections whose input stands in the loop's buffer, one behind the other,
// before the first of them is worked for: so the handler can prepare for all of it. Nothing
// is read into that buffer until all of them have had their turn.
type arrivals struct {
	conns []*epollConn
	shown []Arrival
}

// arrived sees to the first connections among the events, if there are several with plain
// input, and returns how many it has seen to.
func (l *loop) arrived(events []unix.EpollEvent) int {
	if len(events) < 2 {
		return 0
	}
	a := &l.arrivals
	for rest := l.read; len(rest) >= leastRead && len(a.conns) < min(len(events), maxTogether); {
		ev := &events[len(a.conns)]
		c := l.conns[int(ev.Fd)]
		if c == nil || c.mark != ev.Pad || !c.readsAhead(ev.Events) {
			break
		}
		n, errno := rawRead(c.sock, rest)
		if errno != 0 || n == 0 {
			break // that is found again, and seen to, in its own turn
		}
		c.readable = n == len(rest)
		c.fresh, rest = rest[:n:n], rest[n:]
		a.conns = append(a.conns, c)
		if len(c.in) == 0 {
			a.shown = append(a.shown, Arrival{c.session, c.fresh})
		}
	}
	if len(a.shown) > 1 {
		l.driver.handler.Arrived(l.worker, a.shown)
	}
	together := len(a.conns)
	for _, c := range a.conns {
		if !c.closed {
			c.work()
		}
	}
	clear(a.conns)
	clear(a.shown)
	a.conns, a.shown = a.conns[:0], a.shown[:0]
	return together
}

// readsAhead tells whether the events ask for nothing but to read from the socket. One
// that has come twice, as polls of one turn may find a connection twice, is not read twice.
func (c *epollConn) readsAhead(events uint32) bool {
	return events&unix.EPOLLIN != 0 && events&^(unix.EPOLLIN|unix.EPOLLOUT) == 0 &&
		len(c.fresh) == 0 && !c.own && !c.hangup && !c.unseen && !c.stopped(0)
}
