package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// pop waits at all queues.
func (l *load) pop(ctx context.Context, c *redis.Client, who, _ int) error {
	v, err := c.BLPop(ctx, time.Second, "queue0", "queue1", "queue2", "queue3", "queue4").Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, twice := l.popped.LoadOrStore(v[1], true); twice {
		return fmt.Errorf("%s was popped twice", v[1])
	}
	return nil
}

// Lists whose last elements are popped while their shards move lose nothing: what a
// saga has taken out and puts back travels too.
func TestPopsWhileMoving(t *testing.T) {
	s := newStage(t, 3, 16)
	l := newLoad(s)
	for i, c := range s.clients {
		l.client(i, c, l.pop)
	}
	l.whileShuffled()
}

// Moves that race with the clients' coming, with pushes and with clients that give up
// serve each client at most once and lose nothing.
func TestBlockedRaces(t *testing.T) {
	s := newStage(t, 3, 6)
	stop := make(chan struct{})
	var moving sync.WaitGroup
	moving.Go(func() { s.shuffle(40*time.Millisecond, stop) })
	for i := range 60 {
		key := fmt.Sprint("race", i%7)
		got := pop(t.Context(), s.clients[i%3], 0, key, "never")
		if i%2 == 0 {
			s.waiting(s.clients[i%3], 1)
		}
		if err := s.clients[(i+1)%3].RPush(t.Context(), key, i).Err(); err != nil {
			t.Fatal(err)
		}
		s.served(got, key, fmt.Sprint(i))
	}
	close(stop)
	moving.Wait()
	s.settle()
	if n := s.clients[0].DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	for _, c := range s.clients {
		s.waiting(c, 0)
	}
}
