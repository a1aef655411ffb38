package catalog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupedb/troupe/actors/directory"
)

// The times of the controller, in milliseconds of the leader's monotonic clock.
const (
	// settleTime is how long the members must have stayed as they are before shards
	// are moved to make them even: several nodes that start one after the other, or
	// one that is only restarted, cause one round of moves.
	settleTime = 3000
	// loadTime is how long after moves for load no others are begun: what is
	// measured must have followed the last ones.
	loadTime = 60_000
	// slopeTime is how long the load must have been uneven, at every look, before
	// shards are moved for it. What members say of themselves is of different
	// moments, seconds apart: while data is deleted and written anew those that have
	// told seem to have much less, or more, than those that have not.
	slopeTime = 10_000
	// voterPatience is how long a voter may be down before another member votes in
	// its place.
	voterPatience = 5000
	// farewell is how long a learner that has left the catalog stays in the raft
	// group, so that it hears that it has.
	farewell = 2000
)

const (
	// MaxVoters keeps the quorum small: five bear two failures.
	MaxVoters = 5
	// MaxMoves is how many shards move at once: more would take more of the nodes'
	// time from clients, not end sooner.
	MaxMoves = 4
	// leastSlope is by how much the loads of two members may differ, in LoadUnits,
	// before shards are moved for it: 64 MiB. With less a node has memory enough
	// either way, and a move costs its clients waits, and all nodes an epoch.
	leastSlope = 64 << 20 / LoadUnit
	// caughtUp is how many entries a learner may lag and still be made a voter.
	caughtUp = 64
)

// View is what the controller sees beside the state.
type View struct {
	Now int64 // monotonic milliseconds
	// Alive tells whether serf takes a member for alive. nil: all are.
	Alive func(id string) bool
	Raft  Raft
	// Loads may be nil.
	Loads *Loads
}

// Raft is the catalog's group as its leader sees it.
type Raft struct {
	Self    uint64 // the leader's raft id
	Commit  uint64
	Pending bool // a change of the configuration is under way, or it is joint
	Peers   []Peer
}

// Peer is one in the group, the leader too.
type Peer struct {
	ID     uint64
	Voter  bool // else a learner
	Active bool // heard of lately
	Match  uint64
}

// Action is what the controller wants done: a Propose, ConfChange or Transfer.
type Action interface{ String() string }

// Propose puts an entry into the log.
type Propose struct {
	Entry *Entry
	what  string
}

// ConfKind is a kind of change of the group's configuration.
type ConfKind uint8

// The changes of a configuration. A voter that is to be a learner is added as one.
const (
	AddLearner ConfKind = iota
	AddVoter
	RemoveNode
)

// ConfChange changes the group's configuration by one node.
type ConfChange struct {
	Kind   ConfKind
	RaftID uint64
}

// Transfer hands the leadership to another voter.
type Transfer struct{ RaftID uint64 }

func (p Propose) String() string { return p.what }

func (c ConfChange) String() string {
	return [...]string{"add learner ", "add voter ", "remove "}[c.Kind] + fmt.Sprint(c.RaftID)
}

func (t Transfer) String() string { return fmt.Sprint("transfer to ", t.RaftID) }

// Controller decides what the cluster does next. It knows only how things stand and
// since when it sees them so. Each term of a leader has a new one.
type Controller struct {
	members   []standing
	changedAt int64
	loadedAt  int64
	loaded    bool
	slopedAt  int64 // since when the plan has wanted moves for load, if sloped
	sloped    bool
	downSince map[uint64]int64 // by raft id
	strangers map[uint64]int64 // raft ids of no member, since when
	issued    map[string]int64 // actions, and when
	begun     []begun
}

// standing is what must not change for the members to be settled.
type standing struct {
	number      directory.Number
	incarnation uint64
	state       directory.State
	zone        string
}

// NewController returns one for a leader whose term begins now.
func NewController(now int64) *Controller {
	return &Controller{
		changedAt: now, downSince: map[uint64]int64{}, strangers: map[uint64]int64{}, issued: map[string]int64{},
	}
}

// Decide returns what to do now, in this order. It is called several times a second,
// and again and again: an action whose effect is not seen is returned again later.
func (c *Controller) Decide(s *State, v View) (actions []Action) {
	if s.clusterID == "" {
		return nil
	}
	c.observe(s, v)
	if a := c.voters(s, v); a != nil {
		actions = append(actions, a)
	}
	actions = append(actions, c.farewells(s, v)...)
	actions = append(actions, c.aborts(s, v)...)
	actions = append(actions, c.begins(s, v)...)
	return slices.DeleteFunc(actions, func(a Action) bool { return c.repeated(a, v.Now) })
}

// Rebalance lets moves that make shards or loads even begin without waiting, if the
// plan wants them when it is looked at next.
func (c *Controller) Rebalance(now int64) {
	c.changedAt = now - settleTime
	c.loaded = false
	c.sloped, c.slopedAt = true, now-slopeTime
}

// observe notes what is new, and since when.
func (c *Controller) observe(s *State, v View) {
	stand := make([]standing, len(s.members))
	down := map[uint64]bool{}
	for i := range s.members {
		m := &s.members[i]
		stand[i] = standing{m.Number, m.Incarnation, m.State, m.Zone}
		down[m.RaftID] = m.State == directory.Down
	}
	if !slices.Equal(stand, c.members) {
		c.members, c.changedAt = stand, v.Now
	}
	strange := map[uint64]bool{}
	for _, p := range v.Raft.Peers {
		strange[p.ID] = s.ByRaftID(p.ID) == nil
	}
	since(c.downSince, down, v.Now)
	since(c.strangers, strange, v.Now)
	maps.DeleteFunc(c.issued, func(_ string, at int64) bool { return v.Now-at >= proposeAgain })
	c.begun = slices.DeleteFunc(c.begun, func(b begun) bool {
		return v.Now-b.at >= proposeAgain || s.shards[b.shard].Epoch != b.epoch || s.shards[b.shard].To != 0
	})
}

// since keeps from when on each key has been true.
func since(at map[uint64]int64, is map[uint64]bool, now int64) {
	maps.DeleteFunc(at, func(id uint64, _ int64) bool { return !is[id] })
	for id, yes := range is { // the order is not seen
		if _, ok := at[id]; yes && !ok {
			at[id] = now
		}
	}
}

// repeated tells whether the same was asked for a moment ago.
func (c *Controller) repeated(a Action, now int64) bool {
	if _, ok := c.issued[a.String()]; ok {
		return true
	}
	c.issued[a.String()] = now
	return false
}

// alive tells whether a member is up by the catalog and by serf.
func (v *View) alive(m *Member) bool {
	return m != nil && m.State != directory.Down && (v.Alive == nil || v.Alive(m.ID))
}

// farewells ends the membership of those that have left nothing behind and are gone.
// One that is still up goes on taking clients until it says itself that it leaves.
func (c *Controller) farewells(s *State, v View) (actions []Action) {
	for i := range s.members {
		m := &s.members[i]
		if !m.Leaving || m.State != directory.Down || s.Owned(m.Number) > 0 {
			continue
		}
		if p := v.Raft.peer(m.RaftID); p == nil || !p.Voter {
			actions = append(actions, Propose{NewLeft(m.ID), "left " + m.ID})
		}
	}
	return actions
}
