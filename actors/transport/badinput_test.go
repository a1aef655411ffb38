package transport

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// throw writes bytes to a port and reads until the other side is through with them.
func throw(t testing.TB, addr string, b []byte) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(b); err != nil {
		return
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.Copy(io.Discard, c)
}

// unharmed checks that a node has not panicked and still serves its peers.
func unharmed(t testing.TB, n, peer *node) {
	t.Helper()
	peer.echo(t, n.Addr())
	n.echo(t, peer.Addr())
	if n.Panics() != 0 {
		t.Errorf("%d panics: %s", n.Panics(), n.log)
	}
	if strings.Contains(n.log.String(), "Endpoint") {
		t.Errorf("Proto.Actor logs what strangers do: %s", n.log)
	}
	lines := strings.Count(n.log.String(), "refused on the port")
	if n.Refused() > 0 && lines == 0 {
		t.Error("refusals are not logged")
	}
	if seconds := int(time.Since(n.epoch)/time.Second) + 1; lines > seconds {
		t.Errorf("%d lines in the log within %d seconds", lines, seconds)
	}
}

func TestRandomBytes(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	a.echo(t, b.Addr())
	random := rand.New(rand.NewPCG(5, 6))
	const count = 300
	for i := range count {
		junk := make([]byte, 1+random.IntN(2000))
		for j := range junk {
			junk[j] = byte(random.Uint32())
		}
		switch i % 3 {
		case 1:
			junk = append([]byte(preface), junk...)
		case 2:
			junk = append([]byte(preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), junk...)
		}
		throw(t, b.Addr(), junk)
	}
	eventually(t, "all of it is counted", func() bool { return b.Refused() >= count })
	unharmed(t, b, a)
}

// TestRecordedBytes plays what a peer has sent to the port again: whole, cut, and
// with wrong bytes in it.
func TestRecordedBytes(t *testing.T) {
	a, b, c := start(t, "a", nil), start(t, "b", nil), start(t, "c", nil)
	p := newProxy(t, b.Addr())
	for i := range 5 {
		a.Send(p.Addr().String(), kindNote, []byte{byte(i)})
		b.note(t)
	}
	p.mu.Lock()
	said := bytes.Clone(p.said[0])
	p.mu.Unlock()
	for i := range uint64(3) {
		again, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Write(said); err != nil {
			t.Fatal(err)
		}
		eventually(t, "copies are refused", func() bool { return b.Refused() >= 5*(i+1) })
		again.Close()
	}
	for cut := 1; cut < len(said); cut += 7 {
		throw(t, b.Addr(), said[:cut])
	}
	if len(b.notes) != 0 {
		t.Errorf("%d copies were let in", len(b.notes))
	}
	unharmed(t, b, a)
	random := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		wrong := bytes.Clone(said)
		for range 1 + random.IntN(4) {
			wrong[len(preface)+random.IntN(len(wrong)-len(preface))] = byte(random.Uint32())
		}
		throw(t, b.Addr(), wrong)
	}
	unharmed(t, b, c) // not a: who is trusted can spoil its sequences
}

// hostile is a connection that speaks Proto.Actor's protocol as it likes.
func hostile(t testing.TB, addr string) (remote.RemotingClient, remote.Remoting_ReceiveClient) {
	t.Helper()
	conn, err := grpc.Dial(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	client := remote.NewRemotingClient(conn)
	stream, err := client.Receive(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return client, stream
}

func greeting() *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{
		ConnectionType: &remote.ConnectRequest_ServerConnection{ServerConnection: &remote.ServerConnection{SystemId: "x", Address: "x:1"}}}}}
}

// batch is a good batch of one good envelope; change may change that.
func batch(t testing.TB, e *troupev1.Envelope, change func(*remote.MessageBatch)) *remote.RemoteMessage {
	data, err := proto.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	b := &remote.MessageBatch{
		TypeNames: []string{troupev1.EnvelopeName},
		Targets:   []*actor.PID{{Address: "any:1", Id: controlName}},
		Envelopes: []*remote.MessageEnvelope{{MessageData: data}},
	}
	if change != nil {
		change(b)
	}
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: b}}
}

var sequences atomic.Uint64

func envelope() *troupev1.Envelope {
	return &troupev1.Envelope{ClusterId: "one", FromId: "x", FromAddress: "127.0.0.1:1", Kind: uint32(kindNote),
		Sequence: sequences.Add(1), Payload: []byte("x")}
}

// TestWrongBatches sends batches that Proto.Actor itself would carry out, or die of.
func TestWrongBatches(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	shard, err := b.system.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
		if _, ok := c.Message().(string); ok {
			c.Respond("alive")
		}
	}), "shard-1")
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]func(*remote.MessageBatch){
		"another actor":             func(b *remote.MessageBatch) { b.Targets[0].Id = "shard-1" },
		"the spawner":               func(b *remote.MessageBatch) { b.Targets[0].Id = "activator" },
		"no target":                 func(b *remote.MessageBatch) { b.Targets = nil },
		"two targets":               func(b *remote.MessageBatch) { b.Targets = append(b.Targets, b.Targets[0]) },
		"a target that is not":      func(b *remote.MessageBatch) { b.Envelopes[0].Target = 9 },
		"a target below zero":       func(b *remote.MessageBatch) { b.Envelopes[0].Target = -1 },
		"a request's target":        func(b *remote.MessageBatch) { b.Envelopes[0].TargetRequestId = 1 },
		"a type that is not":        func(b *remote.MessageBatch) { b.Envelopes[0].TypeId = 5 },
		"an unknown type":           func(b *remote.MessageBatch) { b.TypeNames[0] = "no.Such" },
		"a stop":                    func(b *remote.MessageBatch) { b.TypeNames[0] = "actor.Stop" },
		"a poison pill":             func(b *remote.MessageBatch) { b.TypeNames[0] = "actor.PoisonPill" },
		"a watch":                   func(b *remote.MessageBatch) { b.TypeNames[0] = "actor.Watch" },
		"no type":                   func(b *remote.MessageBatch) { b.TypeNames = nil },
		"another serializer":        func(b *remote.MessageBatch) { b.Envelopes[0].SerializerId = 1 },
		"a serializer that is not":  func(b *remote.MessageBatch) { b.Envelopes[0].SerializerId = 99 },
		"a sender that is not":      func(b *remote.MessageBatch) { b.Envelopes[0].Sender = 3 },
		"a sender":                  func(b *remote.MessageBatch) { b.Senders = []*actor.PID{{Address: "x:1", Id: "x"}} },
		"a header":                  func(b *remote.MessageBatch) { b.Envelopes[0].MessageHeader = &remote.MessageHeader{} },
		"no envelope in the bytes":  func(b *remote.MessageBatch) { b.Envelopes[0].MessageData = []byte{0xff, 0xff} },
		"text that is none":         func(b *remote.MessageBatch) { b.Envelopes[0].MessageData = []byte{0x0a, 1, 0xff} },
		"a frame that is too large": func(b *remote.MessageBatch) { b.Envelopes[0].MessageData = make([]byte, maxFrame+1) },
	}
	for name, change := range wrong {
		before := b.Refused()
		_, stream := hostile(t, b.Addr())
		_ = stream.Send(greeting())
		_ = stream.Send(batch(t, envelope(), change))
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err == nil {
			t.Errorf("%s: the stream goes on", name)
		}
		eventually(t, name+" is counted", func() bool { return b.Refused() > before })
	}
	if got, err := b.system.Root.RequestFuture(shard, "are you there", 20*time.Second).Result(); err != nil || got != "alive" {
		t.Errorf("the other actor: %v, %v", got, err)
	}
	if len(b.notes) != 0 {
		t.Errorf("%d messages were let in", len(b.notes))
	}
	unharmed(t, b, a)
}

// TestWrongStreams: before and beside the greeting nothing is read, and there are no
// other methods.
func TestWrongStreams(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	for name, messages := range map[string][]*remote.RemoteMessage{
		"no greeting":   {batch(t, envelope(), nil)},
		"two greetings": {greeting(), greeting()},
		"a farewell":    {greeting(), {MessageType: &remote.RemoteMessage_DisconnectRequest{DisconnectRequest: &remote.DisconnectRequest{}}}},
		"nothing":       {{}},
		"a client's greeting": {{MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{
			ConnectionType: &remote.ConnectRequest_ClientConnection{ClientConnection: &remote.ClientConnection{}}}}}},
	} {
		before := b.Refused()
		_, stream := hostile(t, b.Addr())
		for _, m := range messages {
			_ = stream.Send(m)
		}
		var err error
		for err == nil {
			_, err = stream.Recv()
		}
		eventually(t, name+" is counted", func() bool { return b.Refused() > before })
	}
	before := b.Refused()
	client, _ := hostile(t, b.Addr())
	if _, err := client.ListProcesses(within(t), &remote.ListProcessesRequest{}); err == nil {
		t.Error("processes are listed")
	}
	if _, err := client.GetProcessDiagnostics(within(t), &remote.GetProcessDiagnosticsRequest{}); err == nil {
		t.Error("a process is shown")
	}
	conn, err := grpc.Dial(b.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.Invoke(within(t), "/no.Such/Method", &remote.DisconnectRequest{}, &remote.DisconnectRequest{}) == nil {
		t.Error("an unknown method is served")
	}
	if b.Refused() < before+3 {
		t.Errorf("%d refused, %d before three wrong methods", b.Refused(), before)
	}
	unharmed(t, b, a)
}

// TestWrongEnvelopes: what is well packed but wrong is refused; the stream goes on.
func TestWrongEnvelopes(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	_, stream := hostile(t, b.Addr())
	send := func(e *troupev1.Envelope) {
		t.Helper()
		if err := stream.Send(batch(t, e, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Send(greeting()); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]func(*troupev1.Envelope){
		"another cluster":     func(e *troupev1.Envelope) { e.ClusterId = "two" },
		"no cluster":          func(e *troupev1.Envelope) { e.ClusterId = "" },
		"an endless cluster":  func(e *troupev1.Envelope) { e.ClusterId = strings.Repeat("c", 1000) },
		"nobody":              func(e *troupev1.Envelope) { e.FromId = "" },
		"an endless name":     func(e *troupev1.Envelope) { e.FromId = strings.Repeat("x", 1000) },
		"from nowhere":        func(e *troupev1.Envelope) { e.FromAddress = "" },
		"from a strange port": func(e *troupev1.Envelope) { e.FromAddress = "host:http" },
		"an unknown kind":     func(e *troupev1.Envelope) { e.Kind = 77 },
		"an unknown request":  func(e *troupev1.Envelope) { e.Kind, e.Correlation = 77, 1 },
		"a reply to nothing":  func(e *troupev1.Envelope) { e.Reply = true },
		"a copy":              func(e *troupev1.Envelope) { e.Sequence = 1 },
		"an endless error":    func(e *troupev1.Envelope) { e.Error = strings.Repeat("e", 5000) },
		"a large payload":     func(e *troupev1.Envelope) { e.Payload = make([]byte, MaxPayload+1) },
	}
	first := envelope()
	first.Sequence = 1
	send(first)
	b.note(t)
	for name, change := range wrong {
		before := b.Refused()
		e := envelope()
		change(e)
		send(e)
		eventually(t, name+" is counted", func() bool { return b.Refused() == before+1 })
	}
	late := envelope()
	late.Reply, late.Correlation = true, 12345
	send(late) // an answer that nobody waits for any more is no offence
	send(envelope())
	b.note(t)
	if b.Refused() != uint64(len(wrong)) || len(b.notes) != 0 {
		t.Errorf("%d refused, %d let in", b.Refused(), len(b.notes))
	}
	unharmed(t, b, a)
}

// TestWrongPeers: a node that connects to what is no node, or speaks nonsense, fails
// at once and can say why.
func TestWrongPeers(t *testing.T) {
	a := start(t, "a", nil)
	for name, serve := range map[string]func(net.Conn){
		"it closes":         func(c net.Conn) {},
		"it is a Redis":     func(c net.Conn) { _, _ = c.Write([]byte("-ERR unknown command\r\n")) },
		"it closes late":    func(c net.Conn) { _, _ = c.Read(make([]byte, 100)) },
		"it repeats what I": func(c net.Conn) { _, _ = io.CopyN(c, c, 100) },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serve(c)
				c.Close()
			}
		}()
		for range 3 {
			if _, err := a.Request(within(t), l.Addr().String(), kindEcho, nil); err == nil || err == context.DeadlineExceeded {
				t.Errorf("%s: %v", name, err)
			}
		}
		l.Close()
	}
}

// TestTooManyConnections: above the limit connections are closed, and there is room
// again when some end.
func TestTooManyConnections(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	a.echo(t, b.Addr())
	eventually(t, "the handshake is over", func() bool { return b.gate.open.Load() == 1 })
	b.gate.mu.Lock()
	b.gate.limit = 4
	b.gate.mu.Unlock()
	var open []net.Conn
	for range 6 {
		c, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	eventually(t, "three are refused", func() bool { return b.Refused() == 3 })
	a.echo(t, b.Addr())
	for _, c := range open {
		c.Close()
	}
	eventually(t, "there is room", func() bool {
		b.gate.mu.Lock()
		defer b.gate.mu.Unlock()
		return len(b.gate.shaking) == 0
	})
	start(t, "c", nil).echo(t, b.Addr())
}
