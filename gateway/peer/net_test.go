package peer

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
)

// replace starts another process of the member number in nodes.
func replace(t *testing.T, nodes []*node, d *directory.Directory, number directory.Number, o options) *directory.Directory {
	t.Helper()
	n := start(t, o)
	next := changed(d, func(d *directory.Directory) {
		m := d.Member(number)
		m.Incarnation, m.StreamPort = m.Incarnation+1000, n.addr.Port
		for i := range d.Places {
			if d.Places[i].Owner == number {
				d.Places[i].Epoch = 5 // as do asks for
			}
		}
	})
	nodes[number-1] = n
	for i, n := range nodes {
		n.follow(next, directory.Number(i+1))
	}
	return next
}

// A peer's process ends; what it was asked has an unknown outcome. Another process of
// it is dialled as soon as the directory tells of it, and only that one.
func TestPeerRestarts(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		o := options{portable: portable}
		nodes, d := cluster(t, 3, o)
		n, a := nodes[0], newAsking(t)
		if o := n.do(2, "SET", key(1, 1), "x"); o.content != "+OK" {
			t.Fatal(o)
		}
		// The key's shard is busy, so that the request stays there.
		h := nodes[1].node.Env.Shards[1]
		for !h.Lease.TryAcquire() {
			time.Sleep(time.Millisecond)
		}
		n.forward(2, a, 1, n.request(5, "SET", key(1, 1), "y"))
		await(t, "the request there", func() bool { return h.Lease.UserMessageCount() > 0 })
		stopped := make(chan struct{})
		go func() { defer close(stopped); nodes[1].net.Stop(); nodes[1].driver.Close() }()
		if o := a.next(); o.what != "unknown" {
			t.Error(o)
		}
		<-stopped
		h.Lease.Release()
		await(t, "the end of the stream", func() bool { return !n.net.Reachable(2) })
		if o := n.do(2, "GET", key(1, 1)); o.what != "not sent" {
			t.Error(o)
		}
		if o := n.do(3, "SET", key(2, 1), "x"); o.content != "+OK" {
			t.Error("another peer: ", o)
		}
		d = replace(t, nodes, d, 2, o)
		for _, n := range nodes {
			n.joined(d)
		}
		if o := n.do(2, "GET", key(1, 1)); o.content != "$-1" {
			t.Error("of the new process: ", o)
		}
		if o := nodes[1].do(1, "SET", key(0, 1), "x"); o.content != "+OK" {
			t.Error("by the new process: ", o)
		}
	})
}

// Whoever is down, or no member any more, has no stream, however often that changes.
func TestUpdate(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		nodes, d := cluster(t, 2, options{portable: portable})
		n := nodes[0]
		for range 20 {
			d = changed(d, func(d *directory.Directory) { d.Members[1].State = directory.Down })
			n.follow(d, 1)
			up := changed(d, func(d *directory.Directory) { d.Members[1].State = directory.Up })
			n.follow(up, 1) // perhaps before the old stream has ended
			d = changed(up, func(d *directory.Directory) { d.Members[1].State = directory.Down })
			n.follow(d, 1)
			await(t, "no stream", func() bool { return !n.net.Reachable(2) })
		}
		d = changed(d, func(d *directory.Directory) { d.Members[1].State = directory.Up })
		n.follow(d, 1)
		n.joined(d)
		if o := n.do(2, "SET", key(1, 1), "x"); o.content != "+OK" {
			t.Error(o)
		}
		d = changed(d, func(d *directory.Directory) {
			d.Members = d.Members[:1]
			for i := range d.Places {
				d.Places[i].Owner = 1
			}
		})
		n.follow(d, 1)
		await(t, "no stream", func() bool { return !n.net.Reachable(2) })
		if links := n.net.Links(); len(links) != 0 {
			t.Errorf("links %v", links)
		}
	})
}

// A suspected peer's streams end, and are dialled again.
func TestSuspect(t *testing.T) {
	n, p, r, _ := withPuppet(t, options{})
	a := newAsking(t)
	n.forward(2, a, 1, n.request(5, "GET", key(1, 1)))
	n.net.Suspect(2, true)
	if o := a.next(); o.what != "unknown" || !n.net.Suspected(2) {
		t.Error(o)
	}
	r.closed()
	p.stream()
	n.net.Suspect(2, false)
	if n.net.Suspected(2) {
		t.Error("still suspected")
	}
}

// A peer that hangs up as soon as it has welcomed is not dialled without a rest.
func TestDiallingRests(t *testing.T) {
	n, p, r, _ := withPuppet(t, options{})
	r.Close()
	began, times := time.Now(), 0
	for time.Since(began) < 300*time.Millisecond {
		p.stream().Close()
		times++
	}
	// 40, 80, 160, ... milliseconds
	if most := 5 + int(time.Since(began)/(100*time.Millisecond)); times > most {
		t.Errorf("dialled %d times in %v", times, time.Since(began))
	}
	_ = n
}

func TestMail(t *testing.T) {
	const topic Topic = 'M'
	eachDriver(t, func(t *testing.T, portable bool) {
		var mu sync.Mutex
		var got []string
		hear := func(from directory.Number, content []byte, answer func([]byte)) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%d %s", from, content))
			if answer != nil {
				t.Error("a message wants an answer")
			}
			return nil
		}
		nodes, _ := cluster(t, 2, options{portable: portable, loops: 2, topics: map[Topic]Listener{topic: hear}})
		const writers, each = 8, 200
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					for !nodes[0].net.Tell(2, topic, fmt.Appendf(nil, "%d %d", w, i)) {
						t.Error("not sent")
						return
					}
				}
			})
		}
		writing.Wait()
		await(t, "all messages", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(got) == writers*each
		})
		next := map[int]int{}
		for _, line := range got {
			var from, w, i int
			if _, err := fmt.Sscanf(line, "%d %d %d", &from, &w, &i); err != nil || from != 1 || i != next[w] {
				t.Fatalf("%q, want message %d of %d: %v", line, next[w], w, err)
			}
			next[w]++
		}
		if nodes[0].net.Tell(3, topic, nil) {
			t.Error("told nobody")
		}
	})
}

func TestAsk(t *testing.T) {
	const topic Topic = 'A'
	eachDriver(t, func(t *testing.T, portable bool) {
		answer := func(_ directory.Number, content []byte, answer func([]byte)) error {
			own := append([]byte("you said "), content...)
			if strings.HasPrefix(string(content), "slow") {
				go func() { time.Sleep(time.Millisecond); answer(own) }()
			} else {
				answer(own)
			}
			return nil
		}
		nodes, _ := cluster(t, 2, options{portable: portable, topics: map[Topic]Listener{topic: answer}})
		const count = 200
		answers := make(chan string, 2*count)
		for i := range count {
			text := fmt.Sprint([]string{"quick ", "slow "}[i%2], i)
			nodes[0].net.Ask(2, topic, []byte(text), func(answer []byte, ok bool) {
				answers <- fmt.Sprintf("%s: %s %v", text, answer, ok)
			})
		}
		for range count {
			select {
			case got := <-answers:
				text, rest, _ := strings.Cut(got, ": ")
				if rest != "you said "+text+" true" {
					t.Error(got)
				}
			case <-time.After(patience):
				t.Fatal("no answer")
			}
		}
		nodes[0].net.Ask(3, topic, nil, func(_ []byte, ok bool) { answers <- fmt.Sprint(ok) })
		if got := <-answers; got != "false" {
			t.Errorf("nobody answers %s", got)
		}
		if len(answers) > 0 {
			t.Error("answered twice")
		}
	})
}

// A question ends once whatever happens to its stream, and only the peer that was
// asked can answer it.
func TestQuestionsEndOnce(t *testing.T) {
	n, p, r, _ := withPuppet(t, options{})
	var ended atomic.Int64
	asked := make(chan bool, 1)
	n.net.Ask(2, 'A', []byte("question"), func(_ []byte, ok bool) { asked <- ok })
	f := r.frame()
	if f.kind != kindAsk || string(f.content) != "Aquestion" {
		t.Fatalf("kind %d, %q", f.kind, f.content)
	}
	r.send(encode(kindTold, f.id+1, []byte("of another question")))
	other := &stream{net: n.net}
	n.net.told(other, f.id, []byte("by another peer"))
	if len(asked) > 0 {
		t.Error("answered by somebody else")
	}
	r.Close()
	if ok := <-asked; ok {
		t.Error("answered by nobody")
	}
	r = p.stream()
	var asking sync.WaitGroup
	var began atomic.Int64
	for range 4 {
		asking.Go(func() {
			for range 500 {
				began.Add(1)
				n.net.Ask(2, 'A', nil, func([]byte, bool) { ended.Add(1) })
			}
		})
	}
	for range 3 { // while they ask
		r.Close()
		r = p.stream()
	}
	asking.Wait()
	r.Close()
	await(t, "the end of all questions", func() bool { return ended.Load() >= began.Load() })
	time.Sleep(10 * time.Millisecond) // for one that ends twice
	if ended.Load() != began.Load() {
		t.Errorf("%d questions ended %d times", began.Load(), ended.Load())
	}
}

// What was left for a stream that ended before it took it is not forgotten.
func TestMailOfStreamThatEnds(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		n, _, _, _ := withPuppet(t, options{portable: portable})
		s := (*n.net.ready[2].Load())[0]
		held, end := make(chan struct{}), make(chan struct{})
		s.conn.PostLoop(func() { close(held); <-end; s.conn.Close() })
		<-held
		a, asked := newAsking(t), make(chan bool, 2)
		if portable && !n.forward(2, a, 7, n.request(5, "GET", key(1, 1))) { // else the request's loop is the stream's
			t.Error("not taken")
		}
		n.net.Ask(2, 'A', nil, func(_ []byte, ok bool) { asked <- ok })
		close(end)
		if ok := <-asked; ok {
			t.Error("a question was answered")
		}
		if portable {
			if o := a.next(); o != (outcome{7, "unknown", ""}) {
				t.Error(o)
			}
		}
		if s.post(kindTell, 0, nil) {
			t.Error("more is taken")
		}
	})
}

// A question whose stream breaks just then is over once.
func TestQuestionOverBreakingStream(t *testing.T) {
	n, _, _, _ := withPuppet(t, options{})
	s := (*n.net.ready[2].Load())[0]
	var ended atomic.Int64
	s.mu.Lock()
	done := make(chan struct{})
	go func() { defer close(done); n.net.Ask(2, 'A', nil, func([]byte, bool) { ended.Add(1) }) }()
	await(t, "a question", func() bool {
		n.net.asks.mu.Lock()
		defer n.net.asks.mu.Unlock()
		return len(n.net.asks.open) == 1
	})
	n.net.asks.fail(s)
	s.over = true
	s.mu.Unlock()
	<-done
	await(t, "its end", func() bool { return ended.Load() > 0 })
	time.Sleep(10 * time.Millisecond) // for another end
	if got := ended.Load(); got != 1 {
		t.Errorf("it ended %d times", got)
	}
}

// A stream that comes when its peer has just been dropped is not kept.
func TestStreamThatComesTooLate(t *testing.T) {
	n := start(t, options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s := (&stream{net: n.net, loop: n.loop, to: 2}); n.net.opened(ctx, s) || n.net.Reachable(2) || n.loop.streams[2] != nil {
		t.Error("it is kept")
	}
}

// Nothing is left of nodes that have stopped, whatever state their streams are in.
func TestStopLeavesNothing(t *testing.T) {
	eachDriver(t, func(t *testing.T, portable bool) {
		for range 2 { // what is made once is there after the first time
			goroutines, files := runtime.NumGoroutine(), openFiles(t)
			t.Run("nodes", func(t *testing.T) {
				n, _, r, d := withPuppet(t, options{portable: portable, loops: 2})
				a := newAsking(t)
				n.forward(2, a, 1, n.request(5, "GET", key(1, 1)))
				n.net.Ask(2, 'A', nil, func([]byte, bool) {})
				stranger := dial(t, n)
				stranger.send([]byte{1})
				// A peer that takes connections and is silent, and one that is not there.
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				n.follow(changed(d, func(d *directory.Directory) {
					for i, port := range []int{l.Addr().(*net.TCPAddr).Port, 1} {
						m := d.Members[1]
						m.Number, m.ID, m.StreamPort = directory.Number(3+i), fmt.Sprint(i), port
						d.Members = append(d.Members, m)
					}
				}), 1)
				began := time.Now()
				n.stop()
				if took := time.Since(began); took > helloPatience {
					t.Errorf("it took %v", took)
				}
				if !portable { // else the asker's own loop may have ended first
					if o := a.next(); o.what != "unknown" {
						t.Error(o)
					}
				}
				r.Close()
			})
			if t.Failed() {
				return
			}
			settled(t, goroutines, files)
		}
	})
}
