package replica

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// ErrMessage refuses a message that no replica sends.
var ErrMessage = errors.New("replica: bad message")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMessage, fmt.Sprintf(format, args...))
}

// Step takes in a message of another replica. An error means that it was refused,
// and that nothing has changed. The bytes are not kept.
func (r *Replica) Step(msg []byte) error {
	if len(msg) > MaxMessage {
		return fmt.Errorf("%w: message of %d bytes", ErrTooLarge, len(msg))
	}
	m := &pb.Message{}
	if err := proto.Unmarshal(msg, m); err != nil {
		return bad("%v", err)
	}
	if err := r.admit(m); err != nil {
		return err
	}
	if m.GetType() == pb.MsgReadIndex && !r.settled() {
		return nil // see ask; whoever asks will ask again
	}
	if err := r.node.Step(m); err != nil && !errors.Is(err, raft.ErrStepPeerNotFound) && !errors.Is(err, raft.ErrProposalDropped) {
		return fmt.Errorf("replica: %w", err)
	}
	r.observe()
	switch m.GetType() {
	case pb.MsgApp, pb.MsgHeartbeat, pb.MsgSnap:
		if m.GetTerm() == r.term && m.GetFrom() == r.lead {
			r.election.ticks = 0
		}
	case pb.MsgVote:
		if s := r.node.BasicStatus(); m.GetTerm() == s.GetTerm() && m.GetFrom() == s.GetVote() {
			r.election.ticks = 0
		}
	}
	return nil
}

// admit refuses what raft does not expect to be sent and would answer with a panic.
func (r *Replica) admit(m *pb.Message) error {
	from := m.GetFrom()
	if m.GetTo() != r.cfg.ID || from == r.cfg.ID || from == raft.None || raft.IsLocalMsgTarget(from) {
		return bad("from %d to %d, here is %d", from, m.GetTo(), r.cfg.ID)
	}
	if (m.GetTerm() == 0) != (m.GetType() == pb.MsgReadIndex) || len(m.GetResponses()) > 0 {
		return bad("%s of term %d", m.GetType(), m.GetTerm())
	}
	if n := len(m.GetContext()); n != 0 && n != 8 && m.GetType() != pb.MsgVote {
		return bad("context of %d bytes", n)
	}
	last, _ := r.store.LastIndex()
	switch m.GetType() {
	case pb.MsgApp:
		return admitEntries(m)
	case pb.MsgSnap:
		return admitSnapshot(m)
	case pb.MsgHeartbeat:
		// A leader commits here only what was acknowledged from here.
		if m.GetCommit() > last {
			return bad("commit of %d, the log ends at %d: is it lost?", m.GetCommit(), last)
		}
	case pb.MsgAppResp:
		if r.leads() && !m.GetReject() && m.GetIndex() > last && m.GetTerm() == r.term {
			return bad("acknowledgement of %d, the log ends at %d", m.GetIndex(), last)
		}
	case pb.MsgReadIndex, pb.MsgReadIndexResp:
		if len(m.GetEntries()) != 1 || len(m.GetEntries()[0].GetData()) != 8 {
			return bad("a read without a name")
		}
	case pb.MsgVote, pb.MsgVoteResp, pb.MsgPreVote, pb.MsgPreVoteResp, pb.MsgHeartbeatResp, pb.MsgTimeoutNow:
	default:
		return bad("%s from another replica", m.GetType())
	}
	return nil
}

func admitEntries(m *pb.Message) error {
	index, term := m.GetIndex(), m.GetLogTerm()
	for _, e := range m.GetEntries() {
		if index++; e.GetIndex() != index || e.GetTerm() < term || e.GetTerm() > m.GetTerm() {
			return bad("entry %d of term %d, %d was to follow", e.GetIndex(), e.GetTerm(), index)
		}
		term = e.GetTerm()
		switch e.GetType() {
		case pb.EntryNormal:
		case pb.EntryConfChangeV2:
			if err := proto.Unmarshal(e.GetData(), &pb.ConfChangeV2{}); err != nil {
				return bad("change of the configuration: %v", err)
			}
		default:
			return bad("entry of type %s", e.GetType())
		}
	}
	return nil
}

func admitSnapshot(m *pb.Message) error {
	meta := m.GetSnapshot().GetMetadata()
	if meta.GetIndex() == 0 || meta.GetTerm() == 0 || meta.GetTerm() > m.GetTerm() {
		return bad("snapshot at %d of term %d", meta.GetIndex(), meta.GetTerm())
	}
	return confOf(meta.GetConfState()).check()
}
