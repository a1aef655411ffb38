package replica

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/troupedb/troupe/shard/wal"
)

const (
	// MaxProposal bounds the data of one entry.
	MaxProposal = 1 << 20
	// MaxSnapshot bounds a machine's snapshot, which is one message. A machine that
	// outgrows it is not snapshot any more; its log grows instead, as Status tells.
	MaxSnapshot = 2 << 20
	// MaxMessage bounds one message.
	MaxMessage = MaxSnapshot + 256<<10
	// MaxWaiting bounds the proposals, and the reads, that are under way.
	MaxWaiting = 4096

	maxAppend      = 256 << 10 // entries in one message; a larger one goes alone
	maxInflight    = 64        // messages with entries to one follower, unanswered
	maxInflightLog = 4 << 20   // bytes of them
	maxUncommitted = 4 << 20   // bytes of a leader's log that are not agreed on yet
	maxCommitted   = 4 << 20   // bytes that one Advance applies
)

var (
	// ErrOverloaded means that too much is under way; nothing was proposed.
	ErrOverloaded = errors.New("replica: too many requests under way")
	// ErrTooLarge means that data or a message exceeds its limit.
	ErrTooLarge = errors.New("replica: too large")
	// ErrDropped means that a proposal was certainly not carried out, and never
	// will be: others were put in its place.
	ErrDropped = errors.New("replica: proposal dropped by a change of leader")
	// ErrUnknown means that nobody here can tell whether a proposal was carried out.
	ErrUnknown = errors.New("replica: outcome unknown")
)

// NotLeaderError refuses what only a leader may do.
type NotLeaderError struct {
	Leader uint64 // 0: not known
}

func (e *NotLeaderError) Error() string {
	return fmt.Sprintf("replica: not the leader, which is %d", e.Leader)
}

// Machine is what the group agrees about.
type Machine interface {
	// Apply carries out an entry. The data may be kept, not changed.
	Apply(index uint64, data []byte)
	// Snapshot returns the state, for Restore. It is not changed afterwards.
	Snapshot() []byte
	// Restore replaces the state.
	Restore(data []byte) error
}

// Config of a replica; what is 0 has a default.
type Config struct {
	// ID is the replica's own in its group, for good: a log that was written under
	// one id must not be continued under another. 0 and the two greatest
	// numbers are not allowed.
	ID      uint64
	Machine Machine // in its initial state
	// State is what the log has of the group.
	State wal.State
	// Seed makes elections and the names of reads differ between replicas, and
	// between the lives of one: no two may have the same.
	Seed uint64
	// ElectionTicks is how long a follower waits for a leader, at least, and at
	// most almost twice as long: 10.
	ElectionTicks int
	// HeartbeatTicks is how often a leader makes itself heard: 3.
	HeartbeatTicks int
	// A snapshot is made after SnapshotEvery entries (4096) or SnapshotBytes of
	// them (16 MiB). KeepEntries (512) before it stay in the log, so that those
	// who lag a little need not be sent the snapshot.
	SnapshotEvery, SnapshotBytes, KeepEntries uint64
	// Warn, if set, is told what is odd.
	Warn func(format string, args ...any)
}

func (c *Config) fill() {
	setDefault(&c.ElectionTicks, 10)
	setDefault(&c.HeartbeatTicks, 3)
	setDefault(&c.SnapshotEvery, 4096)
	setDefault(&c.SnapshotBytes, 16<<20)
	setDefault(&c.KeepEntries, 512)
	if c.Warn == nil {
		c.Warn = func(string, ...any) {}
	}
}

func setDefault[T int | uint64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Replica is one replica of a group. It is not safe for concurrent use.
type Replica struct {
	cfg   Config
	node  *raft.RawNode
	store *storage

	// What is applied: to the machine, and of the configuration.
	applied, appliedTerm uint64
	conf                 Conf
	confState            *pb.ConfState

	// The last snapshot, and what came since.
	snapAt, triedAt, bytesSince uint64
	oversize                    int
	due                         *wal.Snapshot // made, and not saved yet
	dueFirst                    uint64

	// As seen last.
	term, lead uint64
	role       raft.StateType

	election election
	sending  []sending // snapshots to followers
	tickets  uint64
	waiting  []proposal
	change   *change
	reads    reads
	outcomes []Outcome
	changed  bool

	ready *raft.Ready // handed out
}

// Bootstrap returns the state with which the first replica of a group starts, once
// the update is saved: initial is the machine's snapshot. It is a snapshot already,
// at entry 1, so that whoever joins is sent it and learns of the configuration.
func Bootstrap(id uint64, initial []byte) (wal.State, wal.Update, error) {
	if len(initial) > MaxSnapshot {
		return wal.State{}, wal.Update{}, fmt.Errorf("%w: initial state of %d bytes", ErrTooLarge, len(initial))
	}
	conf, err := proto.Marshal(&pb.ConfState{Voters: []uint64{id}})
	s := wal.State{
		HardState: wal.HardState{Term: 1, Commit: 1},
		Snapshot:  wal.Snapshot{Index: 1, Term: 1, Conf: conf, Data: initial},
	}
	return s, wal.Update{Snapshot: &s.Snapshot, Reset: true, HardState: s.HardState, Sync: true}, err
}

// New returns the replica that continues from cfg.State.
func New(cfg Config) (*Replica, error) {
	cfg.fill()
	r := &Replica{cfg: cfg}
	state := &cfg.State
	r.cfg.State = wal.State{}
	r.confState = &pb.ConfState{}
	if err := proto.Unmarshal(state.Snapshot.Conf, r.confState); err != nil {
		return nil, fmt.Errorf("replica: configuration in the snapshot: %w", err)
	}
	r.conf = confOf(r.confState)
	store, err := newStorage(state, r.confState)
	if err != nil {
		return nil, err
	}
	r.store = store
	store.fresh = r.freshSnapshot
	if state.Snapshot.Index > 0 {
		if err := cfg.Machine.Restore(state.Snapshot.Data); err != nil {
			return nil, fmt.Errorf("replica: snapshot at %d: %w", state.Snapshot.Index, err)
		}
	}
	r.applied, r.appliedTerm = state.Snapshot.Index, state.Snapshot.Term
	r.snapAt, r.triedAt = r.applied, r.applied
	r.node, err = raft.NewRawNode(&raft.Config{
		ID: cfg.ID, ElectionTick: cfg.ElectionTicks, HeartbeatTick: cfg.HeartbeatTicks,
		Storage: store, Applied: r.applied,
		MaxSizePerMsg: maxAppend, MaxCommittedSizePerReady: maxCommitted, MaxUncommittedEntriesSize: maxUncommitted,
		MaxInflightMsgs: maxInflight, MaxInflightBytes: maxInflightLog,
		CheckQuorum: true, PreVote: true, StepDownOnRemoval: true, DisableProposalForwarding: true,
		Logger: logger{cfg.Warn},
	})
	if err != nil {
		return nil, fmt.Errorf("replica: %w", err)
	}
	r.election.random = random(cfg.Seed)
	r.reads.random = random(^cfg.Seed)
	r.observe()
	return r, nil
}

// observe notices changes of term, leader and role.
func (r *Replica) observe() {
	s := r.node.BasicStatus()
	if s.GetTerm() != r.term || s.RaftState != r.role || r.election.limit == 0 {
		r.resetElection()
	}
	if s.GetTerm() != r.term || s.RaftState != r.role || s.Lead != r.lead {
		r.changed = true
		r.term, r.role, r.lead = s.GetTerm(), s.RaftState, s.Lead
		r.reads.askAgain()
		r.sending = nil
	}
}

// leads tells whether this replica is the leader, as far as it knows.
func (r *Replica) leads() bool { return r.role == raft.StateLeader }

// settled tells whether it is a leader that has applied an entry of its own term:
// then it has applied all that was agreed on before.
func (r *Replica) settled() bool { return r.leads() && r.appliedTerm == r.term }

// Status of a replica.
type Status struct {
	ID, Term uint64
	Leader   uint64 // 0: not known
	IsLeader bool
	// Settled: a leader that knows and has applied all that earlier ones agreed on.
	Settled         bool
	Applied, Commit uint64
	// Last is the end of the log, First its first entry, Snapshot the entry of the
	// newest snapshot.
	First, Last, Snapshot uint64
	// Oversize counts snapshots that were not made because of MaxSnapshot.
	Oversize int
	Conf     Conf
	Peers    []Peer // what a leader knows of the others, by id
}

// Peer is another replica, as its leader sees it.
type Peer struct {
	ID, Match uint64 // its log is the leader's up to Match
	Learner   bool
	Active    bool // heard of since the last check of the quorum
}

// Status returns it. Slices are not changed afterwards.
func (r *Replica) Status() Status {
	b := r.node.BasicStatus()
	first, _ := r.store.FirstIndex()
	last, _ := r.store.LastIndex()
	return Status{
		ID: r.cfg.ID, Term: r.term, Leader: r.lead, IsLeader: r.leads(), Settled: r.settled(),
		Applied: r.applied, Commit: b.GetCommit(), First: first, Last: last, Snapshot: r.snapAt,
		Oversize: r.oversize, Conf: r.conf, Peers: r.peers(),
	}
}

// peers lists the others, in order; raft visits them in the order of ids.
func (r *Replica) peers() []Peer {
	if !r.leads() {
		return nil
	}
	var peers []Peer
	r.node.WithProgress(func(id uint64, _ raft.ProgressType, p progress) {
		if id != r.cfg.ID {
			peers = append(peers, Peer{id, p.Match, p.IsLearner, p.RecentActive})
		}
	})
	return peers
}
