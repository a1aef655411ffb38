package gateway

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/migrate"
	"github.com/troupedb/troupe/gateway/peer"
	"github.com/troupedb/troupe/gateway/session"
)

// topicMove is of the frames between the two ends of a move.
const topicMove peer.Topic = 'M'

// decider has the catalog end moves.
type decider interface {
	// EndMove commits or aborts a move, as often as it takes until ctx ends. nil: the
	// catalog has it so.
	EndMove(ctx context.Context, shard int, move uint64, commit bool) error
}

// movers are this node's ends of moves: where the directory says that a shard moves
// from here or to here, a mover feeds the engine of package migrate.
type movers struct {
	g      *Gateway
	decide decider // nil: nobody does
	began  time.Time
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex
	live map[int]*mover
}

func newMovers(g *Gateway) *movers {
	m := &movers{g: g, began: time.Now(), live: map[int]*mover{}}
	if g.member != nil {
		m.decide = g.member.Cluster
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	g.streams.Listen(topicMove, m.hear)
	g.streams.OnOpen(m.linked)
	return m
}

// stop ends all movers. To the cluster the node has crashed.
func (m *movers) stop() {
	m.mu.Lock()
	m.cancel()
	m.mu.Unlock()
	m.done.Wait()
}

// now is a monotonic time in milliseconds.
func (m *movers) now() int64 { return time.Since(m.began).Milliseconds() }

// follow tells movers where their shards are, and begins those that are missing. The
// shards themselves follow the directory already.
func (m *movers) follow(d *directory.Directory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return
	}
	for i, p := range d.Places {
		v := m.live[i]
		if v == nil && p.To != 0 && (p.Owner == d.Self || p.To == d.Self) {
			v = newMover(m, i)
			m.live[i] = v
			m.done.Go(v.run)
		}
		if v != nil {
			v.in.learn(known{p, d.Self})
		}
	}
}

// hear takes a frame, on an event loop. One for which there is no mover is early or
// late: it comes again, or is not needed.
func (m *movers) hear(from directory.Number, content []byte, _ func([]byte)) error {
	f, err := migrate.Parse(content)
	if err != nil {
		return err
	}
	m.mu.Lock()
	v := m.live[int(f.Shard)]
	m.mu.Unlock()
	if v != nil {
		v.in.arrive(from, f)
	}
	return nil
}

// linked tells that there is a stream to a peer again, on an event loop.
func (m *movers) linked(to directory.Number) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.live {
		v.in.linked(to)
	}
}

// retire ends a mover that has nothing to do and nothing to learn.
func (m *movers) retire(v *mover) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.source != nil || v.target != nil || v.in.unlearned() {
		return false
	}
	delete(m.live, v.shard)
	return true
}

// Moves tells how far the shards are that are on their way from this node to others,
// in the order of shards.
func (g *Gateway) Moves() []session.MoveStatus {
	m := g.movers
	m.mu.Lock()
	defer m.mu.Unlock()
	moves := []session.MoveStatus{}
	for _, v := range m.live {
		if st := v.status.Load(); st != nil {
			moves = append(moves, *st)
		}
	}
	slices.SortFunc(moves, func(a, b session.MoveStatus) int { return cmp.Compare(a.Shard, b.Shard) })
	return moves
}
