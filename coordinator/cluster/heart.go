package cluster

import (
	"errors"
	"time"

	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// shareEvery is how many heartbeats are sent to the leader for one that goes to the
// other voters: one of them leads next, and has to know what is lost with the leader.
const shareEvery = 4

// heartbeatEvery is from the answer to a heartbeat to the next one, and from one to the
// next while none is answered.
const heartbeatEvery = catalog.HeartbeatEvery * time.Millisecond

// heart sends this node's heartbeats until it stops.
func (c *Cluster) heart() {
	defer c.beating.Stop()
	// Numbers are not used twice: what an earlier process was answered here must not
	// be taken for an answer to this one.
	var asked time.Time
	for seq := c.incarnation; ; seq++ {
		c.sendBeat(seq)
		stranger := false
		select {
		case <-c.ctx.Done():
			return
		case <-c.join:
			stranger = true
		case <-c.beating.C:
		}
		if (stranger || c.unheard()) && time.Since(asked) > askAgain {
			asked = time.Now()
			c.done.Go(c.joinAgain)
		}
	}
}

// unheard tells whether this node has had no lease for so long that it may be out of
// the catalog's group, and not hear who leads it.
func (c *Cluster) unheard() bool {
	c.leaseMu.Lock()
	defer c.leaseMu.Unlock()
	until, ok := c.lease.Until()
	return ok && c.now() > until+askAgain.Milliseconds()
}

func (c *Cluster) sendBeat(seq uint64) {
	st := c.raft().Status()
	addr := c.raftAddr(st.Leader)
	if !st.IsLeader && addr == "" {
		return
	}
	h := heartbeat{seq: seq}
	if hooks := c.hooks.Load(); hooks != nil {
		h.loads, h.moves = hooks.Loads(), hooks.Moves()
	}
	c.leaseMu.Lock()
	c.lease.Sent(seq, c.now())
	c.beaten = seq
	c.leaseMu.Unlock()
	if st.IsLeader {
		c.takeBeat(transport.From{ID: c.id.ID, Incarnation: c.incarnation}, h)
	} else {
		c.transport.Send(addr, kindHeartbeat, h.encode())
	}
	if seq%shareEvery == 0 {
		h.seq = notBeat
		c.share(st.Leader, st.Conf.Voters, h.encode())
	}
}

// notBeat is the number of heartbeats that are not to be answered.
const notBeat = 0

func (c *Cluster) share(leader uint64, voters []uint64, beat []byte) {
	for _, id := range voters {
		if id == leader || id == c.id.RaftID {
			continue
		}
		if addr := c.raftAddr(id); addr != "" {
			c.transport.Send(addr, kindHeartbeat, beat)
		}
	}
}

// heard takes a heartbeat of another node.
func (c *Cluster) heard(from transport.From, payload []byte) {
	h, err := parseHeartbeat(payload)
	if err != nil {
		c.o.Logger.Warn("refused a heartbeat", "from", from.Address, "error", err)
		return
	}
	c.takeBeat(from, h)
}

func (c *Cluster) takeBeat(from transport.From, h heartbeat) {
	c.store.with(func(s *catalog.State) {
		c.loadsMu.Lock()
		defer c.loadsMu.Unlock()
		c.note(s, from, &h)
	})
	if h.seq == notBeat {
		return
	}
	select {
	case c.beats <- beat{from.ID, from.Address, from.Incarnation, h.seq}:
	default: // the next one comes in time
	}
}

// answerBeat tells a node what became of its heartbeat.
func (c *Cluster) answerBeat(b beat, answer catalog.Answer) {
	a := beatAck{b.seq, answer}
	if b.id == c.id.ID && b.incarnation == c.incarnation {
		c.acked(a)
		return
	}
	c.transport.Send(b.addr, kindBeatAck, a.encode())
}

func (c *Cluster) heardAck(from transport.From, payload []byte) {
	a, err := parseBeatAck(payload)
	if err != nil {
		c.o.Logger.Warn("refused an answer to a heartbeat", "from", from.Address, "error", err)
		return
	}
	c.acked(a)
}

func (c *Cluster) acked(a beatAck) {
	if a.answer == catalog.Stranger {
		select {
		case c.join <- struct{}{}:
		default:
		}
		return
	}
	c.leaseMu.Lock()
	c.lease.Acked(a.seq)
	if a.seq == c.beaten {
		// All who were answered together send their next ones together: see gatherFor.
		c.beating.Reset(heartbeatEvery)
	}
	c.leaseMu.Unlock()
	c.extend()
	c.leased.Do(func() { close(c.firstLease) })
}

// joinAgain is for a node whose process, or membership, the catalog does not know, or
// may not: the others know whom to ask.
func (c *Cluster) joinAgain() {
	if c.leaving.Load() {
		return
	}
	err := c.tryEnter(c.ctx, false)
	switch {
	case err == nil || c.ctx.Err() != nil:
	case errors.Is(err, catalog.StaleIncarnation):
		c.o.Logger.Error("another process has taken this node's place: no two nodes may have one --name or one --dir", "node", c.o.Name)
	default:
		c.o.Logger.Warn("cannot join the cluster again", "error", err)
	}
}
