package pubsub_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/gateway"
)

// patience is how long a test waits for what must happen at last.
const patience = 20 * time.Second

// node starts a node with two loops, or the portable driver.
func node(t *testing.T, portable bool) *gateway.Gateway {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.Port, cfg.PortGiven, cfg.Loops, cfg.Portable, cfg.Shards = 0, true, 2, portable, 4
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	g, err := gateway.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// each runs a test with both drivers.
func each(t *testing.T, f func(t *testing.T, g *gateway.Gateway)) {
	for name, portable := range map[string]bool{"loops": false, "portable": true} {
		t.Run(name, func(t *testing.T) {
			g := node(t, portable)
			t.Cleanup(g.Stop)
			f(t, g)
		})
	}
}

// raw is a client that sees every byte.
type raw struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func dial(t *testing.T, g *gateway.Gateway) *raw {
	t.Helper()
	c, err := net.Dial("tcp", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &raw{c, t, bufio.NewReader(c)}
}

// resp3 makes a client speak RESP3.
func (c *raw) resp3() *raw {
	c.t.Helper()
	c.send("HELLO 3")
	c.one()
	return c
}

func (c *raw) send(lines ...string) {
	c.t.Helper()
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// one reads a reply and returns it with its elements on one line.
func (c *raw) one() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$':
		if n < 0 {
			return "nil"
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.in, b); err != nil {
			c.t.Fatal(err)
		}
		return string(b[:n])
	case '*', '>', '~', '%':
		if line[0] == '%' {
			n *= 2
		}
		words := []string{line}
		for range n {
			words = append(words, c.one())
		}
		return strings.Join(words, " ")
	}
	return line
}

func (c *raw) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.one(); got != w {
			c.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

// do sends a command and expects its reply.
func (c *raw) do(command, want string) {
	c.t.Helper()
	c.send(command)
	c.expect(want)
}

func TestOneReplyForEachName(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		c := dial(t, g)
		c.send("SUBSCRIBE a b a", "PSUBSCRIBE a* b*", "SSUBSCRIBE s", "UNSUBSCRIBE b x", "UNSUBSCRIBE", "UNSUBSCRIBE",
			"PUNSUBSCRIBE", "SUNSUBSCRIBE", "PING")
		c.expect("*3 subscribe a :1", "*3 subscribe b :2", "*3 subscribe a :2",
			"*3 psubscribe a* :3", "*3 psubscribe b* :4", "*3 ssubscribe s :1",
			"*3 unsubscribe b :3", "*3 unsubscribe x :3", "*3 unsubscribe a :2", "*3 unsubscribe nil :2",
			"*3 punsubscribe a* :1", "*3 punsubscribe b* :0", "*3 sunsubscribe s :0", "+PONG")
	})
}

func TestMessages(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		two, three, p := dial(t, g), dial(t, g).resp3(), dial(t, g)
		two.do("SUBSCRIBE ch", "*3 subscribe ch :1")
		three.do("SUBSCRIBE ch", ">3 subscribe ch :1")
		three.do("PSUBSCRIBE c?", ">3 psubscribe c? :2")
		three.do("PSUBSCRIBE *", ">3 psubscribe * :3")
		three.do("SSUBSCRIBE ch", ">3 ssubscribe ch :1")
		p.do("PUBLISH ch hi", ":4")
		two.expect("*3 message ch hi")
		three.expect(">3 message ch hi", ">4 pmessage c? ch hi", ">4 pmessage * ch hi")
		p.do("SPUBLISH ch hi", ":1")
		three.expect(">3 smessage ch hi")
		p.do("PUBLISH none hi", ":1")
		three.expect(">4 pmessage * none hi")
		p.do("PUBSUB NUMSUB ch none", "*4 ch :2 none :0")
		p.do("PUBSUB NUMPAT", ":2")
		p.do("PUBSUB SHARDNUMSUB ch", "*2 ch :1")
	})
}

// A client gets its own message before the answer, and after those published
// before it.
func TestOwnMessageComesBeforeTheReply(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		c, p := dial(t, g).resp3(), dial(t, g)
		c.do("SUBSCRIBE ch", ">3 subscribe ch :1")
		for i := range 50 {
			p.do(fmt.Sprintf("PUBLISH ch other%d", i), ":1")
			c.send("PUBLISH ch own")
			c.expect(fmt.Sprintf(">3 message ch other%d", i), ">3 message ch own", ":1")
		}
	})
}

func TestMessageComesBeforeTheEndOfItsSubscription(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		c, p := dial(t, g), dial(t, g)
		for _, end := range []struct{ command, reply string }{
			{"UNSUBSCRIBE ch", "*3 unsubscribe ch :0"}, {"UNSUBSCRIBE", "*3 unsubscribe ch :0"}, {"RESET", "+RESET"},
		} {
			for range 30 {
				c.do("SUBSCRIBE ch", "*3 subscribe ch :1")
				p.do("PUBLISH ch x", ":1")
				c.send(end.command)
				c.expect("*3 message ch x", end.reply)
				p.do("PUBLISH ch x", ":0")
			}
		}
	})
}

func TestMessagesComeWithoutReplies(t *testing.T) {
	g := node(t, false)
	defer g.Stop()
	c, p := dial(t, g).resp3(), dial(t, g)
	c.send("CLIENT REPLY OFF", "SUBSCRIBE ch", "PUBLISH ch own", "GET k")
	c.expect(">3 subscribe ch :1", ">3 message ch own")
	p.do("PUBLISH ch other", ":1")
	c.expect(">3 message ch other")
}

func TestPublishInTransactionsAndScripts(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		c, p := dial(t, g), dial(t, g)
		c.do("SUBSCRIBE ch", "*3 subscribe ch :1")
		p.send("MULTI", "PUBLISH ch one", "SET k v", "PUBLISH ch two", "EXEC")
		p.expect("+OK", "+QUEUED", "+QUEUED", "+QUEUED", "*3 :1 +OK :1")
		c.expect("*3 message ch one", "*3 message ch two")
		p.send("MULTI", "PUBLISH ch never", "DISCARD", "PUBLISH ch after")
		p.expect("+OK", "+QUEUED", "+OK", ":1")
		c.expect("*3 message ch after")
		own := dial(t, g).resp3()
		own.send("SUBSCRIBE ch", "MULTI", "PUBLISH ch in", "EXEC", "PING")
		own.expect(">3 subscribe ch :1", "+OK", "+QUEUED", "*1 :2")
		got := own.one() + " " + own.one()
		if got != ">3 message ch in +PONG" && got != "+PONG >3 message ch in" {
			t.Errorf("got %q", got)
		}
	})
}

// Each listener gets all messages of each publisher, in their order.
func TestOrderOfEachPublisher(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		const publishers, messages, listeners = 6, 400, 6
		var all sync.WaitGroup
		for i := range listeners {
			client := redis.NewClient(&redis.Options{Addr: g.Addr().String(), Protocol: 2 + i%2})
			t.Cleanup(func() { client.Close() })
			sub := client.Subscribe(t.Context(), "ch")
			if i%3 == 0 {
				sub = client.PSubscribe(t.Context(), "c*")
			}
			if _, err := sub.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
			all.Go(func() { inOrder(t, sub, publishers, messages) })
		}
		for p := range publishers {
			all.Go(func() { publishAll(t, g, p, messages) })
		}
		all.Wait()
	})
}

func inOrder(t *testing.T, sub *redis.PubSub, publishers, messages int) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	next := make([]int, publishers)
	for range publishers * messages {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		var p, n int
		fmt.Sscanf(m.Payload, "%d:%d", &p, &n)
		if n != next[p] {
			t.Errorf("publisher %d: got message %d, want %d", p, n, next[p])
			return
		}
		next[p]++
	}
}

// publishAll publishes in bursts.
func publishAll(t *testing.T, g *gateway.Gateway, p, messages int) {
	client := redis.NewClient(&redis.Options{Addr: g.Addr().String()})
	defer client.Close()
	for n := 0; n < messages; {
		pipe := client.Pipeline()
		for range 16 {
			if n < messages {
				pipe.Publish(t.Context(), "ch", fmt.Sprintf("%d:%d", p, n))
				n++
			}
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Error(err)
			return
		}
	}
}

// A listener that does not read is disconnected; the publisher and the others
// do not notice.
func TestSlowListenerIsCutOff(t *testing.T) {
	for name, limit := range map[string]string{"hard": "2mb 0 0", "soft": "0 1mb 0"} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, g *gateway.Gateway) {
				slow, p := dial(t, g), dial(t, g)
				p.send("*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$26\r\nclient-output-buffer-limit\r\n" +
					fmt.Sprintf("$%d\r\npubsub %s", len("pubsub "+limit), limit))
				p.expect("+OK")
				slow.do("SUBSCRIBE ch", "*3 subscribe ch :1")
				good := dial(t, g)
				good.do("SUBSCRIBE ch", "*3 subscribe ch :1")
				message := strings.Repeat("x", 60000)
				sent := 0
				for end := time.Now().Add(patience / 2); g.Server.Stats.OutputDisconnects.Load() == 0; sent++ {
					if time.Now().After(end) {
						t.Fatalf("was not cut off by %d messages", sent)
					}
					p.send("PUBLISH ch " + message)
					p.one()
					good.expect("*3 message ch " + message)
				}
				if n := g.Server.Stats.OutputDisconnects.Load(); n != 1 {
					t.Errorf("%d were cut off", n)
				}
				if got, _ := io.Copy(io.Discard, slow.in); got > int64(sent+1)*int64(len(message)+100) {
					t.Errorf("the slow listener got %d bytes", got)
				}
				for range 1000 {
					p.send("PUBLISH ch x")
					if p.one() == ":1" {
						return
					}
				}
				t.Error("the slow listener is still there")
			})
		})
	}
}

func TestKeyspaceEvents(t *testing.T) {
	each(t, func(t *testing.T, g *gateway.Gateway) {
		c, p := dial(t, g), dial(t, g)
		p.do("SET k before", "+OK")
		c.do("PSUBSCRIBE __key*", "*3 psubscribe __key* :1")
		c.do("SUBSCRIBE ch", "*3 subscribe ch :2")
		p.do("SET k silent", "+OK")
		p.do("CONFIG SET notify-keyspace-events KEA", "+OK")
		for range 20 {
			p.send("SELECT 3", "SET k v", "PUBLISH ch next", "SELECT 0", "DEL k", "MSET a 1 b 2")
			p.expect("+OK", "+OK", ":1", "+OK")
			p.one()
			p.expect("+OK")
			c.expect("*4 pmessage __key* __keyspace@3__:k set", "*4 pmessage __key* __keyevent@3__:set k",
				"*3 message ch next")
			if line := c.one(); line == "*4 pmessage __key* __keyspace@0__:k del" { // the first round: k was there
				c.expect("*4 pmessage __key* __keyevent@0__:del k", "*4 pmessage __key* __keyspace@0__:a set")
			} else if line != "*4 pmessage __key* __keyspace@0__:a set" {
				t.Fatalf("got %q", line)
			}
			c.expect("*4 pmessage __key* __keyevent@0__:set a",
				"*4 pmessage __key* __keyspace@0__:b set", "*4 pmessage __key* __keyevent@0__:set b")
		}
		p.do("CONFIG SET notify-keyspace-events Ex", "+OK")
		p.send("SET k v PX 1")
		p.expect("+OK")
		c.expect("*4 pmessage __key* __keyevent@0__:expired k")
	})
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, portable := range []bool{false, true} {
		g := node(t, portable)
		var clients []*raw
		for i := range 20 {
			c := dial(t, g)
			c.do("SUBSCRIBE ch", "*3 subscribe ch :1")
			c.do(fmt.Sprintf("PSUBSCRIBE p%d*", i), fmt.Sprintf("*3 psubscribe p%d* :2", i))
			clients = append(clients, c)
		}
		p := dial(t, g)
		p.do("PUBLISH ch x", ":20")
		for _, c := range clients {
			c.Close()
		}
		for end := time.Now().Add(patience); ; {
			channels, patterns, shards := g.Server.Hub.Counts()
			if channels+patterns+shards == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatal("subscriptions outlive their clients")
			}
		}
		p.do("PUBLISH ch x", ":0")
		p.Close()
		g.Stop()
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
