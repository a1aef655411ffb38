package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/troupedb/troupe/actors/directory"
)

// keyAt returns a key whose shard is at a node.
func (s *stage) keyAt(node directory.Number, name string) string {
	for i := 0; ; i++ {
		if key := fmt.Sprint(name, i); s.place(s.shardOf(key)).Owner == node {
			return key
		}
	}
}

// waiting waits until n clients of a node are blocked.
func (s *stage) waiting(c *redis.Client, n int64) {
	s.t.Helper()
	s.eventually(fmt.Sprint(n, " clients are blocked"), func() bool { return info(s.t, c, "blocked_clients") == n })
}

type popped struct {
	key, value string
	err        error
}

func pop(ctx context.Context, c *redis.Client, timeout time.Duration, keys ...string) chan popped {
	got := make(chan popped, 1)
	go func() {
		v, err := c.BLPop(ctx, timeout, keys...).Result()
		if err != nil {
			got <- popped{err: err}
			return
		}
		got <- popped{v[0], v[1], nil}
	}()
	return got
}

func (s *stage) served(got chan popped, key, value string) {
	s.t.Helper()
	select {
	case p := <-got:
		if p != (popped{key, value, nil}) {
			s.t.Errorf("served %+v, want %s of %s", p, value, key)
		}
	case <-time.After(movePatience):
		s.t.Fatalf("nobody is served at %s", key)
	}
}

// A client that waits at a key whose shard moves is served where the key is then, and
// once. So it is if the shard moves to the client's node, away from it, or between
// two others, and if only one of its keys has moved.
func TestBlockedWhileMoving(t *testing.T) {
	s := newStage(t, 3, 6)
	for from := directory.Number(1); from <= 3; from++ {
		for step := directory.Number(1); step <= 2; step++ {
			to := (from+step-1)%3 + 1
			key, other := s.keyAt(from, "key"), s.keyAt(to, "other")
			c := s.clients[0]
			got := pop(t.Context(), c, 0, other, key)
			s.waiting(c, 1)
			s.carry(s.shardOf(key), to)
			s.waiting(c, 1)
			if err := s.clients[1].RPush(t.Context(), key, "a", "b").Err(); err != nil {
				t.Fatal(err)
			}
			s.served(got, key, "a")
			got = pop(t.Context(), c, 0, other, key)
			s.served(got, key, "b")
			got = pop(t.Context(), c, 0, key, other)
			s.waiting(c, 1)
			s.carry(s.shardOf(key), from)
			s.clients[2].RPush(t.Context(), other, "c")
			s.served(got, other, "c")
			if n := s.clients[0].DBSize(t.Context()).Val(); n != 0 {
				t.Fatalf("%d keys are left", n)
			}
		}
	}
	s.waiting(s.clients[0], 0)
}

// Clients that wait at one key are served first come first, moves or not.
func TestBlockedInOrderWhileMoving(t *testing.T) {
	s := newStage(t, 2, 2)
	key, clients := s.keyAt(1, "key"), s.clients[0]
	const n = 8
	var waits []chan popped
	for i := range n {
		own := fmt.Sprintf("{%s}%d", key, i)
		waits = append(waits, pop(t.Context(), clients, 0, key, own))
		s.waiting(clients, int64(i+1))
	}
	for to := directory.Number(2); to > 0; to-- {
		s.carry(s.shardOf(key), to)
		s.eventually("all stand in the queue again", func() bool { return s.standing(s.shardOf(key)) == n+1 })
	}
	for i, got := range waits {
		s.clients[1].RPush(t.Context(), key, i)
		s.served(got, key, fmt.Sprint(i))
	}
}

// A command on two keys is resumed as well.
func TestBlockedMoveWhileMoving(t *testing.T) {
	s := newStage(t, 3, 6)
	from, to := s.keyAt(2, "src"), s.keyAt(3, "dst")
	moved := make(chan string, 1)
	go func() { moved <- s.clients[0].BLMove(t.Context(), from, to, "LEFT", "RIGHT", 0).Val() }()
	s.waiting(s.clients[0], 1)
	s.carry(s.shardOf(from), 1)
	s.carry(s.shardOf(to), 2)
	s.clients[1].RPush(t.Context(), from, "x")
	select {
	case v := <-moved:
		if v != "x" || s.clients[2].LRange(t.Context(), to, 0, -1).Val()[0] != "x" {
			t.Errorf("moved %q", v)
		}
	case <-time.After(movePatience):
		t.Fatal("nothing is moved")
	}
}

// A wait that goes on elsewhere ends when it would have ended.
func TestTimeoutWhileMoving(t *testing.T) {
	s := newStage(t, 2, 2)
	key := s.keyAt(1, "key")
	began := time.Now()
	got := pop(t.Context(), s.clients[0], 2*time.Second, key)
	s.waiting(s.clients[0], 1)
	s.carry(s.shardOf(key), 2)
	s.carry(s.shardOf(key), 1)
	select {
	case p := <-got:
		if !errors.Is(p.err, redis.Nil) || time.Since(began) < 2*time.Second {
			t.Errorf("it ended with %+v after %v", p, time.Since(began))
		}
	case <-time.After(movePatience):
		t.Fatal("the wait does not end")
	}
	s.waiting(s.clients[0], 0)
	if n := s.clients[0].RPush(t.Context(), key, "x").Val(); n != 1 {
		t.Errorf("%d elements", n)
	}
	if v := s.clients[1].LRange(t.Context(), key, 0, -1).Val(); len(v) != 1 {
		t.Errorf("somebody still waits: %q is left", v)
	}
}

// Who waits at a node that goes down is told; others go on waiting.
func TestBlockedAtNodeThatGoesDown(t *testing.T) {
	s := newStage(t, 3, 6)
	lost, kept := s.keyAt(3, "lost"), s.keyAt(2, "kept")
	gone := pop(t.Context(), s.clients[0], 0, kept, lost)
	stays := pop(t.Context(), s.clients[0], 0, kept)
	s.waiting(s.clients[0], 2)
	s.change(func(d *directory.Directory) { d.Members[2].State = directory.Down })
	select {
	case p := <-gone:
		if p.err == nil || !strings.HasPrefix(p.err.Error(), "CLUSTERDOWN") {
			t.Errorf("the client is told %+v", p)
		}
	case <-time.After(movePatience):
		t.Fatal("the client is not told")
	}
	s.waiting(s.clients[0], 1)
	s.clients[1].RPush(t.Context(), kept, "x")
	s.served(stays, kept, "x")
}
