package catalog

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// Snapshot returns the whole state, the same bytes for the same state.
func (s *State) Snapshot() []byte {
	e := &troupev1.CatalogSnapshot{
		Applied: s.applied, Epoch: s.epoch, Term: s.term, ClusterId: []byte(s.clusterID), Cluster: []byte(s.cluster),
		SettingsEpoch: s.settingsEpoch, ScriptsEpoch: s.scriptsEpoch, FlushEpoch: s.flushEpoch, Paused: s.paused,
	}
	for i := range s.members {
		e.Members = append(e.Members, s.members[i].encode())
	}
	for _, p := range s.shards {
		e.Shards = append(e.Shards, &troupev1.CatalogShard{
			Owner: uint32(p.Owner), Epoch: p.Epoch, To: uint32(p.To), Move: p.MoveID,
			Keys: p.keys, LostAt: p.LostAt, LostKeys: p.LostKeys,
		})
	}
	for _, v := range s.settings {
		e.Settings = append(e.Settings, &troupev1.CatalogSetting{Name: []byte(v.name), Value: []byte(v.value)})
	}
	for _, v := range s.scripts {
		e.Scripts = append(e.Scripts, []byte(v.body))
	}
	return e.Encode()
}

// encode returns how the member describes itself, and what the catalog says of it.
func (m *Member) encode() *troupev1.CatalogMember {
	return &troupev1.CatalogMember{
		Id: []byte(m.ID), Name: []byte(m.Name), Zone: []byte(m.Zone), Host: []byte(m.Host),
		ClientPort: uint32(m.ClientPort), GossipPort: uint32(m.GossipPort),
		ActorPort: uint32(m.ActorPort), StreamPort: uint32(m.StreamPort),
		Incarnation: m.Incarnation, RaftId: m.RaftID, Number: uint32(m.Number),
		Leaving: m.Leaving, Down: m.State == directory.Down, Since: m.Since, Past: m.past, Turned: m.turned,
	}
}

// Restore takes the state that Snapshot has written. Bytes that are no such state are
// an error, and change nothing.
func (s *State) Restore(data []byte) error {
	if len(data) > MaxSnapshot {
		return fmt.Errorf("restore catalog: %d bytes, more than %d", len(data), MaxSnapshot)
	}
	e, err := troupev1.DecodeCatalogSnapshot(data)
	if err != nil {
		return fmt.Errorf("restore catalog: %w", err)
	}
	n := &State{
		applied: e.GetApplied(), epoch: e.GetEpoch(), term: e.GetTerm(),
		clusterID: string(e.GetClusterId()), cluster: string(e.GetCluster()),
		settingsEpoch: e.GetSettingsEpoch(), scriptsEpoch: e.GetScriptsEpoch(), flushEpoch: e.GetFlushEpoch(),
		paused: e.GetPaused(),
	}
	for _, v := range e.GetMembers() {
		m, ok := newMember(v, v.GetSince())
		if !ok || v.GetNumber() > MaxMembers {
			return errors.New("restore catalog: a member makes no sense")
		}
		m.Number, m.Leaving, m.past = directory.Number(v.GetNumber()), v.GetLeaving(), v.GetPast()
		m.enter(v.GetDown(), v.GetSince(), 0)
		m.turned = v.GetTurned()
		n.members = append(n.members, m)
	}
	if err := n.restoreShards(e.GetShards()); err != nil {
		return err
	}
	for _, v := range e.GetSettings() {
		n.settings = append(n.settings, setting{string(v.GetName()), string(v.GetValue())})
	}
	for _, body := range e.GetScripts() {
		digest := sha1.Sum(body)
		n.scripts = append(n.scripts, script{hex.EncodeToString(digest[:]), string(body)})
	}
	if err := n.check(); err != nil {
		return fmt.Errorf("restore catalog: %w", err)
	}
	*s = *n
	return nil
}

func (s *State) restoreShards(shards []*troupev1.CatalogShard) error {
	for _, v := range shards {
		if v.GetOwner() > MaxMembers || v.GetTo() > MaxMembers {
			return errors.New("restore catalog: a shard makes no sense")
		}
		s.shards = append(s.shards, shard{keys: v.GetKeys(), Place: directory.Place{
			Owner: directory.Number(v.GetOwner()), Epoch: v.GetEpoch(), To: directory.Number(v.GetTo()), MoveID: v.GetMove(),
			LostAt: v.GetLostAt(), LostKeys: v.GetLostKeys(),
		}})
	}
	return nil
}
