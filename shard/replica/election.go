package replica

import "go.etcd.io/raft/v3"

// random is SplitMix64.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// election counts the ticks since a replica has last heard of a leader, or given
// its vote, up to the limit at which it stands for election itself.
type election struct {
	random random
	ticks  int
	limit  int
}

func (r *Replica) resetElection() {
	e, n := &r.election, r.cfg.ElectionTicks
	e.ticks, e.limit = 0, n+int(e.random.next()%uint64(n))
}

// sending is a snapshot on its way to a follower, which gets nothing else as long.
type sending struct {
	to    uint64
	ticks int
}

// Tick tells the replica that time passes.
func (r *Replica) Tick() {
	if r.leads() {
		r.node.Tick()
		r.tickSnapshots()
	} else {
		// raft's own Tick would also hold elections, by a limit of the system's
		// randomness; it only counts here, and the rest is below.
		r.node.TickQuiesced()
		r.tickElection()
	}
	r.observe()
	r.tickReads()
}

func (r *Replica) tickElection() {
	e := &r.election
	e.ticks++
	if !r.conf.Votes(r.cfg.ID) || e.ticks < e.limit && !r.conf.alone(r.cfg.ID) {
		return
	}
	r.resetElection()
	_ = r.node.Campaign() // refused while changes of the configuration are to be applied
}

// tickSnapshots gives up snapshots that were not answered: they may be lost, and
// raft would wait for ever.
func (r *Replica) tickSnapshots() {
	for i := 0; i < len(r.sending); i++ {
		s := &r.sending[i]
		if s.ticks++; s.ticks >= 2*r.cfg.ElectionTicks {
			r.node.ReportSnapshot(s.to, raft.SnapshotFailure)
			r.sending = append(r.sending[:i], r.sending[i+1:]...)
			i--
		}
	}
}

func (r *Replica) noteSending(to uint64) {
	for i := range r.sending {
		if r.sending[i].to == to {
			r.sending[i].ticks = 0
			return
		}
	}
	r.sending = append(r.sending, sending{to: to})
}

// ReportUnreachable tells that a message to a replica was not delivered.
func (r *Replica) ReportUnreachable(id uint64) { r.node.ReportUnreachable(id) }

// ReportSnapshot tells whether the last snapshot to a replica was delivered. Who
// cannot tell need not: the follower's answer tells, or none comes in time.
func (r *Replica) ReportSnapshot(id uint64, delivered bool) {
	status := raft.SnapshotFinish
	if !delivered {
		status = raft.SnapshotFailure
	}
	r.node.ReportSnapshot(id, status)
}
