package transport

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/asynkron/protoactor-go/remote"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// receiveMethod is the one method that is served. The other two of Proto.Actor's
// service panic.
const receiveMethod = "/remote.Remoting/Receive"

var (
	errMethod   = errors.New("an unknown method")
	errGreeting = errors.New("it must say who it is first, and once")
	errBatch    = errors.New("a batch that no peer sends")
)

func (t *Transport) serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(t.gate),
		grpc.StreamInterceptor(t.serveStream),
		grpc.UnaryInterceptor(func(ctx context.Context, _ any, _ *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
			return nil, t.refuseMethod(ctx)
		}),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return t.refuseMethod(s.Context()) }),
		grpc.MaxRecvMsgSize(maxFrame),
		grpc.InitialWindowSize(receiveWindow),
		grpc.InitialConnWindowSize(receiveWindow),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingTimeout, MaxConnectionIdle: idleTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery / 2, PermitWithoutStream: true}),
	}
}

func (t *Transport) refuseMethod(ctx context.Context) error {
	t.refuse("method", visitor(ctx).RemoteAddr().String(), errMethod)
	return status.Error(codes.Unimplemented, errMethod.Error())
}

// visitor returns the connection that a stream is of.
func visitor(ctx context.Context) *admitted {
	p, _ := grpcpeer.FromContext(ctx)
	return p.AuthInfo.(*admitted) // the gate has made it
}

// serveStream stands around Proto.Actor's reader, which believes what it reads: an
// index or a type that does not exist would end the process.
func (t *Transport) serveStream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	conn := visitor(s.Context())
	if info.FullMethod != receiveMethod {
		return t.refuseMethod(s.Context())
	}
	defer func() {
		if r := recover(); r != nil {
			t.panics.Add(1)
			t.config.Logger.Error("a reader of control messages has panicked", "from", conn.RemoteAddr(), "panic", r)
			err = status.Error(codes.Internal, "panic")
		}
	}()
	return handler(srv, &inbound{ServerStream: s, transport: t, conn: conn})
}

// inbound is a peer's stream, of which Proto.Actor sees what Troupe's nodes send:
// who it is, once, and then batches of envelopes for the control actor. Anything
// else ends the stream.
type inbound struct {
	grpc.ServerStream
	transport *Transport
	conn      *admitted
	greeted   bool
}

// RecvMsg implements grpc.ServerStream.
func (in *inbound) RecvMsg(m any) error {
	t := in.transport
	if err := in.ServerStream.RecvMsg(m); err != nil {
		switch status.Code(err) {
		case codes.ResourceExhausted, codes.Internal, codes.InvalidArgument, codes.Unimplemented:
			t.refuse("frame", in.conn.RemoteAddr().String(), err)
		}
		return err
	}
	message, ok := m.(*remote.RemoteMessage)
	if !ok {
		return io.ErrUnexpectedEOF
	}
	if err := in.inspect(message); err != nil {
		t.refuse("frame", in.conn.RemoteAddr().String(), err)
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return nil
}

// SendMsg implements grpc.ServerStream. A connection that breaks is learnt of by
// reading; Proto.Actor would log each one.
func (in *inbound) SendMsg(m any) error {
	_ = in.ServerStream.SendMsg(m)
	return nil
}

// inspect refuses what no peer sends.
func (in *inbound) inspect(m *remote.RemoteMessage) error {
	if greeting := m.GetConnectRequest(); greeting != nil {
		server := greeting.GetServerConnection()
		if in.greeted || server == nil || len(server.Address) > maxAddress || len(server.SystemId) > maxName {
			return errGreeting
		}
		in.greeted = true
		in.conn.greeted.Store(true)
		return nil
	}
	batch := m.GetMessageBatch()
	switch {
	case batch == nil:
		return errBatch
	case !in.greeted:
		return errGreeting
	case in.transport.inbox.full():
		in.transport.dropped.Add(uint64(len(batch.Envelopes)))
		batch.Envelopes = nil
		return nil
	}
	return in.inspectBatch(batch)
}

// inspectBatch lets envelopes for the control actor pass. Their target's address is
// this node under any of its names, and must not be looked up: Proto.Actor would
// send them on.
func (in *inbound) inspectBatch(batch *remote.MessageBatch) error {
	if len(batch.Targets) != 1 || batch.Targets[0].GetId() != controlName || len(batch.Senders) != 0 ||
		len(batch.TypeNames) != 1 || batch.TypeNames[0] != troupev1.EnvelopeName {
		return errBatch
	}
	for _, e := range batch.Envelopes {
		if e.GetTypeId() != 0 || e.GetTarget() != 0 || e.GetSender() != 0 || e.GetSerializerId() != 0 ||
			e.GetMessageHeader() != nil || e.GetTargetRequestId() != 0 || e.GetSenderRequestId() != 0 {
			return errBatch
		}
		if err := troupev1.CheckEnvelope(e.MessageData); err != nil {
			return fmt.Errorf("%w: %w", errBatch, err)
		}
	}
	batch.Targets[0].Address = in.transport.addr
	batch.Targets[0].RequestId = 0
	return nil
}
