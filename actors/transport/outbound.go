package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
)

// outbound is the stream of one of Proto.Actor's endpoints to a peer, watched from
// below. Left alone, an endpoint that cannot connect sleeps for two seconds with all
// messages for the peer in its mailbox, and one whose stream ends in certain ways
// stays in the remote's table for ever, dead. So here
//
//   - a failure to connect does not return: it panics, and the endpoint's supervisor
//     stops it at once;
//   - each stream ends by exactly one EndpointTerminatedEvent, which is published
//     here before anything else, so that the next message makes a new endpoint and
//     no late event of an old one ends a new one. Proto.Actor's own goroutine is told
//     that the stream has ended in peace, which it only notes.
type outbound struct {
	grpc.ClientStream
	transport *Transport
	peer      *peer
	cancel    context.CancelFunc
	patience  *time.Timer // until the peer has answered
	answered  bool        // only touched by who reads, one goroutine after another
	over      atomic.Bool // nothing of it matters any more
	once      sync.Once
}

// connectFailure is what an endpoint that cannot connect panics with.
type connectFailure struct{ error }

var (
	errSpoke  = errors.New("it said what a peer never says")
	errClosed = errors.New("it closed the connection")
)

func (t *Transport) dialOptions() []grpc.DialOption {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(t.gate),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", addr)
		}),
		grpc.WithStreamInterceptor(t.openStream),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithInitialWindowSize(maxAnswer),
		grpc.WithInitialConnWindowSize(maxAnswer),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
	}
}

// openStream is called by an endpoint that starts.
func (t *Transport) openStream(_ context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	p, err := t.peer(cc.Target())
	if err != nil {
		panic(connectFailure{err})
	}
	ctx, cancel := context.WithCancel(t.ctx)
	o := &outbound{transport: t, peer: p, cancel: cancel, patience: time.AfterFunc(connectTimeout, cancel)}
	p.mu.Lock()
	p.stream = o
	p.mu.Unlock()
	if o.ClientStream, err = streamer(ctx, desc, cc, method, options...); err != nil {
		o.lose(err)
		panic(connectFailure{err})
	}
	return o, nil
}

// lose ends the stream, once.
func (o *outbound) lose(err error) {
	o.once.Do(func() {
		o.over.Store(true)
		o.patience.Stop()
		o.cancel()
		o.transport.lost(o.peer, o, err)
	})
}

// RecvMsg implements grpc.ClientStream. The endpoint reads the peer's answer itself,
// then a goroutine reads to learn of the end.
func (o *outbound) RecvMsg(m any) error {
	err := o.ClientStream.RecvMsg(m)
	if !o.answered {
		return o.firstAnswer(m, err)
	}
	if o.over.Load() {
		return io.EOF
	}
	if err == nil {
		err = errSpoke
		if message, ok := m.(*remote.RemoteMessage); ok && message.GetDisconnectRequest() != nil {
			err = errClosed
		}
	} else if errors.Is(err, io.EOF) {
		err = errClosed
	}
	o.lose(err)
	return io.EOF
}

// firstAnswer ends the making of the connection. That the answer may say "blocked"
// is of no interest: the catalog decides who belongs.
func (o *outbound) firstAnswer(m any, err error) error {
	if message, ok := m.(*remote.RemoteMessage); err == nil && (!ok || message.GetConnectResponse() == nil) {
		err = errSpoke
	}
	if err != nil || !o.patience.Stop() {
		if err == nil {
			err = context.DeadlineExceeded
		}
		o.lose(err)
		panic(connectFailure{err})
	}
	o.answered = true
	o.peer.heard()
	return nil
}

// SendMsg implements grpc.ClientStream.
func (o *outbound) SendMsg(m any) error {
	err := o.ClientStream.SendMsg(m)
	if message, ok := m.(*remote.RemoteMessage); ok && !o.over.Load() {
		bytes := 0
		envelopes := message.GetMessageBatch().GetEnvelopes()
		for _, e := range envelopes {
			bytes += len(e.MessageData)
		}
		if len(envelopes) > 0 {
			o.peer.written(len(envelopes), bytes)
			if err != nil {
				o.transport.dropped.Add(uint64(len(envelopes)))
			}
		} else if err != nil { // who it is could not be said
			o.lose(err)
			panic(connectFailure{err})
		}
	}
	if err != nil {
		o.lose(err)
	}
	return err
}

// CloseSend implements grpc.ClientStream: the endpoint stops.
func (o *outbound) CloseSend() error {
	err := o.ClientStream.CloseSend()
	o.lose(errClosed)
	return err
}
