package robustness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// What a clerk has heard of a transfer.
const (
	booked  = "booked"
	refused = "refused"
	unsure  = "unsure"
)

// entry is one atomic step that writes its tag into several books.
type entry struct {
	tag     string
	books   []string
	outcome string
}

// ledger is books (lists) on all nodes, and clerks that write in several at once.
type ledger struct {
	c     *cluster
	home  map[string]*node
	books []string
	stop  chan struct{}
	group sync.WaitGroup
	mu    sync.Mutex
	done  []entry
}

const (
	booksPerNode  = 3
	clerksPerNode = 3
)

func openLedger(c *cluster, round int) *ledger {
	c.t.Helper()
	l := &ledger{c: c, home: map[string]*node{}, stop: make(chan struct{})}
	st := c.nodes[0].view()
	for _, n := range c.nodes {
		number, found := memberOf(st, n.name).Number, 0
		for _, s := range st.Shards {
			if s.Owner == number && found < booksPerNode {
				book := keyIn(fmt.Sprintf("book%d:", round), s.Shard, len(st.Shards))
				l.home[book] = n
				l.books = append(l.books, book)
				found++
			}
		}
	}
	return l
}

// work lets clerks loose on each node. They ask nobody else when it is gone.
func (l *ledger) work(seed uint64) {
	for i := range clerksPerNode * len(l.c.nodes) {
		via := l.c.nodes[i%len(l.c.nodes)]
		client, r := via.client(1), rand.New(rand.NewPCG(seed, uint64(i)))
		l.group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
				}
				t := entry{tag: fmt.Sprintf("%d.%d", i, n)}
				for _, b := range r.Perm(len(l.books))[:2+r.IntN(2)] {
					t.books = append(t.books, l.books[b])
				}
				err := book(client, &t, r.IntN(2) == 0)
				if !l.note(&t, err) && via.ended() {
					return
				}
			}
		})
	}
}

// book writes the tag by EXEC or by a script.
func book(client *redis.Client, t *entry, script bool) error {
	ctx := context.Background()
	if script {
		return client.Eval(ctx, `for _, k in ipairs(KEYS) do redis.call('RPUSH', k, ARGV[1]) end`, t.books, t.tag).Err()
	}
	_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, b := range t.books {
			p.RPush(ctx, b, t.tag)
		}
		return nil
	})
	return err
}

// note keeps the outcome, and tells whether there still is a connection.
func (l *ledger) note(t *entry, err error) bool {
	var fromServer redis.Error
	connected := true
	switch {
	case err == nil || errors.Is(err, redis.Nil): // the script's own answer
		t.outcome = booked
	case errors.As(err, &fromServer) && strings.HasPrefix(err.Error(), "CLUSTERDOWN"):
		t.outcome = refused
	case errors.As(err, &fromServer) && strings.HasPrefix(err.Error(), "UNKNOWN"):
		t.outcome = unsure
	case errors.As(err, &fromServer):
		l.c.t.Errorf("%v: %v", t.books, err)
		fallthrough
	default:
		t.outcome, connected = unsure, false
	}
	l.mu.Lock()
	l.done = append(l.done, *t)
	l.mu.Unlock()
	return connected
}

// awaitAnswers waits until each book of the nodes that are left can be written, and
// returns how long the longest took.
func (l *ledger) awaitAnswers(victim, via *node) time.Duration {
	l.c.t.Helper()
	var group sync.WaitGroup
	var longest atomic.Int64
	for _, b := range l.books {
		if l.home[b] == victim {
			continue
		}
		group.Go(func() {
			began := time.Now()
			v, err := via.ask("RPUSH", b, "probe")
			if took := time.Since(began); err != nil || v.Kind == wire.Error || took > hangLimit {
				l.c.t.Errorf("after a crash elsewhere RPUSH %s answers %s %v after %v", b, v.Format(), err, took)
			} else if int64(took) > longest.Load() {
				longest.Store(int64(took))
			}
		})
	}
	group.Wait()
	return time.Duration(longest.Load())
}

// audit: each transfer is in all of its books that are left, or in none, as its clerk
// has heard.
func (l *ledger) audit(victim, via *node) {
	l.c.t.Helper()
	close(l.stop)
	l.group.Wait()
	client, ctx := via.client(1), testContext(l.c.t)
	content := map[string][]string{}
	for _, b := range l.books {
		if l.home[b] == victim {
			continue
		}
		tags, err := client.LRange(ctx, b, 0, -1).Result()
		if err != nil {
			l.c.t.Errorf("%s: %v", b, err)
		}
		if slices.Sort(tags); len(slices.Compact(slices.Clone(tags))) != len(tags)-countOf(tags, "probe")+1 {
			l.c.t.Errorf("%s has a tag twice", b)
		}
		content[b] = tags
	}
	count := map[string]int{}
	for _, t := range l.done {
		count[t.outcome]++
		in, left := 0, 0
		for _, b := range t.books {
			if tags, ok := content[b]; ok {
				left++
				if _, found := slices.BinarySearch(tags, t.tag); found {
					in++
				}
			}
		}
		if in != 0 && in != left || t.outcome == booked && in != left || t.outcome == refused && in != 0 {
			l.c.t.Errorf("transfer %s to %v, %s, is in %d of the %d books that are left", t.tag, t.books, t.outcome, in, left)
		}
	}
	l.c.t.Logf("transfers: %v", count)
	if count[booked] == 0 || count[refused] == 0 {
		l.c.t.Error("the test shows nothing")
	}
}

func countOf(tags []string, tag string) (n int) {
	for _, t := range tags {
		if t == tag {
			n++
		}
	}
	return n
}

// TestClusterSagasEndByThemselves: a node is killed in the middle of transactions that
// it coordinates and takes part in. Each ends all or nothing, and leaves no lock.
func TestClusterSagasEndByThemselves(t *testing.T) {
	t.Parallel()
	seed := random(t)
	c := startCluster(t, 3)
	for round := range *crashes {
		victim, others := c.leads()
		if round%2 == 0 {
			victim, others = others[0], []*node{others[1], victim}
		}
		l := openLedger(c, round)
		l.work(seed + uint64(round))
		time.Sleep(500 * time.Millisecond)
		victim.kill()
		longest := l.awaitAnswers(victim, others[0])
		t.Logf("after the crash of %s all books can be written within %v", victim.name, longest)
		c.awaitState(others[0], victim, "down")
		time.Sleep(200 * time.Millisecond)
		l.audit(victim, others[0])
		victim.start()
		victim.awaitStart()
		c.settle(c.nodes...)
	}
}
