package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupedb/troupe/actors/system"
)

const (
	kindNote  Kind = 1
	kindEcho  Kind = 2
	kindHang  Kind = 3
	kindGuest      = 4 | Joining
)

var incarnations atomic.Uint64

// node is a Transport with handlers and what they have received.
type node struct {
	*Transport
	system *actor.ActorSystem
	notes  chan string
	from   chan From
	log    *logs
}

// logs keeps what is logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start starts a node on loopback; change may change its configuration.
func start(t testing.TB, name string, change func(*Config)) *node {
	t.Helper()
	n := &node{notes: make(chan string, 1<<17), from: make(chan From, 1<<17), log: &logs{}}
	logger := slog.New(slog.NewTextHandler(n.log, nil))
	incarnation := incarnations.Add(1)
	config := Config{
		Bind:      "127.0.0.1",
		ClusterID: func() string { return "one" },
		Self:      func() (string, uint64) { return name, incarnation },
		Epoch:     func() uint64 { return 7 },
		Logger:    logger,
	}
	if change != nil {
		change(&config)
	}
	n.system = system.New(logger)
	tr, err := Start(n.system, config)
	if err != nil {
		t.Fatal(err)
	}
	n.Transport = tr
	t.Cleanup(n.Stop)
	note := func(from From, payload []byte) {
		n.notes <- string(payload)
		n.from <- from
	}
	tr.Handle(kindNote, note)
	tr.Handle(kindGuest, note)
	tr.HandleRequest(kindEcho, func(_ context.Context, _ From, payload []byte) ([]byte, error) {
		if text, bad := strings.CutPrefix(string(payload), "error "); bad {
			return nil, errors.New(text)
		}
		return payload, nil
	})
	tr.HandleRequest(kindGuest, func(_ context.Context, _ From, payload []byte) ([]byte, error) { return payload, nil })
	tr.HandleRequest(kindHang, func(ctx context.Context, _ From, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	return n
}

// within is a context that no test that goes well waits for.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (n *node) note(t testing.TB) string {
	t.Helper()
	select {
	case s := <-n.notes:
		return s
	case <-time.After(20 * time.Second):
		t.Fatal("no message has come")
		return ""
	}
}

// echo asks until it is answered.
func (n *node) echo(t testing.TB, addr string) {
	t.Helper()
	var err error
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		var got []byte
		got, err = n.Request(ctx, addr, kindEcho, []byte("hello"))
		cancel()
		if err == nil {
			if string(got) != "hello" {
				t.Fatalf("the echo is %q", got)
			}
			return
		}
	}
	t.Fatalf("%s does not answer: %v", addr, err)
}

// eventually waits for what must become true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

func TestMessagesArriveInOrder(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	const count = 3000 // less than may be queued
	for i := range count {
		a.Send(b.Addr(), kindNote, binary.BigEndian.AppendUint32(nil, uint32(i)))
	}
	for i := range count {
		if got := binary.BigEndian.Uint32([]byte(b.note(t))); int(got) != i {
			t.Fatalf("message %d is %d", i, got)
		}
	}
	_, incarnation := a.config.Self()
	want := From{ID: "a", Incarnation: incarnation, Address: a.Addr(), ClusterID: "one", Epoch: 7}
	if from := <-b.from; from != want {
		t.Errorf("from %+v, want %+v", from, want)
	}
	if a.Dropped()+b.Dropped()+b.Refused() != 0 {
		t.Errorf("dropped %d and %d, refused %d", a.Dropped(), b.Dropped(), b.Refused())
	}
}

func TestToItself(t *testing.T) {
	a := start(t, "a", nil)
	a.Send(a.Addr(), kindNote, []byte("me"))
	if got := a.note(t); got != "me" {
		t.Error(got)
	}
	a.echo(t, a.Addr())
}

func TestRequests(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			want := fmt.Sprint("request ", i)
			got, err := a.Request(within(t), b.Addr(), kindEcho, []byte(want))
			if err != nil || string(got) != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
	wg.Wait()
	var remote *RemoteError
	if _, err := a.Request(within(t), b.Addr(), kindEcho, []byte("error of mine")); !errors.As(err, &remote) || remote.Text != "of mine" {
		t.Errorf("the handler's error arrives as %v", err)
	}
	if _, err := a.Request(within(t), b.Addr(), 99, nil); !errors.As(err, &remote) || b.Refused() != 1 {
		t.Errorf("an unknown kind: %v, refused %d", err, b.Refused())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Request(ctx, b.Addr(), kindHang, nil); !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &remote) {
		t.Errorf("past the deadline: %v", err)
	}
	if _, err := a.Request(within(t), b.Addr(), kindEcho, make([]byte, MaxPayload)); err != nil {
		t.Errorf("the largest payload: %v", err)
	}
	if _, err := a.Request(within(t), b.Addr(), kindEcho, make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a payload too large: %v", err)
	}
	for _, addr := range []string{"", "host", "host:", ":7", "host:0", "host:70000", strings.Repeat("h", 300) + ":1"} {
		if _, err := a.Request(within(t), addr, kindEcho, nil); err == nil {
			t.Errorf("%q is an address", addr)
		}
	}
	if a.calls.count() != 0 {
		t.Errorf("%d requests are still open", a.calls.count())
	}
}

func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

func TestTooManyRequests(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var busy, ended atomic.Int64
	var wg sync.WaitGroup
	for range MaxRunning + 10 {
		wg.Go(func() {
			defer ended.Add(1)
			var remote *RemoteError
			if _, err := a.Request(ctx, b.Addr(), kindHang, nil); errors.As(err, &remote) && remote.Text == ErrOverloaded.Error() {
				busy.Add(1)
			}
		})
	}
	eventually(t, "ten too many are refused", func() bool { return ended.Load() == 10 && busy.Load() == 10 })
	cancel()
	wg.Wait()
}

// TestHandlerPanics: a handler that panics costs its message, nothing else.
func TestHandlerPanics(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	b.Handle(50, func(From, []byte) { panic("of a message") })
	b.HandleRequest(50, func(context.Context, From, []byte) ([]byte, error) { panic("of a request") })
	a.Send(b.Addr(), 50, nil)
	var remote *RemoteError
	if _, err := a.Request(within(t), b.Addr(), 50, nil); !errors.As(err, &remote) {
		t.Errorf("%v", err)
	}
	a.echo(t, b.Addr())
	if b.Panics() != 2 || !strings.Contains(b.log.String(), "of a message") {
		t.Errorf("%d panics; %s", b.Panics(), b.log)
	}
}

// TestHandlersDoNotKeepUp: what waits for a handler that hangs is bounded.
func TestHandlersDoNotKeepUp(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	resume := make(chan struct{})
	b.Handle(51, func(From, []byte) { <-resume })
	eventually(t, "messages are dropped", func() bool {
		for range 1000 {
			a.Send(b.Addr(), 51, nil)
		}
		return b.Dropped() > 0
	})
	from := b.Dropped()
	b.Send(b.Addr(), 51, nil)
	if waiting := b.inbox.waiting.Load(); waiting > MaxInbox+maxBatch || b.Dropped() == from {
		t.Errorf("%d messages wait", waiting)
	}
	close(resume)
	b.Handle(51, func(From, []byte) {})
	a.echo(t, b.Addr())
}

// TestClosedPort: a request to a port where nobody listens fails at once. Proto.Actor
// itself hangs for ten seconds.
func TestClosedPort(t *testing.T) {
	a := start(t, "a", nil)
	port, err := freePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprint("127.0.0.1:", port)
	for range 5 {
		if _, err := a.Request(within(t), addr, kindEcho, nil); !errors.Is(err, ErrUnreachable) {
			t.Fatal(err)
		}
	}
	for range 100 {
		a.Send(addr, kindNote, nil)
	}
	eventually(t, "all messages are counted as dropped", func() bool { return a.Dropped() >= 100 })
}

// TestPeerComesBack kills a peer's port and starts another system there, again and
// again: it is reached each time.
func TestPeerComesBack(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	for range 4 {
		a.echo(t, b.Addr())
		b.echo(t, a.Addr())
		addr, port := b.Addr(), b.Port()
		b.Stop()
		if _, err := a.Request(within(t), addr, kindEcho, nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("while it is away: %v", err)
		}
		b = start(t, "b", func(c *Config) { c.Port = port })
		if b.Addr() != addr {
			t.Fatalf("%s, not %s", b.Addr(), addr)
		}
	}
	a.echo(t, b.Addr())
	if b.Refused()+a.Refused() != 0 {
		t.Errorf("refused: %d, %d; %s", a.Refused(), b.Refused(), a.log)
	}
}

func TestMarkDown(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	a.echo(t, b.Addr())
	pending := make(chan error, 1)
	go func() {
		_, err := a.Request(within(t), b.Addr(), kindHang, nil)
		pending <- err
	}()
	eventually(t, "the request is under way", func() bool { return a.calls.count() == 1 && len(b.slots) == 1 })
	a.MarkDown(b.Addr())
	if err := <-pending; !errors.Is(err, ErrDown) && !errors.Is(err, ErrUnreachable) {
		t.Errorf("the pending request: %v", err)
	}
	if _, err := a.Request(within(t), b.Addr(), kindEcho, nil); !errors.Is(err, ErrDown) {
		t.Errorf("a new request: %v", err)
	}
	before := a.Dropped()
	a.Send(b.Addr(), kindNote, nil)
	if a.Dropped() != before+1 {
		t.Error("a message to a peer that is down is not counted")
	}
	// Who is marked down is answered, else it could never become a member again.
	b.echo(t, a.Addr())
	a.MarkUp(b.Addr())
	a.echo(t, b.Addr())
	a.MarkDown(a.Addr()) // nobody is down to itself
	a.echo(t, a.Addr())
	a.MarkDown("nonsense")
	a.MarkUp("nonsense")
}

// proxy is a name of its own for a node's port, through which bytes are recorded
// and can be held up.
type proxy struct {
	net.Listener
	hold   atomic.Bool
	mu     sync.Mutex
	said   [][]byte // by who connected, a connection each
	opened []net.Conn
}

func newProxy(t testing.TB, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	t.Cleanup(p.close)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.opened = append(p.opened, in, out)
			p.said = append(p.said, nil)
			i := len(p.said) - 1
			p.mu.Unlock()
			go p.copy(out, in, func(b []byte) { p.said[i] = append(p.said[i], b...) })
			go p.copy(in, out, func([]byte) {})
		}
	}()
	return p
}

func (p *proxy) copy(to io.WriteCloser, from io.ReadCloser, keep func([]byte)) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		for p.hold.Load() {
			time.Sleep(time.Millisecond)
		}
		n, err := from.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		keep(b[:n])
		p.mu.Unlock()
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) close() {
	p.hold.Store(false)
	p.Close()
	p.cut()
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.opened {
		c.Close()
	}
	p.opened = nil
}

// TestPeerDoesNotRead: what waits for a peer is bounded, Send does not block, and
// once the peer reads again it is served.
func TestPeerDoesNotRead(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	p := newProxy(t, b.Addr())
	addr := p.Addr().String()
	a.echo(t, addr) // under another name than its own
	p.hold.Store(true)
	payload := bytes.Repeat([]byte("x"), 64<<10)
	const sent = 600
	for range sent { // 38 MB, more than all buffers hold
		a.Send(addr, kindNote, payload)
	}
	if a.Dropped() == 0 {
		t.Error("nothing is dropped")
	}
	to, _ := a.peer(addr)
	to.mu.Lock()
	queued, size := to.queued, to.queuedBytes
	to.mu.Unlock()
	if queued == 0 || queued > MaxQueued || size > MaxQueuedBytes {
		t.Errorf("%d messages of %d bytes wait", queued, size)
	}
	p.hold.Store(false)
	for range sent - int(a.Dropped()) {
		b.note(t)
	}
	a.echo(t, addr)
	eventually(t, "nothing waits", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.queued == 0 && to.queuedBytes == 0
	})
	// Marked down while it does not read, its connection ends, and is made anew.
	p.hold.Store(true)
	for range sent {
		a.Send(addr, kindNote, payload)
	}
	a.MarkDown(addr)
	eventually(t, "nothing waits for who is down", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.queued == 0 && to.stream == nil
	})
	p.hold.Store(false)
	a.MarkUp(addr)
	a.echo(t, addr)
}

// TestLinkIsCut cuts connections while requests are made: each ends, and soon they
// succeed again.
func TestLinkIsCut(t *testing.T) {
	a, b := start(t, "a", nil), start(t, "b", nil)
	p := newProxy(t, b.Addr())
	for range 20 {
		a.echo(t, p.Addr().String())
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _, _ = a.Request(within(t), p.Addr().String(), kindEcho, []byte("x")) })
		}
		p.cut()
		wg.Wait()
	}
	a.echo(t, p.Addr().String())
	if b.Refused() != 0 {
		t.Errorf("%d refused: %s", b.Refused(), b.log)
	}
}

func TestClusters(t *testing.T) {
	a := start(t, "a", nil)
	other := start(t, "o", func(c *Config) { c.ClusterID = func() string { return "two" } })
	guest := start(t, "g", func(c *Config) { c.ClusterID = func() string { return "" } })

	var remote *RemoteError
	if _, err := other.Request(within(t), a.Addr(), kindGuest, nil); !errors.As(err, &remote) || !strings.Contains(err.Error(), "cluster one") {
		t.Errorf("a foreigner's request: %v", err)
	}
	if _, err := guest.Request(within(t), a.Addr(), kindEcho, nil); !errors.As(err, &remote) {
		t.Errorf("a guest's request of a kind for members: %v", err)
	}
	other.Send(a.Addr(), kindNote, []byte("foreign"))
	eventually(t, "three refusals", func() bool { return a.Refused() == 3 })
	if got, err := guest.Request(within(t), a.Addr(), kindGuest, []byte("let me in")); err != nil || string(got) != "let me in" {
		t.Errorf("a guest's request: %q, %v", got, err)
	}
	guest.Send(a.Addr(), kindGuest, []byte("a guest's"))
	if got := a.note(t); got != "a guest's" {
		t.Errorf("%q arrived", got)
	}
	a.echo(t, guest.Addr()) // who is in no cluster yet listens to all
	if !strings.Contains(a.log.String(), "another cluster") {
		t.Errorf("it is not logged: %s", a.log)
	}
}

func TestStartRefuses(t *testing.T) {
	a := start(t, "a", nil)
	for name, change := range map[string]func(*Config){
		"a port in use":         func(c *Config) { c.Port = a.Port() },
		"no address":            func(c *Config) { c.Bind = "" },
		"an address of nobody":  func(c *Config) { c.Bind = "0.0.0.0" },
		"an address of no node": func(c *Config) { c.Bind = "192.0.2.1" },
		"no identity":           func(c *Config) { c.Self = func() (string, uint64) { return "", 1 } },
	} {
		config := a.config
		config.Port = 0
		change(&config)
		if tr, err := Start(system.New(config.Logger), config); err == nil {
			tr.Stop()
			t.Errorf("%s: it starts", name)
		}
	}
	// Another process may have been quicker to take a port that was free just now: the
	// same system then starts on the next.
	taken := a.config
	taken.Port = a.Port()
	sys := system.New(taken.Logger)
	if _, err := Start(sys, taken); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port in use: %v", err)
	}
	taken.Port, taken.Self = 0, func() (string, uint64) { return "c", 99 }
	c, err := Start(sys, taken)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	c.HandleRequest(kindEcho, func(_ context.Context, _ From, b []byte) ([]byte, error) { return b, nil })
	a.echo(t, c.Addr())
	b := start(t, "b", func(c *Config) { c.Bind, c.Advertise = "", "localhost" })
	if b.Addr() != fmt.Sprint("localhost:", b.Port()) {
		t.Error(b.Addr())
	}
	a.echo(t, b.Addr())
	a.echo(t, fmt.Sprint("127.0.0.1:", b.Port()))
}

// TestStopLeavesNothing: no goroutine survives Stop, whatever was under way.
func TestStopLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		a, b := start(t, "a", nil), start(t, "b", nil)
		silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		shaking, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer shaking.Close()
		a.echo(t, b.Addr())
		b.echo(t, a.Addr())
		a.Send("127.0.0.1:1", kindNote, nil)
		a.Send(silent.Addr().String(), kindNote, nil)
		pending := make(chan error, 1)
		go func() {
			_, err := a.Request(context.Background(), b.Addr(), kindHang, nil)
			pending <- err
		}()
		eventually(t, "the request is under way", func() bool { return len(b.slots) == 1 })
		a.Stop()
		if err := <-pending; !errors.Is(err, ErrStopped) {
			t.Errorf("the pending request: %v", err)
		}
		if _, err := a.Request(within(t), b.Addr(), kindEcho, nil); !errors.Is(err, ErrStopped) {
			t.Errorf("a request after Stop: %v", err)
		}
		a.Send(b.Addr(), kindNote, nil)
		b.Stop()
		b.Stop()
		a.system.Shutdown()
		b.system.Shutdown()
	}()
	stacks := make([]byte, 1<<20)
	for until := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	one, two := start(b, "a", nil), start(b, "b", nil)
	one.echo(b, two.Addr())
	payload := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := one.Request(context.Background(), two.Addr(), kindEcho, payload); err != nil {
			b.Fatal(err)
		}
	}
}
