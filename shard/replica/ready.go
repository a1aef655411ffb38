package replica

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/troupedb/troupe/shard/wal"
)

// Message goes to the replica To, or is lost.
type Message struct {
	To   uint64
	Data []byte
}

// Ready is what is to be done, in this order: send Now, save Save if Saves, send
// Later, Advance.
type Ready struct {
	Now   []Message
	Saves bool
	Save  wal.Update
	Later []Message
}

// Done is what has happened in Advance.
type Done struct {
	Outcomes []Outcome
	// Changed: another term, leader, role or configuration than before.
	Changed bool
}

// HasReady tells whether there is something to be done.
func (r *Replica) HasReady() bool {
	return r.due != nil || len(r.outcomes) > 0 || r.changed || r.node.HasReady()
}

// Ready returns what is to be done.
func (r *Replica) Ready() Ready {
	if r.ready != nil {
		panic("replica: Ready without Advance")
	}
	rd := r.node.Ready()
	r.ready = &rd
	var out Ready
	for _, m := range rd.Messages {
		data, err := proto.Marshal(m)
		if err != nil {
			panic(fmt.Sprintf("replica: %s does not marshal: %v", m.GetType(), err))
		}
		if m.GetType() == pb.MsgSnap {
			r.noteSending(m.GetTo())
		}
		if promises(m.GetType()) {
			out.Later = append(out.Later, Message{m.GetTo(), data})
		} else {
			out.Now = append(out.Now, Message{m.GetTo(), data})
		}
	}
	out.Save = r.save(&rd)
	out.Saves = out.Save.Snapshot != nil || len(out.Save.Entries) > 0 || out.Save.HardState != wal.HardState{}
	return out
}

// promises tells which messages promise that what was agreed to is saved. A request
// for votes counts among them, though raft does not ask for it: were the term that
// it names forgotten in a crash, the same request could be made twice, of two logs.
func promises(t pb.MessageType) bool {
	switch t {
	case pb.MsgAppResp, pb.MsgVoteResp, pb.MsgPreVoteResp, pb.MsgVote, pb.MsgPreVote:
		return true
	}
	return false
}

// save is what must be saved: of raft, and the snapshot that was made here.
func (r *Replica) save(rd *raft.Ready) wal.Update {
	u := wal.Update{Entries: fromRaft(rd.Entries), Sync: rd.MustSync}
	if h := rd.HardState; !raft.IsEmptyHardState(h) {
		u.HardState = wal.HardState{Term: h.GetTerm(), Vote: h.GetVote(), Commit: h.GetCommit()}
	}
	if s := rd.Snapshot; !raft.IsEmptySnap(s) {
		u.Snapshot, u.Reset, u.Sync = fromSnapshot(s), true, true
	} else if r.due != nil {
		u.Snapshot, u.First, u.Sync = r.due, r.dueFirst, true
	}
	r.due = nil
	return u
}

func fromSnapshot(s *pb.Snapshot) *wal.Snapshot {
	meta := s.GetMetadata()
	conf, err := proto.Marshal(meta.GetConfState())
	if err != nil {
		panic(fmt.Sprintf("replica: a configuration does not marshal: %v", err))
	}
	return &wal.Snapshot{Index: meta.GetIndex(), Term: meta.GetTerm(), Conf: conf, Data: s.GetData()}
}

// Advance goes on after the last Ready is done with: it applies what is committed,
// and makes a snapshot if it is time. After an error the replica is of no use.
func (r *Replica) Advance() (Done, error) {
	rd := r.ready
	r.ready = nil
	if err := r.stored(rd); err != nil {
		return Done{}, err
	}
	for _, e := range rd.CommittedEntries {
		if err := r.apply(e); err != nil {
			return Done{}, err
		}
	}
	for _, s := range rd.ReadStates {
		r.answer(s.RequestCtx, s.Index)
	}
	r.node.Advance(*rd)
	r.observe()
	if err := r.compact(); err != nil {
		return Done{}, err
	}
	r.settleReads()
	d := Done{r.outcomes, r.changed}
	r.outcomes, r.changed = nil, false
	return d, nil
}

// stored takes over what is saved now.
func (r *Replica) stored(rd *raft.Ready) error {
	if s := rd.Snapshot; !raft.IsEmptySnap(s) {
		meta := s.GetMetadata()
		if err := r.cfg.Machine.Restore(s.GetData()); err != nil {
			return fmt.Errorf("replica: snapshot at %d: %w", meta.GetIndex(), err)
		}
		if err := r.store.ApplySnapshot(&pb.Snapshot{Metadata: meta}); err != nil {
			return fmt.Errorf("replica: %w", err)
		}
		r.applied, r.appliedTerm = meta.GetIndex(), meta.GetTerm()
		r.snapAt, r.triedAt, r.bytesSince = r.applied, r.applied, 0
		r.setConf(meta.GetConfState())
		r.loseProposals()
	}
	if err := r.store.Append(rd.Entries); err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	if raft.IsEmptyHardState(rd.HardState) {
		return nil
	}
	return r.store.SetHardState(rd.HardState)
}

func (r *Replica) setConf(c *pb.ConfState) {
	r.confState, r.conf, r.changed = pb.EnsureConfState(c), confOf(c), true
}

// apply carries out one committed entry.
func (r *Replica) apply(e *pb.Entry) error {
	data := e.GetData()
	r.bytesSince += uint64(len(data))
	if e.GetType() == pb.EntryNormal {
		if len(data) > 0 {
			r.cfg.Machine.Apply(e.GetIndex(), data)
		}
		r.applied, r.appliedTerm = e.GetIndex(), e.GetTerm()
		r.settleProposals(e.GetTerm(), len(data) > 0)
		r.settleChange(e.GetTerm(), false)
		return nil
	}
	cc := &pb.ConfChangeV2{}
	if err := proto.Unmarshal(data, cc); err != nil || e.GetType() != pb.EntryConfChangeV2 {
		return fmt.Errorf("replica: entry %d is no change of the configuration: %v", e.GetIndex(), err)
	}
	// raft may ask for a snapshot in between: it is of what is applied until now.
	next := r.node.ApplyConfChange(cc)
	r.applied, r.appliedTerm = e.GetIndex(), e.GetTerm()
	r.setConf(next)
	r.settleProposals(e.GetTerm(), false)
	r.settleChange(e.GetTerm(), true)
	return nil
}

// freshSnapshot is what raft sends to a follower that lags too far.
func (r *Replica) freshSnapshot() (*pb.Snapshot, error) {
	data := r.cfg.Machine.Snapshot()
	if len(data) > MaxSnapshot {
		r.cfg.Warn("replica: a snapshot of %d bytes cannot be sent", len(data))
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	index, term := r.applied, r.appliedTerm
	return &pb.Snapshot{Data: data, Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: r.confState}}, nil
}

// compact makes a snapshot of the machine, to be saved with the next Ready, and
// shortens the log.
func (r *Replica) compact() error {
	if r.applied-r.triedAt < r.cfg.SnapshotEvery && (r.bytesSince < r.cfg.SnapshotBytes || r.applied == r.triedAt) {
		return nil
	}
	r.triedAt, r.bytesSince = r.applied, 0
	s, err := r.freshSnapshot()
	if err != nil {
		r.oversize++
		return nil
	}
	r.due, r.snapAt = fromSnapshot(s), r.applied
	r.dueFirst = 0
	if r.applied > r.cfg.KeepEntries {
		first, _ := r.store.FirstIndex()
		// The entry that is kept before the first one tells its term only.
		if keep := r.applied - r.cfg.KeepEntries; keep >= first {
			r.dueFirst = keep
			if err := r.store.Compact(keep); err != nil && !errors.Is(err, raft.ErrCompacted) {
				return fmt.Errorf("replica: %w", err)
			}
		}
	}
	return nil
}
