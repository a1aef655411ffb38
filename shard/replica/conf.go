package replica

import (
	"errors"
	"fmt"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

var (
	// ErrChanging means that a change of the configuration is under way; one at a
	// time is.
	ErrChanging = errors.New("replica: the configuration is changing")
	// ErrChange refuses a change that makes no sense.
	ErrChange = errors.New("replica: bad change of the configuration")
	// ErrBehind refuses to promote a learner that is silent or lags: its vote may be
	// needed at once.
	ErrBehind = errors.New("replica: the learner is not up to date")
)

const (
	// MaxMembers bounds the replicas of a group, learners included.
	MaxMembers = 1023
	// promoteLag is how many entries a learner may lag and still be promoted.
	promoteLag = 256
)

// Conf is who replicates the group. While it is joint, between two configurations,
// a majority of both Voters and Outgoing decides.
type Conf struct {
	Voters, Learners       []uint64
	Outgoing, LearnersNext []uint64
}

func confOf(c *pb.ConfState) Conf {
	return Conf{sorted(c.GetVoters()), sorted(c.GetLearners()), sorted(c.GetVotersOutgoing()), sorted(c.GetLearnersNext())}
}

func sorted(ids []uint64) []uint64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

// Joint tells whether a change of several replicas is under way.
func (c Conf) Joint() bool { return len(c.Outgoing) > 0 }

// Votes tells whether the replica is a voter.
func (c Conf) Votes(id uint64) bool {
	return slices.Contains(c.Voters, id) || slices.Contains(c.Outgoing, id)
}

// Has tells whether the replica is in the group.
func (c Conf) Has(id uint64) bool { return c.Votes(id) || slices.Contains(c.Learners, id) }

// alone tells whether it is the only voter.
func (c Conf) alone(id uint64) bool {
	return !c.Joint() && len(c.Voters) == 1 && c.Voters[0] == id
}

// check refuses a configuration that cannot be.
func (c Conf) check() error {
	both := slices.Concat(c.Voters, c.Learners)
	slices.Sort(both)
	switch {
	case len(c.Voters) == 0 || len(both) > MaxMembers || len(c.Outgoing) > MaxMembers:
		return bad("%d voters of %d", len(c.Voters), len(both))
	case both[0] == 0 || len(slices.Compact(both)) != len(c.Voters)+len(c.Learners):
		return bad("an id twice, or 0")
	case len(slices.Compact(slices.Clone(c.Outgoing))) != len(c.Outgoing) || len(slices.Compact(slices.Clone(c.LearnersNext))) != len(c.LearnersNext):
		return bad("an id twice")
	}
	for _, id := range c.LearnersNext {
		if !slices.Contains(c.Outgoing, id) || slices.Contains(both, id) {
			return bad("a voter to be a learner that is none")
		}
	}
	for _, id := range c.Learners {
		if slices.Contains(c.Outgoing, id) {
			return bad("a learner that votes")
		}
	}
	return nil
}

// ChangeKind is what happens to a replica.
type ChangeKind uint8

// The kinds of changes.
const (
	AddLearner ChangeKind = iota + 1
	// Promote makes a learner that is up to date a voter.
	Promote
	// AddVoter makes any replica a voter, which counts before it has anything: who
	// adds a second one that does not answer has lost the group.
	AddVoter
	// Demote makes a voter a learner.
	Demote
	Remove
)

// Change is one of the changes that are made at once.
type Change struct {
	Kind ChangeKind
	ID   uint64
}

// ProposeConf proposes to change the configuration; several changes take effect
// together. The ticket's outcome comes when the change is complete.
func (r *Replica) ProposeConf(changes ...Change) (ticket uint64, err error) {
	switch {
	case !r.leads():
		return 0, &NotLeaderError{r.lead}
	case !r.settled() || r.change != nil || r.conf.Joint():
		// raft would put an empty entry in the change's place, and say nothing.
		return 0, ErrChanging
	}
	next, cc := r.conf, &pb.ConfChangeV2{}
	for i, c := range changes {
		if slices.ContainsFunc(changes[:i], func(o Change) bool { return o.ID == c.ID }) {
			return 0, fmt.Errorf("%w: %d twice", ErrChange, c.ID)
		}
		single, err := r.single(c)
		if err != nil {
			return 0, err
		}
		cc.Changes = append(cc.Changes, single)
		next = next.after(c)
	}
	if err := next.check(); err != nil || len(changes) == 0 {
		return 0, fmt.Errorf("%w: leads to voters %v, learners %v", ErrChange, next.Voters, next.Learners)
	}
	if err := r.node.ProposeConfChange(cc); err != nil {
		return 0, ErrOverloaded
	}
	r.tickets++
	r.change = &change{proposal: proposal{r.term, r.tickets}}
	return r.tickets, nil
}

// single checks a change against the configuration, and returns it as raft has it.
func (r *Replica) single(c Change) (*pb.ConfChangeSingle, error) {
	voter, learner := slices.Contains(r.conf.Voters, c.ID), slices.Contains(r.conf.Learners, c.ID)
	var kind pb.ConfChangeType
	fits := true
	switch c.Kind {
	case AddLearner:
		kind, fits = pb.ConfChangeAddLearnerNode, !voter && !learner
	case Promote:
		kind, fits = pb.ConfChangeAddNode, learner
		if fits && !r.upToDate(c.ID) {
			return nil, ErrBehind
		}
	case AddVoter:
		kind, fits = pb.ConfChangeAddNode, !voter
	case Demote:
		kind, fits = pb.ConfChangeAddLearnerNode, voter
	case Remove:
		kind, fits = pb.ConfChangeRemoveNode, voter || learner
	default:
		fits = false
	}
	if !fits {
		return nil, fmt.Errorf("%w: kind %d of %d, with voters %v and learners %v", ErrChange, c.Kind, c.ID, r.conf.Voters, r.conf.Learners)
	}
	return &pb.ConfChangeSingle{Type: kind.Enum(), NodeId: &c.ID}, nil
}

func (r *Replica) upToDate(id uint64) bool {
	for _, p := range r.peers() {
		if p.ID == id {
			// Match is 0 until it has answered; all are taken for active at first.
			return p.Active && p.Match > 0 && p.Match+promoteLag >= r.applied
		}
	}
	return false
}

// after returns the configuration that a change leads to.
func (c Conf) after(ch Change) Conf {
	without := func(ids []uint64) []uint64 {
		return slices.DeleteFunc(slices.Clone(ids), func(id uint64) bool { return id == ch.ID })
	}
	next := Conf{Voters: without(c.Voters), Learners: without(c.Learners)}
	switch ch.Kind {
	case Promote, AddVoter:
		next.Voters = append(next.Voters, ch.ID)
	case AddLearner, Demote:
		next.Learners = append(next.Learners, ch.ID)
	}
	return next
}
