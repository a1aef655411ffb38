package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/pubsub"
)

// choirPatience is how long a test waits for what must happen at last.
const choirPatience = 20 * time.Second

// choir is a cluster in this process, whose directory a test changes.
type choir struct {
	t       testing.TB
	nodes   []*gateway.Gateway
	clients []*redis.Client
	dir     directory.Directory
	members []directory.Member // also those that have not joined yet
	loops   int
	refused [3]uint64 // streams, before their nodes were known
}

// newChoir starts n nodes of which the first members are in the cluster.
func newChoir(t testing.TB, n, members int, portable bool) *choir {
	t.Helper()
	const shards = 8
	loops := 2
	if portable {
		loops = 1 // of the streams
	}
	c := &choir{t: t, loops: loops, dir: directory.Directory{
		Slots: directory.Even(shards), Epoch: 2, ClusterID: strings.Repeat("01", 20), Cluster: "choir",
		Places: make([]directory.Place, shards),
	}}
	for i := range c.dir.Places {
		c.dir.Places[i] = directory.Place{Owner: directory.Number(i%members + 1), Epoch: 1}
	}
	for i := range n {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		cfg := gateway.DefaultConfig()
		cfg.Port, cfg.Shards, cfg.Loops, cfg.Streams, cfg.Portable = 0, shards, c.loops, l, portable
		cfg.Logger = slog.New(slog.DiscardHandler)
		g, err := gateway.Start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.Stop)
		c.nodes = append(c.nodes, g)
		client := redis.NewClient(&redis.Options{Addr: g.Addr().String(), MaxRetries: -1, Protocol: 2 + i%2})
		t.Cleanup(func() { client.Close() })
		c.clients = append(c.clients, client)
		c.members = append(c.members, directory.Member{
			Number: directory.Number(i + 1), ID: fmt.Sprintf("%040d", i+1), Name: fmt.Sprint("node", i+1), Host: "127.0.0.1",
			ClientPort: g.Addr().Port, StreamPort: l.Addr().(*net.TCPAddr).Port, Incarnation: uint64(i + 1),
		})
	}
	c.follow(func(d *directory.Directory) { d.Members = c.members[:members] })
	c.joined(members)
	t.Cleanup(func() {
		for i, g := range c.nodes {
			if n := g.Server.Stats.Recovered.Load(); n > 0 {
				t.Errorf("node %d has survived %d panics", i+1, n)
			}
			if n := g.Server.Streams.Refused() - c.refused[i]; n > 0 {
				t.Errorf("node %d has refused %d frames or streams", i+1, n)
			}
		}
	})
	return c
}

// follow changes the directory of all nodes.
func (c *choir) follow(change func(d *directory.Directory)) {
	c.dir.Epoch++
	c.dir.Members = slices.Clone(c.dir.Members)
	change(&c.dir)
	for i := range c.dir.Members {
		c.followAt(i)
	}
}

func (c *choir) followAt(node int) {
	mine := c.dir
	mine.Self = directory.Number(node + 1)
	c.nodes[node].Follow(&mine)
}

// joined waits until the first nodes have all streams to each other.
func (c *choir) joined(members int) {
	c.t.Helper()
	for i, g := range c.nodes[:members] {
		loops := c.loops
		c.until(fmt.Sprintf("streams of node %d", i+1), func() bool {
			up := 0
			for _, l := range g.Server.Streams.Links() {
				if l.Up {
					up++
				}
			}
			return up >= (members-1)*loops
		})
		c.refused[i] = g.Server.Streams.Refused()
	}
}

func (c *choir) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(choirPatience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (c *choir) hub(node int) *pubsub.Hub { return c.nodes[node].Server.Hub.(*pubsub.Hub) }

// settled waits until no node sends another one more than it has to.
func (c *choir) settled() {
	c.t.Helper()
	for i, from := range c.clients {
		c.until("lists of interests", func() bool {
			before, _ := c.hub(i).Exchanged()
			if err := from.Publish(c.t.Context(), "nobody listens", "").Err(); err != nil {
				c.t.Fatal(err)
			}
			after, _ := c.hub(i).Exchanged()
			return after == before
		})
	}
}

// wire is a client that sees every reply.
type wire struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (c *choir) dial(node int) *wire {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.nodes[node].Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * choirPatience))
	return &wire{conn, c.t, bufio.NewReader(conn)}
}

func (w *wire) send(lines ...string) {
	w.t.Helper()
	if _, err := io.WriteString(w, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		w.t.Fatal(err)
	}
}

// one reads a reply and returns it with its elements on one line.
func (w *wire) one() string {
	w.t.Helper()
	line, err := w.in.ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '$':
		b := make([]byte, n+2)
		if n < 0 {
			return "nil"
		}
		if _, err := io.ReadFull(w.in, b); err != nil {
			w.t.Fatal(err)
		}
		return string(b[:n])
	case '*', '>':
		words := make([]string, n)
		for i := range words {
			words[i] = w.one()
		}
		return strings.Join(words, " ")
	}
	return line
}

func (w *wire) do(command string, want ...string) {
	w.t.Helper()
	w.send(command)
	w.expect(want...)
}

func (w *wire) expect(want ...string) {
	w.t.Helper()
	for _, s := range want {
		if got := w.one(); got != s {
			w.t.Fatalf("got %q, want %q", got, s)
		}
	}
}

func eachDriver(t *testing.T, f func(t *testing.T, portable bool)) {
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable=%v", portable), func(t *testing.T) { f(t, portable) })
	}
}

func TestPublishToListenersAnywhere(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		c := newChoir(t, 3, 3, portable)
		subs, pubs := make([]*wire, 3), make([]*wire, 3)
		for i := range 3 {
			subs[i], pubs[i] = c.dial(i), c.dial(i)
			subs[i].do("SUBSCRIBE news", "subscribe news :1")
			subs[i].do(fmt.Sprintf("PSUBSCRIBE n%d* ne*", i), fmt.Sprintf("psubscribe n%d* :2", i), "psubscribe ne* :3")
			subs[i].do("SSUBSCRIBE news", "ssubscribe news :1")
		}
		for i := range 3 {
			pubs[i].do("PUBLISH news hi", ":6")
			for _, s := range subs {
				s.expect("message news hi", "pmessage ne* news hi")
			}
			pubs[i].do("SPUBLISH news part", ":3")
			for _, s := range subs {
				s.expect("smessage news part")
			}
			for to := range 3 {
				pubs[i].do(fmt.Sprintf("PUBLISH n%dx own", to), ":1")
				subs[to].expect(fmt.Sprintf("pmessage n%d* n%dx own", to, to))
			}
			pubs[i].do("PUBLISH other x", ":0")
			pubs[i].do("PUBSUB NUMSUB news other", "news :3 other :0")
			pubs[i].do("PUBSUB SHARDNUMSUB news", "news :3")
			pubs[i].do("PUBSUB NUMPAT", ":4")
			pubs[i].do("PUBSUB CHANNELS", "news")
			pubs[i].do("PUBSUB SHARDCHANNELS n*", "news")
			pubs[i].do("PUBSUB SHARDCHANNELS x*", "")
		}
		// The end of a subscription is known everywhere, too, once it is confirmed.
		subs[1].do("UNSUBSCRIBE", "unsubscribe news :2")
		pubs[0].do("PUBLISH news hi", ":5")
		subs[1].expect("pmessage ne* news hi")
		subs[1].send("PUNSUBSCRIBE", "SUNSUBSCRIBE news")
		subs[1].expect("punsubscribe n1* :1", "punsubscribe ne* :0", "sunsubscribe news :0")
		pubs[2].do("PUBLISH news hi", ":4")
		pubs[2].do("SPUBLISH news hi", ":2")
		pubs[2].do("PUBSUB NUMPAT", ":3")
		pubs[2].do("PUBLISH n1x own", ":0")
		subs[0].Close()
		subs[2].Close()
		for _, p := range pubs {
			c.until("the end of closed clients' subscriptions", func() bool {
				p.send("PUBLISH news x", "PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS", "PUBSUB NUMPAT")
				return p.one()+p.one()+p.one()+p.one() == ":0:0"
			})
		}
	})
}

// A message goes once to each node that has listeners to it, and nowhere else.
func TestMessagesGoOnlyWhereSomebodyListens(t *testing.T) {
	c := newChoir(t, 3, 3, false)
	c.settled()
	var was [3]uint64
	moved := func(want ...uint64) {
		t.Helper()
		for i := range 3 {
			c.until(fmt.Sprintf("%d messages at node %d", want[i], i+1), func() bool {
				_, taken := c.hub(i).Exchanged()
				return taken-was[i] >= want[i]
			})
			_, taken := c.hub(i).Exchanged()
			if taken-was[i] != want[i] {
				t.Fatalf("node %d was sent %d messages, not %d", i+1, taken-was[i], want[i])
			}
			was[i] = taken
		}
	}
	moved(0, 0, 0)
	p := c.dial(0)
	for range 10 {
		p.do("PUBLISH ch x", ":0")
	}
	moved(0, 0, 0)
	a, b := c.dial(1), c.dial(1)
	a.do("SUBSCRIBE ch", "subscribe ch :1")
	b.do("SUBSCRIBE ch", "subscribe ch :1")
	b.do("PSUBSCRIBE c*", "psubscribe c* :2")
	for range 10 {
		p.do("PUBLISH ch x", ":3")
		p.do("PUBLISH d x", ":0")
		p.do("SPUBLISH ch x", ":0")
	}
	moved(0, 10, 0)
	third := c.dial(2)
	third.do("PSUBSCRIBE c?", "psubscribe c? :1")
	p.do("PUBLISH ch x", ":4")
	p.do("PUBLISH chx x", ":1")
	moved(0, 2, 1)
	b.Close()
	a.do("PING", "message ch x") // the first of its messages
	c.until("fewer listeners", func() bool { p.send("PUBLISH chx x"); return p.one() == ":0" })
	_, was[1] = c.hub(1).Exchanged()
	p.do("PUBLISH chx x", ":0")
	p.do("PUBLISH ch x", ":2")
	moved(0, 1, 1)
}

func TestOrderOfEachPublisherAcrossNodes(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		const publishers, messages = 6, 600
		c := newChoir(t, 3, 3, portable)
		ctx, cancel := context.WithTimeout(t.Context(), choirPatience)
		defer cancel()
		var all sync.WaitGroup
		for i := range 6 {
			var sub *redis.PubSub
			switch client := c.clients[i%3]; i / 3 {
			case 0:
				sub = client.Subscribe(ctx, "ch")
			default:
				sub = client.PSubscribe(ctx, "c*")
			}
			t.Cleanup(func() { sub.Close() })
			if _, err := sub.Receive(ctx); err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				var next [publishers]int
				for range publishers * messages {
					m, err := sub.ReceiveMessage(ctx)
					if err != nil {
						t.Errorf("listener %d, after %v: %v", i, next, err)
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
			})
		}
		for p := range publishers {
			all.Go(func() { choirPublish(ctx, t, c.nodes[p%3], p, messages) })
		}
		all.Wait()
	})
}

// choirPublish publishes in bursts; some of them are transactions.
func choirPublish(ctx context.Context, t *testing.T, g *gateway.Gateway, p, messages int) {
	client := redis.NewClient(&redis.Options{Addr: g.Addr().String(), MaxRetries: -1})
	defer client.Close()
	conn := client.Conn()
	defer conn.Close()
	for n := 0; n < messages; {
		pipe := conn.Pipeline()
		if n%3 == 1 {
			pipe = conn.TxPipeline()
			pipe.Incr(ctx, "{a}count") // some of them are on another node
			pipe.Incr(ctx, "{b}count")
		}
		for range min(17, messages-n) {
			pipe.Publish(ctx, "ch", fmt.Sprintf("%d:%d", p, n))
			n++
		}
		replies, err := pipe.Exec(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		if got := replies[len(replies)-1].(*redis.IntCmd).Val(); got != 6 {
			t.Errorf("published to %d listeners, not 6", got)
		}
	}
}

// Whatever is published after a subscription was confirmed comes, wherever it is
// published; and what is published before does not come before the confirmation.
func TestConfirmedSubscriptionMissesNothing(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		c := newChoir(t, 3, 3, portable)
		stop := make(chan struct{})
		var all, others sync.WaitGroup
		others.Go(func() { // others come and go, so that lists are always under way
			busy := c.dial(1)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				busy.send(fmt.Sprintf("SUBSCRIBE busy%d", i), "UNSUBSCRIBE")
				busy.one()
				busy.one()
			}
		})
		for at := range 3 {
			all.Go(func() {
				sub, pubs := c.dial(at), []*wire{c.dial(0), c.dial(1), c.dial(2)}
				for i := range 120 {
					name := fmt.Sprintf("ch%d:%d", at, i%40)
					kind := [...]string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}[i%3]
					publish, message := "PUBLISH", [...]string{"message", "pmessage " + name, "smessage"}[i%3]
					if kind == "SSUBSCRIBE" {
						publish = "SPUBLISH"
					}
					pubs[i%2].send(publish + " " + name + " early")
					sub.do(kind+" "+name, fmt.Sprintf("%s %s :1", strings.ToLower(kind), name))
					early := pubs[i%2].one()
					for _, p := range pubs {
						p.do(publish+" "+name+" late", ":1")
					}
					want := map[string]int{fmt.Sprintf("%s %s late", message, name): len(pubs)}
					if early == ":1" { // of another publisher, so it may come later
						want[fmt.Sprintf("%s %s early", message, name)]++
					}
					for len(want) > 0 {
						got := sub.one()
						if want[got] == 0 {
							t.Errorf("got %q, want %v", got, want)
							return
						}
						if want[got]--; want[got] == 0 {
							delete(want, got)
						}
					}
					end := strings.Replace(kind, "SUB", "UNSUB", 1)
					sub.do(end, fmt.Sprintf("%s %s :0", strings.ToLower(end), name))
					pubs[(i+1)%3].do(publish+" "+name+" gone", ":0")
				}
			})
		}
		all.Wait()
		close(stop)
		others.Wait()
	})
}

func TestKeyspaceEventsOfAllShards(t *testing.T) {
	c := newChoir(t, 3, 3, false)
	ctx := t.Context()
	for _, client := range c.clients {
		if err := client.ConfigSet(ctx, "notify-keyspace-events", "KEA").Err(); err != nil {
			t.Fatal(err)
		}
	}
	subs := []*wire{c.dial(0), c.dial(1), c.dial(2)}
	for _, s := range subs {
		s.do("PSUBSCRIBE __keyevent*:set", "psubscribe __keyevent*:set :1")
		s.do("SUBSCRIBE __keyspace@0__:k7", "subscribe __keyspace@0__:k7 :2")
	}
	const keys = 60
	for i := range keys {
		if err := c.clients[i%3].Set(ctx, fmt.Sprint("k", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for at, s := range subs {
		seen, own := map[string]int{}, 0
		for range keys + 1 {
			switch m := strings.Fields(s.one()); {
			case m[0] == "message" && m[2] == "set":
				own++
			case m[0] == "pmessage":
				seen[m[3]]++
			}
		}
		if len(seen) != keys || own != 1 {
			t.Errorf("node %d: events of %d keys, %d of k7 itself", at+1, len(seen), own)
		}
	}
	// The events of one shard are in order.
	for i := range 30 {
		if err := c.clients[1].Set(ctx, "k7", i, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := c.clients[2].Append(ctx, "k7", "x").Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range subs {
		for range 30 {
			s.expect("message __keyspace@0__:k7 set", "pmessage __keyevent*:set __keyevent@0__:set k7", "message __keyspace@0__:k7 append")
		}
	}
}

func TestPublishInTransactionsAndScriptsAcrossNodes(t *testing.T) {
	c := newChoir(t, 3, 3, false)
	ctx := t.Context()
	sub := c.dial(0)
	sub.do("SUBSCRIBE ch", "subscribe ch :1")
	for i, client := range c.clients {
		// Keys on all nodes, so that it goes by messages; and none, so that it does not.
		for _, keys := range []int{0, 6} {
			replies, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
				for k := range keys {
					p.Set(ctx, fmt.Sprint("k", k), "v", 0)
				}
				p.Publish(ctx, "ch", fmt.Sprint("one", i))
				p.Publish(ctx, "ch", fmt.Sprint("two", i))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := replies[keys].(*redis.IntCmd).Val(); n != 1 {
				t.Errorf("EXEC: PUBLISH to %d", n)
			}
			sub.expect(fmt.Sprint("message ch one", i), fmt.Sprint("message ch two", i))
			names := []string{}
			for k := range keys {
				names = append(names, fmt.Sprint("k", k))
			}
			script := `for _, k in ipairs(KEYS) do redis.call('SET', k, 'w') end return redis.call('PUBLISH', 'ch', ARGV[1]) + redis.call('PUBLISH', 'none', '')`
			if n, err := client.Eval(ctx, script, names, fmt.Sprint("lua", i)).Int(); err != nil || n != 1 {
				t.Errorf("EVAL: %d, %v", n, err)
			}
			sub.expect(fmt.Sprint("message ch lua", i))
		}
	}
	// A subscription in a transaction holds for all nodes soon.
	tx := c.dial(1)
	tx.send("MULTI", "SUBSCRIBE in", "EXEC")
	tx.expect("+OK", "+QUEUED")
	if got := tx.one(); got != "subscribe in :1" {
		t.Fatalf("got %q", got)
	}
	p := c.dial(2)
	c.until("a subscription in a transaction", func() bool { p.send("PUBLISH in x"); return p.one() == ":1" })
	tx.expect("message in x")
}

// A node that joins knows who listens before it counts, and gets what is published.
func TestJoiningNodeLearnsWhoListens(t *testing.T) {
	c := newChoir(t, 3, 2, false)
	sub := c.dial(0)
	const name = "a-channel-with-a-rather-long-name:" // so that there are several lists
	for i := range 30 {
		names := make([]string, 100)
		for j := range names {
			names[j] = fmt.Sprint(name, 100*i+j)
		}
		sub.send("SUBSCRIBE " + strings.Join(names, " "))
		for range names {
			sub.one()
		}
	}
	c.follow(func(d *directory.Directory) { d.Members = c.members })
	c.joined(3)
	p := c.dial(2)
	p.send("PUBLISH " + name + "7 hi")
	p.one() // it may not know yet how many there are
	sub.expect("message " + name + "7 hi")
	c.settled()
	p.do("PUBLISH "+name+"2999 hi", ":1")
	sub.expect("message " + name + "2999 hi")
	late := c.dial(2)
	late.do("SUBSCRIBE late", "subscribe late :1")
	c.dial(0).do("PUBLISH late x", ":1")
	late.expect("message late x")
	c.dial(1).do("PUBLISH late y", ":1")
	late.expect("message late y")
}

// What a node that is down has told is forgotten, and told again when it is back.
func TestPeerThatIsDownAndBack(t *testing.T) {
	c := newChoir(t, 3, 3, false)
	sub, own, p := c.dial(2), c.dial(0), c.dial(0)
	sub.do("SUBSCRIBE ch", "subscribe ch :1")
	own.do("SUBSCRIBE ch", "subscribe ch :1")
	p.do("PUBLISH ch x", ":2")
	own.expect("message ch x")
	sub.expect("message ch x") // what is on its way when a link ends may be lost
	for range 3 {
		for _, at := range []int{0, 1} { // node 3 does not know that it is down
			c.setState(at, 2, directory.Down)
		}
		p.do("PUBLISH ch x", ":1")
		own.expect("message ch x")
		p.do("PUBSUB NUMSUB ch", "ch :1")
		// Nobody waits for it.
		own.do("SUBSCRIBE other", "subscribe other :2")
		c.dial(1).do("PUBLISH other x", ":1")
		own.expect("message other x")
		own.do("UNSUBSCRIBE other", "unsubscribe other :1")
		for _, at := range []int{0, 1} {
			c.setState(at, 2, directory.Up)
		}
		c.until("the listener on node 3", func() bool { p.send("PUBSUB NUMSUB ch"); return p.one() == "ch :2" })
		c.joined(3)
		p.do("PUBLISH ch again", ":2")
		own.expect("message ch again")
		sub.expect("message ch again")
	}
}

// Links that break and come back: nothing is out of order, nothing is twice, and in
// the end all nodes know all listeners.
func TestLinksThatBreak(t *testing.T) {
	c := newChoir(t, 3, 3, false)
	ctx, cancel := context.WithTimeout(t.Context(), choirPatience)
	defer cancel()
	sub := c.clients[1].Subscribe(ctx, "ch", "end")
	defer sub.Close()
	for range 2 {
		if _, err := sub.Receive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for _, from := range []int{0, 2} {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					c.clients[from].Publish(ctx, "ch", fmt.Sprintf("%d:%d", from, n))
				}
			}
		})
	}
	all.Go(func() {
		defer close(stop)
		churn := c.dial(1)
		for i := range 12 {
			a := i % 3
			b := directory.Number((i+1)%3 + 1)
			c.nodes[a].Server.Streams.Suspect(b, true)
			churn.do(fmt.Sprintf("SUBSCRIBE churn%d", i), fmt.Sprintf("subscribe churn%d :%d", i, i+1))
			c.nodes[a].Server.Streams.Suspect(b, false)
			time.Sleep(5 * time.Millisecond)
		}
	})
	got := make(chan int)
	go func() {
		defer close(got)
		last := [3]int{-1, -1, -1}
		for {
			m, err := sub.ReceiveMessage(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			if m.Channel == "end" {
				return
			}
			var p, n int
			fmt.Sscanf(m.Payload, "%d:%d", &p, &n)
			if n <= last[p] {
				t.Errorf("publisher %d: message %d after %d", p, n, last[p])
			}
			last[p] = n
		}
	}()
	all.Wait()
	c.joined(3)
	c.settled()
	for at := range 3 {
		p := c.dial(at)
		for i := range 12 {
			c.until("what was subscribed to meanwhile", func() bool { p.send(fmt.Sprintf("PUBLISH churn%d x", i)); return p.one() == ":1" })
		}
	}
	c.clients[0].Publish(ctx, "end", "")
	<-got
}

// setState changes what one node believes of another.
func (c *choir) setState(at, of int, state directory.State) {
	c.dir.Epoch++
	c.dir.Members = slices.Clone(c.dir.Members)
	c.dir.Members[of].State = state
	c.followAt(at)
}

// A member that is held to be up and does not answer keeps a client waiting, but not
// for ever.
func TestSubscriptionDoesNotWaitForSilentNode(t *testing.T) {
	c := newChoir(t, 2, 2, false)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	third := directory.Member{
		Number: 3, ID: fmt.Sprintf("%040d", 3), Name: "silent", Host: "127.0.0.1",
		StreamPort: silent.Addr().(*net.TCPAddr).Port, Incarnation: 3,
	}
	c.dir.Epoch++
	c.dir.Members = append(slices.Clone(c.dir.Members), third)
	c.followAt(0)
	c.followAt(1)
	sub, p := c.dial(0), c.dial(1)
	sub.do("SUBSCRIBE a", "subscribe a :1")
	for i := range 50 {
		sub.do(fmt.Sprintf("SUBSCRIBE a%d", i), fmt.Sprintf("subscribe a%d :%d", i, i+2))
		p.do(fmt.Sprintf("PUBLISH a%d x", i), ":1")
		sub.expect(fmt.Sprintf("message a%d x", i))
	}
}
