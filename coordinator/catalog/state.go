package catalog

import (
	"cmp"
	"slices"

	"github.com/troupedb/troupe/actors/directory"
)

// Member is a member as the catalog knows it.
type Member struct {
	directory.Member
	// RaftID is its identity in the catalog's group.
	RaftID uint64
	// Leaving: it asked to leave, even if it is down by now.
	Leaving bool
	turned  uint64   // the epoch at which it went down or came up last
	past    []uint64 // earlier incarnations, the latest last
}

// shard is a shard's place, and how many keys it was last known to have.
type shard struct {
	directory.Place
	keys int64
}

type setting struct{ name, value string }

type script struct{ sha, body string }

// State is the catalog. It starts empty and is changed by Apply and Restore only.
// All that is repeated is sorted, so that equal states have equal snapshots.
type State struct {
	applied   uint64 // index of the last entry
	epoch     uint64
	term      uint64 // of the leader that may judge
	clusterID string // "": not bootstrapped
	cluster   string
	members   []Member // by number
	shards    []shard
	settings  []setting // by name
	scripts   []script  // by sha
	// The epochs at which they changed last, so that others need not compare them.
	settingsEpoch, scriptsEpoch, flushEpoch uint64
	paused                                  bool
}

// New returns an empty catalog.
func New() *State { return &State{} }

// Epoch returns the number of changes so far.
func (s *State) Epoch() uint64 { return s.epoch }

// Applied returns the index of the last entry.
func (s *State) Applied() uint64 { return s.applied }

// Term returns the term of the last leader that has opened one.
func (s *State) Term() uint64 { return s.term }

// Cluster returns the cluster's identity and name, "" before there is one.
func (s *State) Cluster() (id, name string) { return s.clusterID, s.cluster }

// Shards returns the number of shards.
func (s *State) Shards() int { return len(s.shards) }

// Place returns where a shard is.
func (s *State) Place(i int) directory.Place { return s.shards[i].Place }

// Members returns the members in the order of numbers. They are the catalog's own:
// not to be changed, nor kept beyond the next entry.
func (s *State) Members() []Member { return s.members }

// Paused tells whether moves that only make shards even are stopped.
func (s *State) Paused() bool { return s.paused }

// ByID returns the member with this identity, nil if there is none.
func (s *State) ByID(id string) *Member {
	return s.find(func(m *Member) bool { return m.ID == id })
}

// ByNumber returns the member with this number, nil if there is none.
func (s *State) ByNumber(n directory.Number) *Member {
	return s.find(func(m *Member) bool { return m.Number == n })
}

// ByRaftID returns the member with this raft id, nil if there is none.
func (s *State) ByRaftID(id uint64) *Member {
	return s.find(func(m *Member) bool { return m.RaftID == id })
}

func (s *State) find(is func(*Member) bool) *Member {
	for i := range s.members {
		if is(&s.members[i]) {
			return &s.members[i]
		}
	}
	return nil
}

// Owned returns how many shards a member has.
func (s *State) Owned(n directory.Number) (count int) {
	for i := range s.shards {
		if s.shards[i].Owner == n {
			count++
		}
	}
	return count
}

// Setting returns a value of CONFIG that holds for the whole cluster.
func (s *State) Setting(name string) (value string, ok bool) {
	i, ok := s.findSetting(name)
	if !ok {
		return "", false
	}
	return s.settings[i].value, true
}

// EachSetting calls f with all settings in the order of names.
func (s *State) EachSetting(f func(name, value string)) {
	for _, v := range s.settings {
		f(v.name, v.value)
	}
}

// SettingsEpoch returns the epoch of the last change of a setting.
func (s *State) SettingsEpoch() uint64 { return s.settingsEpoch }

// Script returns the body of a script of the library by its SHA1 in hexadecimal.
func (s *State) Script(sha string) (body string, ok bool) {
	i, ok := s.findScript(sha)
	if !ok {
		return "", false
	}
	return s.scripts[i].body, true
}

// EachScript calls f with all scripts in the order of digests.
func (s *State) EachScript(f func(sha, body string)) {
	for _, v := range s.scripts {
		f(v.sha, v.body)
	}
}

// ScriptsEpoch returns the epoch of the last change of the library.
func (s *State) ScriptsEpoch() uint64 { return s.scriptsEpoch }

// FlushEpoch returns the epoch of the last flush of the library.
func (s *State) FlushEpoch() uint64 { return s.flushEpoch }

func (s *State) findSetting(name string) (int, bool) {
	return slices.BinarySearchFunc(s.settings, name, func(v setting, name string) int { return cmp.Compare(v.name, name) })
}

func (s *State) findScript(sha string) (int, bool) {
	return slices.BinarySearchFunc(s.scripts, sha, func(v script, sha string) int { return cmp.Compare(v.sha, sha) })
}

// Directory returns what is routed by, for the node with this identity. The leader
// and the voters are raft ids, as the catalog's group has them. The number of slots'
// shards must be the catalog's.
func (s *State) Directory(slots *directory.Slots, self string, leader uint64, voters []uint64) *directory.Directory {
	if slots.Shards() != len(s.shards) {
		panic("catalog: a directory of another number of shards")
	}
	d := &directory.Directory{
		Slots: slots, Epoch: s.epoch, ClusterID: s.clusterID, Cluster: s.cluster,
		Members: make([]directory.Member, len(s.members)), Places: make([]directory.Place, len(s.shards)),
	}
	for i := range s.members {
		m := &s.members[i]
		d.Members[i] = m.Member
		if m.ID == self {
			d.Self = m.Number
		}
		if m.RaftID == leader {
			d.Leader = m.Number
		}
		if slices.Contains(voters, m.RaftID) {
			d.Voters = append(d.Voters, m.Number)
		}
	}
	for i := range s.shards {
		d.Places[i] = s.shards[i].Place
	}
	return d
}
