package peer

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/transport"
)

// certified returns what a node of an authority presents and demands.
func certified(t *testing.T, authority transport.Pair) *transport.TLS {
	t.Helper()
	pair, err := transport.MakeCertificate(authority, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var names []string
	for name, pem := range map[string][]byte{"cert": pair.Cert, "key": pair.Key, "ca": authority.Cert} {
		if err := os.WriteFile(filepath.Join(dir, name), pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"cert", "key", "ca"} {
		names = append(names, filepath.Join(dir, name))
	}
	c, err := transport.LoadTLS(names[0], names[1], names[2])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newAuthority(t *testing.T) transport.Pair {
	t.Helper()
	pair, err := transport.MakeAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// encrypted makes a node's streams those of an authority.
func encrypted(c *transport.TLS) func(*Options) {
	return func(o *Options) { o.Client, o.Server = c.ClientConfig, c.ServerConfig() }
}

func TestTLS(t *testing.T) {
	authority := newAuthority(t)
	eachDriver(t, func(t *testing.T, portable bool) {
		goroutines, files := runtime.NumGoroutine(), openFiles(t)
		t.Run("nodes", func(t *testing.T) {
			o := options{portable: portable, loops: 2, change: encrypted(certified(t, authority))}
			nodes, d := cluster(t, 3, o)
			large := strings.Repeat("x", 3<<20)
			for i, n := range nodes {
				to := directory.Number((i+1)%3 + 1)
				k := key(int(to)-1, 1)
				if o := n.do(to, "SET", k, large); o.content != "+OK" {
					t.Fatal(o)
				}
				if o := n.do(to, "GET", k); !strings.HasSuffix(o.content, large) {
					t.Fatalf("%d bytes come back", len(o.content))
				}
			}
			a := newAsking(t)
			for i := range uint64(1000) {
				nodes[0].forward(2, a, i, nodes[0].request(5, "INCR", key(1, 2)))
			}
			for i := range uint64(1000) {
				if o := a.next(); o.what != "replied" || o.ticket != i {
					t.Fatal(o)
				}
			}
			nodes[1].stop()
			await(t, "the end of the streams", func() bool { return !nodes[0].net.Reachable(2) })
			d = replace(t, nodes, d, 2, o)
			for _, n := range nodes {
				n.joined(d)
			}
			unaffected(t, nodes)
		})
		settled(t, goroutines, files)
	})
}

func TestTLSStrangers(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t)
	nodes, d := cluster(t, 2, options{change: encrypted(certified(t, authority))})
	n := nodes[0]
	other := certified(t, newAuthority(t))
	before := n.net.Refused()

	plain := dial(t, n)
	plain.send(greeting(n, d, 2, 1).append(nil))
	plain.closed()
	c := tls.Client(dial(t, n).Conn, &tls.Config{InsecureSkipVerify: true})
	if err := greet(c, greeting(n, d, 2, 1)); err == nil {
		t.Error("welcome without a certificate")
	}
	c = tls.Client(dial(t, n).Conn, other.ClientConfig("127.0.0.1"))
	if err := greet(c, greeting(n, d, 2, 1)); err == nil {
		t.Error("another authority's node is satisfied")
	}
	config := other.ClientConfig("127.0.0.1")
	config.InsecureSkipVerify = true
	c = tls.Client(dial(t, n).Conn, config)
	if err := greet(c, greeting(n, d, 2, 1)); err == nil {
		t.Error("welcome with another authority's certificate")
	}
	await(t, "four refusals", func() bool { return n.net.Refused() == before+4 })

	// With the certificate a hello is wanted all the same; who says nothing, before or
	// after the handshake, is not waited for.
	mine := certified(t, authority)
	h := greeting(n, d, 2, 1)
	h.clusterID = strings.Repeat("f", 40)
	c = tls.Client(dial(t, n).Conn, mine.ClientConfig("127.0.0.1"))
	n.net.refusals.last.Store(0) // so that this is logged, whenever the last was
	if err := greet(c, h); err == nil || !strings.Contains(err.Error(), "it belongs to the cluster") {
		t.Error("another cluster: ", err)
	}
	found := false
	for _, line := range n.log.all() {
		found = found || strings.Contains(line, "it belongs to") && strings.Contains(line, "127.0.0.1:")
	}
	if !found {
		t.Errorf("the log does not tell who it was: %q", n.log.all())
	}
	silent, shaken := dial(t, n), dial(t, n)
	c = tls.Client(shaken.Conn, mine.ClientConfig("127.0.0.1"))
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	silent.closed()
	(&raw{t, c}).closed()
	if took := time.Since(began); took < helloPatience/2 {
		t.Errorf("closed after %v", took)
	}
	unaffected(t, nodes)
}

// A node that cannot accept for a while is not deaf for ever.
func TestAcceptingGoesOn(t *testing.T) {
	authority := newAuthority(t)
	n := start(t, options{change: encrypted(certified(t, authority))})
	l := &failing{fails: 3, conns: make(chan net.Conn)}
	d := plan(2)
	n.net.ServeTLS(l)
	n.follow(d, 1)
	near, far := tcpPair(t)
	select {
	case l.conns <- near:
	case <-time.After(patience):
		t.Fatal("nobody accepts any more")
	}
	c := tls.Client(far, certified(t, authority).ClientConfig("127.0.0.1"))
	if err := greet(c, greeting(n, d, 2, 1)); err != nil {
		t.Error(err)
	}
}

// failing is a listener of a process that has no descriptors left, for a while.
type failing struct {
	fails int
	conns chan net.Conn
}

type outOfFiles struct{ error }

func (l *failing) Accept() (net.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, &net.OpError{Op: "accept", Err: outOfFiles{os.ErrInvalid}}
	}
	c, open := <-l.conns
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *failing) Close() error   { close(l.conns); return nil }
func (l *failing) Addr() net.Addr { return &net.TCPAddr{} }

// tcpPair returns the two ends of a connection.
func tcpPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}
