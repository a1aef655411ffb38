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
	"google.golang.org/grpc/stats"
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
	open    atomic.Int64 // connections after their handshake
}

func newGate(t *TLS, refuse func(string, string, error)) *gate {
	return &gate{tls: t, refuse: refuse, shaking: map[net.Conn]struct{}{}}
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
	conn, info, err := base.ServerHandshake(raw)
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
	return &admitted{Conn: conn, first: bytes.NewReader(first)}, info, nil
}

func (g *gate) enter(raw net.Conn) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return ErrStopped
	case int(g.open.Load())+len(g.shaking) >= maxConnections:
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
	return credentials.ProtocolInfo{SecurityProtocol: "tls", SecurityVersion: "1.3"}
}

// Clone implements credentials.TransportCredentials: there is one gate.
func (g *gate) Clone() credentials.TransportCredentials { return g }

// OverrideServerName implements credentials.TransportCredentials.
func (g *gate) OverrideServerName(string) error { return errors.ErrUnsupported }

// admitted is a connection that has passed, with the bytes read to see that it may.
type admitted struct {
	net.Conn
	first *bytes.Reader
}

func (c *admitted) Read(b []byte) (int, error) {
	if c.first.Len() > 0 {
		return c.first.Read(b)
	}
	return c.Conn.Read(b)
}

// visit is a connection after its handshake.
type visit struct {
	from    string
	greeted atomic.Bool // it has said who it is, as Proto.Actor does
}

type visitKey struct{}

// TagConn implements stats.Handler.
func (g *gate) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, visitKey{}, &visit{from: info.RemoteAddr.String()})
}

// HandleConn implements stats.Handler. A connection that ends before it has said
// who it is was none of a peer.
func (g *gate) HandleConn(ctx context.Context, event stats.ConnStats) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok || event.IsClient() {
		return
	}
	switch event.(type) {
	case *stats.ConnBegin:
		g.open.Add(1)
	case *stats.ConnEnd:
		g.open.Add(-1)
		if !v.greeted.Load() {
			g.refuse("connection", v.from, errStranger)
		}
	}
}

// TagRPC implements stats.Handler.
func (g *gate) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (g *gate) HandleRPC(context.Context, stats.RPCStats) {}
