package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/troupedb/troupe/gateway/netloop"
)

// plain returns what a driver can adopt in place of c: c itself, or where c is
// encrypted and the driver wants a socket, one end of a pair, between whose other
// end and c two goroutines carry the bytes.
func (n *Net) plain(c net.Conn) (net.Conn, error) {
	if _, encrypted := c.(*tls.Conn); !encrypted || n.shared {
		return c, nil
	}
	near, far, err := pair()
	if err != nil {
		c.Close()
		return nil, err
	}
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // either side's end is the end of both
		to.Close()
		from.Close()
	}
	n.done.Go(func() { carry(far, c) })
	n.done.Go(func() { carry(c, far) })
	return near, nil
}

// ServeTLS accepts connections of peers on l until the net is closed.
func (n *Net) ServeTLS(l net.Listener) {
	n.done.Go(func() {
		<-n.ctx.Done()
		l.Close()
	})
	n.done.Go(func() {
		for turn := 0; ; turn++ {
			c, err := l.Accept()
			switch {
			case err == nil:
				n.done.Go(func() { n.acceptTLS(tls.Server(c, n.Server), turn) })
			case errors.Is(err, net.ErrClosed):
				return
			default: // too many files, say: others may close theirs
				pause(n.ctx, acceptRest)
			}
		}
	})
}

// acceptRest is how long a listener rests that cannot accept.
const acceptRest = 50 * time.Millisecond

func (n *Net) acceptTLS(c *tls.Conn, turn int) {
	remote := c.RemoteAddr().String()
	ctx, cancel := context.WithTimeout(n.ctx, helloPatience)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		n.refuse(remote, err)
		c.Close()
		return
	}
	p, err := n.plain(c)
	if err != nil {
		n.refuse(remote, err)
		return
	}
	var worker any
	if w := n.driver.Workers(); len(w) > 0 {
		worker = w[turn%len(w)]
	}
	open := func(c *netloop.Conn, worker any) netloop.Session {
		c.Remote = remote // not that of the socket between
		return n.Open(c, worker)
	}
	if err := n.driver.Adopt(p, worker, open); err != nil {
		n.Logger.Debug("a stream came too late", "error", err)
	}
}
