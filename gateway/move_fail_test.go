package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/migrate"
)

// fill puts keys into all shards, and returns how many.
func (s *stage) fill(n int) int {
	s.t.Helper()
	ctx := s.t.Context()
	for i := 0; i < n; i += 1000 {
		p := s.clients[0].Pipeline()
		for k := i; k < i+1000; k++ {
			p.Set(ctx, fmt.Sprint("filled", k), strings.Repeat("v", 100), 0)
		}
		if _, err := p.Exec(ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	return n
}

// has checks that all is there that was filled in.
func (s *stage) has(n int) {
	s.t.Helper()
	for i, c := range s.clients {
		if got := c.DBSize(s.t.Context()).Val(); got != int64(n) {
			s.t.Errorf("client %d sees %d keys, want %d", i, got, n)
		}
	}
}

// Moves that the catalog ends at any time, as it does when a target is started again,
// leave the shard where it was, with all that it had, and serving.
func TestMovesAborted(t *testing.T) {
	s := newStage(t, 3, 16)
	n := s.fill(20_000)
	l := newLoad(s)
	stop := make(chan struct{})
	var moving sync.WaitGroup
	moving.Go(func() { s.shuffle(10*time.Millisecond, stop) })
	moves := func() (commit, abort int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.commit, s.abort
	}
	for pause := 20 * time.Millisecond; ; pause += pause / 8 { // until some come to their end
		time.Sleep(rand.N(pause))
		s.abortAll()
		if commit, abort := moves(); commit >= 20 && abort >= 20 {
			break
		}
	}
	close(stop)
	moving.Wait()
	l.end()
	for i := 0; i < n; i += 97 {
		if v := s.clients[i%3].Get(t.Context(), fmt.Sprint("filled", i)).Val(); len(v) != 100 {
			t.Fatalf("filled%d has %d bytes", i, len(v))
		}
	}
}

// A move goes on when the streams between its ends have broken. Of commands that were
// on their way nobody knows whether they were carried out, and no others are lost or
// done twice.
func TestMovesOverBrokenStreams(t *testing.T) {
	s := newStage(t, 3, 16)
	n := s.fill(50_000)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() { s.shuffle(30*time.Millisecond, stop) })
	var sure, tried [3]atomic.Int64
	for i, c := range s.clients {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				tried[i].Add(1)
				switch err := c.Incr(context.Background(), fmt.Sprint("count", i)).Err(); {
				case err == nil:
					sure[i].Add(1)
				case !strings.HasPrefix(err.Error(), "UNKNOWN") && !strings.HasPrefix(err.Error(), "CLUSTERDOWN"):
					t.Error(err)
					return
				}
			}
		})
	}
	for range 40 {
		time.Sleep(rand.N(200 * time.Millisecond))
		from := rand.IntN(3)
		s.nodes[from].Sever(directory.Number((from+1+rand.IntN(2))%3 + 1))
	}
	close(stop)
	done.Wait()
	s.settle()
	for i := range tried {
		got, _ := s.clients[0].Get(t.Context(), fmt.Sprint("count", i)).Int64()
		if got < sure[i].Load() || got > tried[i].Load() {
			t.Errorf("count%d is %d, want %d to %d", i, got, sure[i].Load(), tried[i].Load())
		}
	}
	s.has(n + len(tried))
	if t.Logf("%d moves, %d given up", s.commit, s.abort); s.commit == 0 {
		t.Error("no move came to its end")
	}
}

// A shard whose move is not decided in time is not served, by nobody, until it is.
func TestMoveUndecided(t *testing.T) {
	s := newStage(t, 2, 2)
	n := s.fill(2000)
	key := s.keyAt(1, "key")
	s.mu.Lock()
	s.deaf = true
	s.mu.Unlock()
	s.begin(s.shardOf(key), 2)
	s.eventually("the source gives up", func() bool {
		moves := s.nodes[0].Moves()
		return len(moves) == 1 && moves[0].Phase == "aborting"
	})
	set := make(chan error, 1)
	go func() { set <- s.clients[1].Set(t.Context(), key, 1, 0).Err() }()
	select {
	case err := <-set:
		t.Fatalf("a sealed shard answers: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.mu.Lock()
	s.deaf = false
	s.mu.Unlock()
	s.settle()
	if err := <-set; err != nil {
		t.Error(err)
	}
	if s.abort != 1 || s.place(s.shardOf(key)).Owner != 1 {
		t.Errorf("it is at %+v", s.place(s.shardOf(key)))
	}
	s.has(n + 1)
	s.carry(s.shardOf(key), 2)
	s.has(n + 1)
}

// A shard that is lost with its owner's process in the middle of a move opens empty
// where the catalog says, and nothing of the move is left.
func TestMoveOfWhatIsLost(t *testing.T) {
	for _, heir := range []directory.Number{1, 2, 3} {
		t.Run(fmt.Sprint(heir), func(t *testing.T) {
			s := newStage(t, 3, 3)
			s.fill(3000)
			s.mu.Lock()
			s.deaf = true // it gets as far as it can
			s.mu.Unlock()
			s.begin(0, 2)
			s.eventually("the target has everything", func() bool {
				moves := s.nodes[0].Moves()
				return len(moves) == 1 && moves[0].Phase == "deciding"
			})
			s.change(func(d *directory.Directory) {
				p := &d.Places[0]
				p.Owner, p.Epoch, p.LostAt, p.To, p.MoveID = heir, p.Epoch+1, time.Now().UnixMilli(), 0, 0
			})
			s.settle()
			for i := range 3000 {
				key := fmt.Sprint("filled", i)
				if lost := s.clients[1].Exists(t.Context(), key).Val() == 0; lost != (s.shardOf(key) == 0) {
					t.Fatalf("%s of shard %d is lost: %v", key, s.shardOf(key), lost)
				}
			}
			s.clients[2].Set(t.Context(), s.keyAt(heir, "new"), 1, 0)
			s.mu.Lock()
			s.deaf = false
			s.mu.Unlock()
			s.carry(0, heir%3+1)
		})
	}
}

// What is told of a move is true.
func TestMoveStatus(t *testing.T) {
	s := newStage(t, 2, 1)
	s.fill(5000)
	s.mu.Lock()
	s.deaf = true
	s.mu.Unlock()
	move := s.begin(0, 2)
	s.eventually("the target has everything", func() bool {
		moves := s.nodes[0].Moves()
		return len(moves) == 1 && moves[0].Phase == "deciding"
	})
	m := s.nodes[0].Moves()[0]
	if m.ID != move || m.From != 1 || m.To != 2 || m.KeysSent != 5000 || m.KeysLeft != 0 || m.Bytes < 500_000 {
		t.Errorf("%+v", m)
	}
	if len(s.nodes[1].Moves()) != 0 {
		t.Error("the target tells of it too")
	}
	s.mu.Lock()
	s.deaf = false
	s.mu.Unlock()
	s.settle()
	if len(s.nodes[0].Moves()) != 0 {
		t.Error("it is over")
	}
}

// A source whose target is taken to be down while the shard is sealed does not keep
// its clients waiting: the move is given up at once.
func TestMoveEndsWhenItsTargetIsSuspected(t *testing.T) {
	s := newStage(t, 2, 16)
	s.fill(1000)
	s.mu.Lock()
	s.deaf = true // so that the shard stays sealed
	s.mu.Unlock()
	var index int
	for s.place(index).Owner != 1 {
		index++
	}
	phase := func(want string) func() bool {
		return func() bool {
			moves := s.nodes[0].Moves()
			return len(moves) == 1 && moves[0].Phase == want
		}
	}
	s.begin(index, 2)
	s.eventually("the target has all", phase("deciding"))
	began := time.Now()
	s.nodes[0].Suspect(2, true)
	s.eventually("the move is given up", phase("aborting"))
	if took := time.Since(began).Milliseconds(); took >= migrate.SealLimit/2 {
		t.Errorf("that took %d ms", took)
	}
	s.nodes[0].Suspect(2, false)
	s.mu.Lock()
	s.deaf = false
	s.mu.Unlock()
	s.settle()
	if p := s.place(index); p.Owner != 1 || p.To != 0 {
		t.Errorf("the shard is at %+v", p)
	}
	s.has(1000)
}
