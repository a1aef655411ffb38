package gateway_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
)

// movePatience is how long tests wait for what must happen.
const movePatience = 30 * time.Second

// stage is nodes in this process and what stands for their catalog: it begins and
// ends moves, and each node learns of it after a while, not of every state.
type stage struct {
	t       testing.TB
	nodes   []*gateway.Gateway
	clients []*redis.Client

	mu     sync.Mutex
	d      *directory.Directory
	lag    time.Duration // at most, until a node learns
	told   []chan struct{}
	move   uint64
	deaf   bool // proposals are lost
	commit int
	abort  int
	done   sync.WaitGroup
	ctx    context.Context
}

func newStage(t testing.TB, n, shards int) *stage {
	nodes, clients := troupe(t, n, shards, false)
	for i, c := range clients {
		o := *c.Options()
		o.ReadTimeout = movePatience
		clients[i] = redis.NewClient(&o)
		t.Cleanup(func() { clients[i].Close() })
	}
	d := *nodes[0].Node.Env.Where.Load()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stage{t: t, nodes: nodes, clients: clients, d: &d, ctx: ctx}
	for i, g := range nodes {
		told := make(chan struct{}, 1)
		s.told = append(s.told, told)
		g.Decide(s)
		s.done.Go(func() { s.follow(i, told) })
	}
	t.Cleanup(func() {
		cancel()
		s.done.Wait()
	})
	return s
}

func (s *stage) follow(i int, told chan struct{}) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-told:
		}
		s.mu.Lock()
		lag := s.lag
		s.mu.Unlock()
		if lag > 0 {
			time.Sleep(rand.N(lag))
		}
		s.mu.Lock()
		mine := *s.d
		s.mu.Unlock()
		mine.Self = directory.Number(i + 1)
		s.nodes[i].Follow(&mine)
		s.nodes[i].Follow(&mine) // which does no harm
	}
}

// change makes the next directory.
func (s *stage) change(f func(d *directory.Directory)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changeLocked(f)
}

func (s *stage) changeLocked(f func(d *directory.Directory)) {
	d := *s.d
	d.Members = append([]directory.Member(nil), d.Members...)
	d.Places = append([]directory.Place(nil), d.Places...)
	d.Epoch++
	f(&d)
	s.d = &d
	for _, told := range s.told {
		select {
		case told <- struct{}{}:
		default:
		}
	}
}

// begin starts a move and returns its identity, 0 if the shard is there or moving.
func (s *stage) begin(shard int, to directory.Number) (move uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.d.Places[shard]; p.To != 0 || p.Owner == to {
		return 0
	}
	s.move++
	s.changeLocked(func(d *directory.Directory) {
		d.Places[shard].To, d.Places[shard].MoveID = to, s.move
	})
	return s.move
}

var (
	errLost      = errors.New("the proposal is lost")
	errNotMoving = errors.New("no such move")
)

// EndMove is the catalog's.
func (s *stage) EndMove(_ context.Context, shard int, move uint64, commit bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p := s.d.Places[shard]; {
	case s.deaf:
		return errLost
	case p.MoveID != move || move == 0:
		return errNotMoving
	}
	s.end(shard, commit)
	return nil
}

func (s *stage) end(shard int, commit bool) {
	s.changeLocked(func(d *directory.Directory) {
		p := &d.Places[shard]
		if commit {
			s.commit++
			p.Owner = p.To
			p.Epoch++
		} else {
			s.abort++
		}
		p.To, p.MoveID = 0, 0
	})
}

// abortAll ends all moves, as the catalog does when a node goes away.
func (s *stage) abortAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.d.Places {
		if p.To != 0 {
			s.end(i, false)
		}
	}
}

func (s *stage) place(shard int) directory.Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.d.Places[shard]
}

// settle waits until nothing moves and all nodes know that.
func (s *stage) settle() {
	s.t.Helper()
	s.eventually("moves end", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range s.d.Places {
			if p.To != 0 {
				return false
			}
		}
		for _, g := range s.nodes {
			if g.Moving() > 0 || g.Node.Env.Where.Load().Epoch != s.d.Epoch {
				return false
			}
		}
		return true
	})
}

func (s *stage) eventually(what string, f func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(movePatience); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not in time", what)
		}
	}
}

// carry moves a shard and waits for it.
func (s *stage) carry(shard int, to directory.Number) {
	s.t.Helper()
	if s.begin(shard, to) == 0 {
		s.t.Fatalf("shard %d cannot move to %d", shard, to)
	}
	s.settle()
	if at := s.place(shard).Owner; at != to {
		s.t.Fatalf("shard %d is at %d, not %d", shard, at, to)
	}
}

// shuffle moves shards at random, one each pause or so, until stop is closed.
func (s *stage) shuffle(pause time.Duration, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(rand.N(2 * pause)):
			s.begin(rand.IntN(s.nodes[0].Node.Env.Slots.Shards()), directory.Number(rand.IntN(len(s.nodes))+1))
		}
	}
}

// standing returns how many keys of a shard clients wait at.
func (s *stage) standing(index int) (n int) {
	g := s.nodes[s.place(index).Owner-1]
	done := make(chan struct{})
	g.Node.Env.Shards[index].Tell(shard.Func(func(e *engine.Engine) {
		n = e.Waiting()
		close(done)
	}))
	<-done
	return n
}

// shardOf returns the shard of a key.
func (s *stage) shardOf(key string) int { return s.nodes[0].Node.Env.ShardOf([]byte(key)) }
