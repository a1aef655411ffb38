package cluster

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// Unknown stands for a number in a Report that nobody has told.
const Unknown = -1

// reportPatience is how long the leader may take to say what it knows: whoever wants
// to look at a cluster that is not well must not be kept waiting.
const reportPatience = time.Second

// Report is what members say of themselves with their heartbeats, as the catalog's
// leader was told.
type Report struct {
	Heard []Heard // by member; who is missing was not heard by this leader
	Keys  []int64 // by shard, Unknown: its owner has not said
	Moves []Move
}

// Heard is how long ago, in milliseconds, a member's last heartbeat came.
type Heard struct {
	Member directory.Number
	Ago    int64
}

// Move is how far a shard's move has come, as its owner tells.
type Move struct {
	Shard int
	ID    uint64 // the move's
	Phase string
	Age   int64 // milliseconds since it began
	Keys  int64 // sent
	Bytes int64 // sent
	// KeysLeft is about how many are still to be sent.
	KeysLeft int64
}

// sign is the last heartbeat that a leader has had of a member.
type sign struct {
	incarnation uint64
	at          int64
	moves       []Move
}

// note keeps what a heartbeat says. The state's and the loads' mutexes are held.
func (c *Cluster) note(s *catalog.State, from transport.From, h *heartbeat) {
	m := s.ByID(from.ID)
	if m == nil || m.Incarnation != from.Incarnation {
		return
	}
	c.loads.Report(s, from.ID, from.Incarnation, h.loads)
	if len(c.signs) > len(s.Members())+directory.MaxMembers {
		maps.DeleteFunc(c.signs, func(id string, _ sign) bool { return s.ByID(id) == nil })
	}
	c.signs[from.ID] = sign{from.Incarnation, c.now(), h.moves}
}

// Report returns what is known of all members: the leader is asked, for a second at
// most. If it does not answer, complete is false and the report is of this node alone.
func (c *Cluster) Report(ctx context.Context) (r Report, complete bool) {
	if c.raft().Status().IsLeader {
		return c.told(), true
	}
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	if addr := c.leaderAddr(); addr != "" {
		if b, err := c.transport.Request(ctx, addr, kindReport, nil); err == nil {
			if r, err = parseReport(b); err == nil {
				return r, true
			}
		}
	}
	return c.own(), false
}

// reported answers who asks the leader.
func (c *Cluster) reported(context.Context, transport.From, []byte) ([]byte, error) {
	if !c.raft().Status().IsLeader {
		return nil, errNoLeader
	}
	r := c.told()
	return r.encode(), nil
}

// told is what this node was told as the leader.
func (c *Cluster) told() (r Report) {
	c.store.with(func(s *catalog.State) {
		c.loadsMu.Lock()
		defer c.loadsMu.Unlock()
		r.Keys = slices.Repeat([]int64{Unknown}, s.Shards())
		for _, m := range s.Members() {
			for _, k := range c.loads.Keys(s, m.Number) {
				r.Keys[k.Shard] = k.Keys
			}
			sign, ok := c.signs[m.ID]
			if !ok || sign.incarnation != m.Incarnation {
				continue
			}
			r.Heard = append(r.Heard, Heard{m.Number, c.now() - sign.at})
			for _, v := range sign.moves {
				if v.Shard < s.Shards() && s.Place(v.Shard).MoveID == v.ID {
					v.Age += c.now() - sign.at
					r.Moves = append(r.Moves, v)
				}
			}
		}
	})
	return r
}

// own is what this node knows of its own.
func (c *Cluster) own() (r Report) {
	c.store.with(func(s *catalog.State) { r.Keys = slices.Repeat([]int64{Unknown}, s.Shards()) })
	hooks := c.hooks.Load()
	if hooks == nil {
		return r
	}
	for _, l := range hooks.Loads() {
		if l.Shard < len(r.Keys) {
			r.Keys[l.Shard] = l.Keys
		}
	}
	r.Moves = hooks.Moves()
	return r
}
