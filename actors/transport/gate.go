package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// preface is what a connection of HTTP/2 begins with.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

var (
	errTooMany  = errors.New("too many connections")
	errPreface  = errors.New("not HTTP/2")
	errStranger = errors.New("it ended without saying who it is")
)

// gate is the credentials of the port and of connections to peers. It sees each
// connection before gRPC does: it bounds and counts them, looks whether they are
// HTTP/2 at all, and closes those that are still shaking hands when the port stops.
type gate struct {
	tls    *TLS // nil: plain
	refuse func(reason string, from string, err error)

	mu      sync.Mutex
	shaking map[net.Conn]struct{}
	closed  bool
	limit   int
	open    atomic.Int64 // connections after their handshake
}

func newGate(t *TLS, refuse func(string, string, error)) *gate {
	return &gate{tls: t, refuse: refuse, shaking: map[net.Conn]struct{}{}, limit: maxConnections}
}

// ClientHandshake implements credentials.TransportCredentials.
func (g *gate) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if g.tls == nil {
		return insecure.NewCredentials().ClientHandshake(ctx, authority, conn)
	}
	host, _, err := net.SplitHostPort(authority)
	if err != nil {
		host = authority
	}
	return credentials.NewTLS(g.tls.ClientConfig(host)).ClientHandshake(ctx, authority, conn)
}

// ServerHandshake implements credentials.TransportCredentials. gRPC has set a
// deadline for it.
func (g *gate) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if err := g.enter(raw); err != nil {
		g.refuse("connection", raw.RemoteAddr().String(), err)
		return nil, nil, err
	}
	conn, info, err := g.shake(raw)
	g.leave(raw)
	if err != nil {
		if !errors.Is(err, io.EOF) { // who says nothing and goes has looked whether the port is open
			g.refuse("connection", raw.RemoteAddr().String(), err)
		}
		return nil, nil, err
	}
	return conn, info, nil
}

func (g *gate) shake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	base := insecure.NewCredentials()
	if g.tls != nil {
		base = credentials.NewTLS(g.tls.ServerConfig())
	}
	conn, _, err := base.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	first := make([]byte, len(preface))
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, nil, fmt.Errorf("before the first byte of HTTP/2: %w", err)
	}
	if string(first) != preface {
		return nil, nil, errPreface
	}
	g.open.Add(1)
	in := &admitted{Conn: conn, first: bytes.NewReader(first), gate: g}
	return in, in, nil
}

func (g *gate) enter(raw net.Conn) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return ErrStopped
	case int(g.open.Load())+len(g.shaking) >= g.limit:
		return errTooMany
	}
	g.shaking[raw] = struct{}{}
	return nil
}

func (g *gate) leave(raw net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.shaking, raw)
}

// close ends all handshakes under way; no connection is admitted any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for raw := range g.shaking {
		_ = raw.Close()
	}
}

// Info implements credentials.TransportCredentials.
func (g *gate) Info() credentials.ProtocolInfo {
	if g.tls == nil {
		return insecure.NewCredentials().Info()
	}
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements credentials.TransportCredentials: there is one gate.
func (g *gate) Clone() credentials.TransportCredentials { return g }

// OverrideServerName implements credentials.TransportCredentials.
func (g *gate) OverrideServerName(string) error { return errors.ErrUnsupported }

// admitted is a connection that has passed, with the bytes read to see that it may.
// It is its own credentials.AuthInfo, so that its streams find it.
type admitted struct {
	net.Conn
	first   *bytes.Reader
	gate    *gate
	greeted atomic.Bool // it has said who it is, as Proto.Actor does
	once    sync.Once
}

// AuthType implements credentials.AuthInfo.
func (c *admitted) AuthType() string { return "gate" }

func (c *admitted) Read(b []byte) (int, error) {
	if c.first.Len() > 0 {
		return c.first.Read(b)
	}
	return c.Conn.Read(b)
}

// Close is what gRPC ends every connection with. One that has not said who it is
// was none of a peer.
func (c *admitted) Close() error {
	c.once.Do(func() {
		c.gate.open.Add(-1)
		if !c.greeted.Load() {
			c.gate.refuse("connection", c.RemoteAddr().String(), errStranger)
		}
	})
	return c.Conn.Close()
}
