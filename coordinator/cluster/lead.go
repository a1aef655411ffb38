package cluster

import (
	"context"
	"time"

	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/shard/replica"
)

const (
	// leadEvery is how often a leader looks at the cluster.
	leadEvery = 100 * time.Millisecond
	// gatherFor is how long the first of some heartbeats waits for those behind it:
	// making sure, for one or for all, takes a message to each voter and back. The
	// nodes count to their next from the answer, so theirs come together from then on.
	gatherFor = 50 * time.Millisecond
	// maxBeats bounds the heartbeats that wait for the leader to make sure that it is.
	maxBeats = 4096
)

// beat is a heartbeat that is to be acknowledged.
type beat struct {
	id, addr    string
	incarnation uint64
	seq         uint64
}

// leader is what this node does if it leads the catalog's group.
type leader struct {
	c          *Cluster
	term       uint64 // 0: it does not lead
	arbiter    catalog.Arbiter
	controller *catalog.Controller
	pending    []beat
	gathered   <-chan time.Time // nil: no heartbeat waits for others
	reading    bool
	confirmed  chan confirmed
}

// confirmed tells whether this node has led, in the term, after the beats had come.
type confirmed struct {
	beats []beat
	term  uint64
	err   error
}

// lead runs until the node stops.
func (c *Cluster) lead() {
	l := &leader{c: c, confirmed: make(chan confirmed, 1)}
	ticker := time.NewTicker(leadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
			l.tick()
		case b := <-c.beats:
			l.take(b)
		case <-l.gathered:
			l.gathered = nil
			l.confirm()
		case r := <-l.confirmed:
			l.reading = false
			if r.err == nil && r.term == l.term {
				l.acknowledge(r.beats)
			}
			l.gather()
		}
	}
}

// take takes a heartbeat, if this node leads and not too many wait.
func (l *leader) take(b beat) {
	if l.term != 0 && len(l.pending) < maxBeats {
		l.pending = append(l.pending, b)
		l.gather()
	}
}

// gather has the heartbeats that wait confirmed soon.
func (l *leader) gather() {
	if len(l.pending) > 0 && !l.reading && l.gathered == nil {
		l.gathered = time.After(gatherFor)
	}
}

// confirmFor bounds how long a quorum is waited for.
const confirmFor = time.Second

// confirm asks a quorum whether this node still leads, for all beats that wait. Any
// replica may read: that the answer is a leader's shows in that it leads before and
// after in one term.
func (l *leader) confirm() {
	if l.reading || len(l.pending) == 0 {
		return
	}
	beats, term := l.pending, l.term
	l.pending, l.reading = nil, true
	l.c.done.Go(func() {
		ctx, cancel := context.WithTimeout(l.c.ctx, confirmFor)
		defer cancel()
		err := errNoLeader
		if l.leads(term) {
			if err = l.c.raft().ReadIndex(ctx); err == nil && !l.leads(term) {
				err = errNoLeader
			}
		}
		l.confirmed <- confirmed{beats, term, err}
	})
}

func (l *leader) leads(term uint64) bool {
	st := l.c.raft().Status()
	return st.IsLeader && st.Settled && st.Term == term
}

func (l *leader) acknowledge(beats []beat) {
	if l.term == 0 {
		return
	}
	answers := make([]catalog.Answer, len(beats))
	l.c.store.with(func(s *catalog.State) {
		for i, b := range beats {
			answers[i] = l.arbiter.Heartbeat(s, b.id, b.incarnation, l.c.now())
		}
	})
	for i, b := range beats {
		if answers[i] != catalog.Wait {
			l.c.answerBeat(b, answers[i])
		}
	}
}

// tick takes over or steps down, and does what a leader has to.
func (l *leader) tick() {
	st := l.c.raft().Status()
	if !st.IsLeader || !st.Settled {
		if l.term != 0 {
			l.term, l.controller, l.pending = 0, nil, nil
			l.arbiter.StepDown()
		}
		l.c.asked.Store(false)
		return
	}
	if st.Term != l.term {
		l.takeOver(st.Term)
	}
	var entries []*catalog.Entry
	var actions []catalog.Action
	l.c.store.with(func(s *catalog.State) {
		l.c.loadsMu.Lock()
		defer l.c.loadsMu.Unlock()
		entries = l.arbiter.Tick(s, &l.c.loads, l.c.now(), time.Now().UnixMilli())
		if l.c.asked.Swap(false) {
			l.controller.Rebalance(l.c.now())
		}
		actions = l.controller.Decide(s, catalog.View{
			Now: l.c.now(), Raft: raftView(&st), Loads: &l.c.loads,
			Alive: func(id string) bool { return id == l.c.id.ID || l.c.phone.alive(id) },
		})
	})
	for _, e := range entries {
		l.propose(e)
	}
	for _, a := range actions {
		l.act(a)
	}
}

// takeOver begins a term.
func (l *leader) takeOver(term uint64) {
	l.c.o.Logger.Info("this node leads the catalog", "term", term)
	l.term, l.controller, l.pending = term, catalog.NewController(l.c.now()), nil
	l.c.store.with(func(s *catalog.State) {
		l.arbiter.BecomeLeader(s, term, l.c.now())
		l.c.loadsMu.Lock()
		defer l.c.loadsMu.Unlock()
		clear(l.c.signs) // of a term before
	})
}

func (l *leader) propose(e *catalog.Entry) {
	l.c.done.Go(func() {
		ctx, cancel := context.WithTimeout(l.c.ctx, proposePatience)
		defer cancel()
		if r, err := l.c.proposeHere(ctx, e); err != nil {
			l.c.o.Logger.Debug("a proposal of the leader was lost", "error", err)
		} else if err := r.Err(); err != nil {
			l.c.o.Logger.Debug("a proposal of the leader was refused", "error", err)
		}
	})
}

func (l *leader) act(a catalog.Action) {
	l.c.o.Logger.Info("the leader decides", "action", a.String())
	switch a := a.(type) {
	case catalog.Propose:
		l.propose(a.Entry)
	case catalog.ConfChange:
		l.change(a)
	case catalog.Transfer:
		l.c.done.Go(func() {
			ctx, cancel := context.WithTimeout(l.c.ctx, proposePatience)
			defer cancel()
			if err := l.c.raft().TransferLeader(ctx, a.RaftID); err != nil {
				l.c.o.Logger.Debug("the leadership was not handed over", "error", err)
			}
		})
	}
}

// change changes the voters and learners of the catalog's group.
func (l *leader) change(a catalog.ConfChange) {
	st := l.c.raft().Status()
	kind := replica.Remove
	switch {
	case a.Kind == catalog.AddVoter:
		kind = replica.Promote
	case a.Kind == catalog.AddLearner && st.Conf.Votes(a.RaftID):
		kind = replica.Demote
	case a.Kind == catalog.AddLearner:
		kind = replica.AddLearner
	}
	l.c.done.Go(func() {
		ctx, cancel := context.WithTimeout(l.c.ctx, proposePatience)
		defer cancel()
		if err := l.c.raft().ChangeConf(ctx, replica.Change{Kind: kind, ID: a.RaftID}); err != nil {
			l.c.o.Logger.Debug("the catalog's group was not changed", "change", a.String(), "error", err)
		}
	})
}

func raftView(st *replica.Status) catalog.Raft {
	r := catalog.Raft{Self: st.ID, Commit: st.Commit, Pending: st.Conf.Joint()}
	r.Peers = append(r.Peers, catalog.Peer{ID: st.ID, Voter: st.Conf.Votes(st.ID), Active: true, Match: st.Last})
	for _, p := range st.Peers {
		if p.ID != st.ID {
			r.Peers = append(r.Peers, catalog.Peer{ID: p.ID, Voter: !p.Learner, Active: p.Active, Match: p.Match})
		}
	}
	return r
}
