package catalog

import (
	"errors"
	"fmt"
	"slices"
)

// check tells what is wrong with the state, nil if nothing is: what every entry must
// keep, and what a snapshot must be before it is believed.
func (s *State) check() error {
	if s.clusterID == "" {
		if s.epoch != 0 || len(s.members) > 0 || len(s.shards) > 0 || len(s.settings) > 0 || len(s.scripts) > 0 {
			return errors.New("something is there before there is a cluster")
		}
		return nil
	}
	switch {
	case !isID(s.clusterID) || s.epoch == 0 || s.applied < s.epoch:
		return errors.New("the cluster or its epoch makes no sense")
	case len(s.members) == 0 || len(s.members) > MaxMembers || len(s.shards) == 0 || len(s.shards) > MaxShards:
		return fmt.Errorf("%d members, %d shards", len(s.members), len(s.shards))
	case len(s.settings) > MaxSettings || len(s.scripts) > MaxScripts:
		return fmt.Errorf("%d settings, %d scripts", len(s.settings), len(s.scripts))
	case max(s.settingsEpoch, s.scriptsEpoch, s.flushEpoch) > s.epoch:
		return errors.New("something changed after the last epoch")
	}
	return errors.Join(s.checkMembers(), s.checkShards(), s.checkValues())
}

func (s *State) checkMembers() error {
	ids, rafts := map[string]bool{}, map[uint64]bool{}
	for i := range s.members {
		m := &s.members[i]
		switch {
		case m.Number < 1 || m.Number > MaxMembers || i > 0 && m.Number <= s.members[i-1].Number:
			return fmt.Errorf("member %d: its number is out of order", m.Number)
		case ids[m.ID] || rafts[m.RaftID]:
			return fmt.Errorf("member %d: its identity is another's", m.Number)
		case m.turned > s.epoch || len(m.past) > pastIncarnations || slices.Contains(m.past, m.Incarnation):
			return fmt.Errorf("member %d: its incarnation or state makes no sense", m.Number)
		}
		ids[m.ID], rafts[m.RaftID] = true, true
	}
	return nil
}

func (s *State) checkShards() error {
	moves := map[uint64]bool{}
	for i := range s.shards {
		p := &s.shards[i]
		switch {
		case s.ByNumber(p.Owner) == nil:
			return fmt.Errorf("shard %d: its owner %d is no member", i, p.Owner)
		case p.Epoch == 0 || p.keys < 0 || p.LostKeys < 0:
			return fmt.Errorf("shard %d: its epoch or keys make no sense", i)
		case p.To == 0 && p.MoveID == 0:
			continue
		case p.To == 0 || p.MoveID == 0 || p.MoveID > s.applied || moves[p.MoveID]:
			return fmt.Errorf("shard %d: its move makes no sense", i)
		case p.To == p.Owner || s.ByNumber(p.To) == nil:
			return fmt.Errorf("shard %d: it moves to %d", i, p.To)
		}
		moves[p.MoveID] = true
	}
	return nil
}

func (s *State) checkValues() error {
	for i, v := range s.settings {
		if v.name == "" || i > 0 && v.name <= s.settings[i-1].name {
			return fmt.Errorf("setting %q is out of order", v.name)
		}
	}
	for i, v := range s.scripts {
		if i > 0 && v.sha <= s.scripts[i-1].sha {
			return fmt.Errorf("script %s is out of order", v.sha)
		}
	}
	return nil
}
