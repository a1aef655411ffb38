package replica

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/troupedb/troupe/shard/wal"
)

type progress = tracker.Progress

// storage is what raft reads of the saved log: its entries, in memory. Snapshots
// for followers are not the saved one but made when raft asks, because the saved
// one may be older than the configuration that has the follower in it, which the
// follower would refuse.
type storage struct {
	*raft.MemoryStorage
	fresh func() (*pb.Snapshot, error)
}

// Snapshot is raft.Storage's.
func (s *storage) Snapshot() (*pb.Snapshot, error) { return s.fresh() }

// newStorage returns the log in state. The entry before the first one that raft may
// read must be known by its term: that is the snapshot's, or the first one kept.
func newStorage(state *wal.State, conf *pb.ConfState) (*storage, error) {
	s := &storage{MemoryStorage: raft.NewMemoryStorage()}
	index, term, entries := state.Snapshot.Index, state.Snapshot.Term, state.Entries
	if len(entries) > 0 && entries[0].Index <= index {
		index, term, entries = entries[0].Index, entries[0].Term, entries[1:]
	}
	last := index + uint64(len(entries))
	hard := state.HardState
	hard.Commit = max(hard.Commit, state.Snapshot.Index) // commits need not be synced
	switch {
	case len(entries) > 0 && entries[0].Index != index+1:
		return nil, fmt.Errorf("%w: the log begins at %d, the snapshot ends at %d", wal.ErrCorrupt, entries[0].Index, index)
	case last < state.Snapshot.Index || hard.Commit > last:
		return nil, fmt.Errorf("%w: the log ends at %d, before the snapshot at %d or the commit at %d", wal.ErrCorrupt,
			last, state.Snapshot.Index, hard.Commit)
	}
	err := s.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: conf}})
	if err == nil {
		err = s.Append(toRaft(entries))
	}
	if err == nil && hard != (wal.HardState{}) {
		err = s.SetHardState(&pb.HardState{Term: &hard.Term, Vote: &hard.Vote, Commit: &hard.Commit})
	}
	return s, err
}

func toRaft(entries []wal.Entry) []*pb.Entry {
	all := make([]*pb.Entry, len(entries))
	for i := range entries {
		e := entries[i]
		all[i] = &pb.Entry{Term: &e.Term, Index: &e.Index, Type: pb.EntryType(e.Type).Enum(), Data: e.Data}
	}
	return all
}

func fromRaft(entries []*pb.Entry) []wal.Entry {
	all := make([]wal.Entry, len(entries))
	for i, e := range entries {
		all[i] = wal.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Type: uint8(e.GetType()), Data: e.GetData()}
	}
	return all
}

// logger gives raft's warnings to the caller; the rest is of no interest here.
type logger struct{ warn func(string, ...any) }

func (l logger) Debug(...any)                {}
func (l logger) Debugf(string, ...any)       {}
func (l logger) Info(...any)                 {}
func (l logger) Infof(string, ...any)        {}
func (l logger) Warning(v ...any)            { l.warn("%s", fmt.Sprint(v...)) }
func (l logger) Warningf(f string, v ...any) { l.warn(f, v...) }
func (l logger) Error(v ...any)              { l.warn("%s", fmt.Sprint(v...)) }
func (l logger) Errorf(f string, v ...any)   { l.warn(f, v...) }
func (l logger) Fatal(v ...any)              { panic(fmt.Sprint(v...)) }
func (l logger) Fatalf(f string, v ...any)   { panic(fmt.Sprintf(f, v...)) }
func (l logger) Panic(v ...any)              { panic(fmt.Sprint(v...)) }
func (l logger) Panicf(f string, v ...any)   { panic(fmt.Sprintf(f, v...)) }
