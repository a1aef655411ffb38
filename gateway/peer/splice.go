package peer

import (
	"crypto/tls"
	"io"
	"net"
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
			if err != nil {
				return // closed
			}
			n.done.Go(func() { n.acceptTLS(tls.Server(c, n.Server), turn) })
		}
	})
}

func (n *Net) acceptTLS(c *tls.Conn, turn int) {
	if err := c.HandshakeContext(n.ctx); err != nil {
		n.refuse(c.RemoteAddr().String(), err)
		c.Close()
		return
	}
	p, err := n.plain(c)
	if err != nil {
		n.refuse(c.RemoteAddr().String(), err)
		return
	}
	var worker any
	if w := n.driver.Workers(); len(w) > 0 {
		worker = w[turn%len(w)]
	}
	if err := n.driver.Adopt(p, worker, n.Open); err != nil {
		n.Logger.Debug("a stream came too late", "error", err)
	}
}
