package catalog

import (
	"cmp"
	"slices"

	"github.com/troupedb/troupe/actors/directory"
)

func (r *Raft) peer(id uint64) *Peer {
	for i := range r.Peers {
		if r.Peers[i].ID == id {
			return &r.Peers[i]
		}
	}
	return nil
}

// voters returns the next step towards the configuration that is wanted, one at a
// time: members that are missing come in as learners, a wanted one becomes a voter
// once it has caught up, and only then another ceases to be. So there is never more
// than one too many, and a dead voter is replaced before it is dismissed.
func (c *Controller) voters(s *State, v View) Action {
	if v.Raft.Pending {
		return nil
	}
	for i := range s.members {
		if m := &s.members[i]; v.alive(m) && v.Raft.peer(m.RaftID) == nil {
			return ConfChange{AddLearner, m.RaftID}
		}
	}
	wanted, voters := c.wanted(s, v), 0
	for _, p := range v.Raft.Peers {
		voters += truth(p.Voter)
	}
	for _, id := range wanted {
		if voters <= len(wanted) && !v.Raft.peer(id).Voter && c.quorate(s, v, id, 0) {
			return ConfChange{AddVoter, id}
		}
	}
	return c.dismiss(s, v, wanted)
}

// dismiss takes away the vote of one that is not wanted as a voter, dead ones and
// strangers first, or ends a stranger's part in the group.
func (c *Controller) dismiss(s *State, v View, wanted []uint64) Action {
	peers := slices.Clone(v.Raft.Peers)
	slices.SortFunc(peers, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(c.worth(s, v, a), c.worth(s, v, b)), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range peers {
		_, stranger := c.strangers[p.ID]
		switch {
		case slices.Contains(wanted, p.ID):
		case p.ID == v.Raft.Self:
			if to := c.heir(s, v, wanted); to != 0 {
				return Transfer{to}
			}
		case p.Voter && !c.quorate(s, v, 0, p.ID):
		case stranger && (p.Voter || v.Now-c.strangers[p.ID] >= farewell):
			return ConfChange{RemoveNode, p.ID}
		case p.Voter && !stranger:
			return ConfChange{AddLearner, p.ID}
		}
	}
	return nil
}

// worth orders the peers that may be dismissed.
func (c *Controller) worth(s *State, v View, p Peer) int {
	switch {
	case p.ID == v.Raft.Self:
		return 2
	case votes(s, v, p):
		return 1
	}
	return 0
}

// heir returns a voter to lead in the leader's place.
func (c *Controller) heir(s *State, v View, wanted []uint64) uint64 {
	for _, id := range wanted {
		if p := v.Raft.peer(id); id != v.Raft.Self && p.Voter && votes(s, v, *p) && ready(v, p) {
			return id
		}
	}
	return 0
}

// votes tells whether a peer can be counted on for a quorum.
func votes(s *State, v View, p Peer) bool {
	m := s.ByRaftID(p.ID)
	return m != nil && m.State != directory.Down && (p.Active || p.ID == v.Raft.Self)
}

// ready tells whether a peer has what is committed, or nearly.
func ready(v View, p *Peer) bool {
	return p.ID == v.Raft.Self || p.Active && p.Match+caughtUp >= v.Raft.Commit
}

// quorate tells whether the voters that can be counted on are a quorum once add votes
// too, or remove no longer does.
func (c *Controller) quorate(s *State, v View, add, remove uint64) bool {
	voters, live := 0, 0
	for _, p := range v.Raft.Peers {
		if (!p.Voter && p.ID != add) || p.ID == remove {
			continue
		}
		voters++
		if votes(s, v, p) {
			live++
		}
	}
	return live > voters/2
}

// candidate is a member that may vote.
type candidate struct {
	member *Member
	voter  bool
	leader bool
	dead   bool // keeps its vote only if nobody can have it
}

// candidates returns the members that vote or could.
func (c *Controller) candidates(s *State, v View) (all []candidate) {
	for i := range s.members {
		m := &s.members[i]
		p := v.Raft.peer(m.RaftID)
		if m.Leaving || p == nil {
			continue
		}
		if p.Voter {
			down, dead := c.downSince[m.RaftID]
			dead = dead && v.Now-down >= voterPatience
			all = append(all, candidate{m, true, p.ID == v.Raft.Self, dead})
		} else if v.alive(m) && ready(v, p) {
			all = append(all, candidate{m, false, false, false})
		}
	}
	return all
}

// wanted returns the raft ids of the members that are to vote: one, three or five, as
// there are members that stay, whether they are up or not, spread over zones; among
// equals those that vote already. If there are none, things stay as they are.
func (c *Controller) wanted(s *State, v View) []uint64 {
	members := 0
	for i := range s.members {
		if !s.members[i].Leaving {
			members++
		}
	}
	size := min(MaxVoters, (members+1)/2*2-1) // the odd number below or at members
	all := c.candidates(s, v)
	chosen := spread(all, size)
	if len(chosen)%2 == 0 {
		// Some are not there yet. An even number bears no more failures than one
		// less; but nobody loses a vote for that.
		for i, k := range slices.Backward(chosen) {
			if !k.voter {
				chosen = slices.Delete(chosen, i, i+1)
				break
			}
		}
	}
	var ids []uint64
	for _, k := range chosen {
		ids = append(ids, k.member.RaftID)
	}
	if len(ids) == 0 {
		for _, p := range v.Raft.Peers {
			if p.Voter {
				ids = append(ids, p.ID)
			}
		}
	}
	return ids
}

// spread chooses size of the candidates: those that are not dead first, each time from
// the zone that has the fewest chosen.
func spread(all []candidate, size int) (chosen []candidate) {
	zones := map[string]int{}
	for len(chosen) < size && len(all) > 0 {
		best := slices.MinFunc(all, func(a, b candidate) int {
			return cmp.Or(truth(a.dead)-truth(b.dead), zones[a.member.Zone]-zones[b.member.Zone], truth(b.leader)-truth(a.leader),
				truth(b.voter)-truth(a.voter), cmp.Compare(a.member.Number, b.member.Number))
		})
		chosen = append(chosen, best)
		zones[best.member.Zone]++
		all = slices.DeleteFunc(all, func(k candidate) bool { return k.member == best.member })
	}
	return chosen
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
