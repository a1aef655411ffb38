package membership

import (
	"fmt"
	"log"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

// maxStreams bounds the connections to the gossip port that are served at a time;
// memberlist itself takes what comes, and each may hold memory until it times out.
const maxStreams = 128

// transport is memberlist's own with that limit.
type transport struct {
	*memberlist.NetTransport
	streams chan net.Conn
	open    atomic.Int32
	dropped *reporter
	done    chan struct{}
	stop    sync.Once
}

func newTransport(bind string, port int, logger *log.Logger, r *reporter) (*transport, error) {
	inner, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{bind}, BindPort: port, Logger: logger})
	if err != nil {
		return nil, err
	}
	t := &transport{NetTransport: inner, streams: make(chan net.Conn), dropped: r, done: make(chan struct{})}
	go t.pump()
	return t, nil
}

// listen takes the configured port, or the next free one from the first on.
func (c *Config) listen(logger *log.Logger, r *reporter) (*transport, int, error) {
	if c.Port != 0 {
		deadline := time.Now().Add(bindPatience)
		for {
			t, err := newTransport(c.Bind, c.Port, logger, r)
			if err == nil {
				return t, c.Port, nil
			}
			if !inUse(err) || time.Now().After(deadline) {
				return nil, 0, fmt.Errorf("the gossip port: %w", err)
			}
			time.Sleep(bindPatience / 40)
		}
	}
	for port := c.BasePort; port < c.BasePort+PortSpan; port++ {
		t, err := newTransport(c.Bind, port, logger, r)
		if err == nil {
			return t, port, nil
		}
		if !inUse(err) {
			return nil, 0, fmt.Errorf("a gossip port: %w", err)
		}
	}
	return nil, 0, fmt.Errorf("none of the gossip ports %d to %d is free", c.BasePort, c.BasePort+PortSpan-1)
}

// inUse tells whether somebody else has the port; memberlist keeps the text only.
func inUse(err error) bool { return strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) }

// pump hands connections on while there is room for them.
func (t *transport) pump() {
	for {
		select {
		case c := <-t.NetTransport.StreamCh():
			if t.open.Add(1) > maxStreams {
				t.open.Add(-1)
				t.dropped.bad.Add(1)
				t.dropped.warn("too many connections to the gossip port", c.RemoteAddr().String())
				_ = c.Close()
				continue
			}
			select {
			case t.streams <- &stream{Conn: c, open: &t.open}:
			case <-t.done:
				_ = c.Close()
			}
		case <-t.done:
			return
		}
	}
}

// StreamCh implements memberlist.Transport.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown implements memberlist.Transport. The pump runs until the listeners are
// closed, as they wait for whoever takes their last connections.
func (t *transport) Shutdown() error {
	err := t.NetTransport.Shutdown()
	t.stop.Do(func() { close(t.done) })
	return err
}

// abandon shuts down a transport that no memberlist came to use.
func (t *transport) abandon() {
	go func() {
		for {
			select {
			case <-t.PacketCh():
			case c := <-t.streams:
				_ = c.Close()
			case <-t.done:
				return
			}
		}
	}()
	_ = t.Shutdown()
}

// stream gives its place back when it is closed.
type stream struct {
	net.Conn
	open   *atomic.Int32
	closed atomic.Bool
}

func (s *stream) Close() error {
	if !s.closed.Swap(true) {
		s.open.Add(-1)
	}
	return s.Conn.Close()
}
