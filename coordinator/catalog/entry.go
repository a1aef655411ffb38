package catalog

import (
	"slices"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/placement"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// Entry is one entry of the log. A proposer that waits for its result sets Request
// to what nobody else uses. Times, at, are Unix milliseconds.
type Entry = troupev1.CatalogEntry

// Keys is how many keys a shard has, as its owner said last.
type Keys struct {
	Shard int
	Keys  int64
}

// NewBootstrap founds a cluster, which needs no number in m.
func NewBootstrap(id, name string, shards int, m Member, at int64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Bootstrap{Bootstrap: &troupev1.CatalogBootstrap{
		ClusterId: []byte(id), Cluster: []byte(name), Shards: uint32(shards), Member: m.encode(), At: at,
	}}}
}

// NewLead opens a leader's term.
func NewLead(term uint64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Lead{Lead: &troupev1.CatalogLead{Term: term}}}
}

// NewJoin takes m in, or back. Its number and state are the catalog's to give.
func NewJoin(m Member, keys []Keys, at int64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Join{Join: &troupev1.CatalogJoin{
		Member: m.encode(), At: at, Keys: encodeKeys(keys),
	}}}
}

// NewDown says that m's lease has run out.
func NewDown(m *Member, term uint64, keys []Keys, at int64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Down{Down: &troupev1.CatalogDown{
		Id: []byte(m.ID), Incarnation: m.Incarnation, Term: term, At: at, Turned: m.turned, Keys: encodeKeys(keys),
	}}}
}

// NewUp says that m is heard again.
func NewUp(m *Member, term uint64, at int64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Up{Up: &troupev1.CatalogUp{
		Id: []byte(m.ID), Incarnation: m.Incarnation, Term: term, At: at, Turned: m.turned,
	}}}
}

// NewLeaving asks to empty the member with this identity.
func NewLeaving(id string, at int64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Leaving{Leaving: &troupev1.CatalogLeaving{Id: []byte(id), At: at}}}
}

// NewStay takes NewLeaving back.
func NewStay(id string, at int64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Stay{Stay: &troupev1.CatalogStay{Id: []byte(id), At: at}}}
}

// NewLeft ends the membership of a member that is leaving and owns nothing.
func NewLeft(id string) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Left{Left: &troupev1.CatalogLeft{Id: []byte(id)}}}
}

// NewForget ends the membership of a member that is down, and says who opens its
// shards, empty. The refusal is the one that the entry would meet.
func (s *State) NewForget(id string, keys []Keys, at int64) (*Entry, error) {
	m := s.ByID(id)
	switch {
	case m == nil:
		return nil, UnknownMember
	case m.State != directory.Down:
		return nil, NotDown
	}
	shards, members := make([]placement.Shard, len(s.shards)), s.placeable()
	for i := range s.shards {
		p := &s.shards[i]
		shards[i] = placement.Shard{Owner: p.Owner, Load: p.keys}
		if p.To != 0 && p.To != m.Number {
			shards[i].Owner = p.To
		}
		if p.Owner == m.Number {
			shards[i].Owner = 0
		}
	}
	members = slices.DeleteFunc(members, func(p placement.Member) bool { return p.Number == m.Number })
	e := &troupev1.CatalogForget{Id: []byte(id), At: at, Keys: encodeKeys(keys)}
	for _, move := range placement.Plan(shards, members, 0) {
		if move.From == 0 {
			e.Owners = append(e.Owners, &troupev1.CatalogOwner{
				Shard: uint32(move.Shard), To: []byte(s.ByNumber(move.To).ID),
			})
		}
	}
	if len(e.Owners) < s.Owned(m.Number) {
		return nil, NobodyLeft
	}
	return &Entry{Change: &troupev1.CatalogEntry_Forget{Forget: e}}, nil
}

// placeable returns the members as placement sees them.
func (s *State) placeable() []placement.Member {
	members := make([]placement.Member, len(s.members))
	for i := range s.members {
		m := &s.members[i]
		members[i] = placement.Member{Number: m.Number, Zone: m.Zone, State: m.State}
	}
	return members
}

// NewMoveBegin starts to move a shard that has this epoch to the member with this
// identity.
func NewMoveBegin(shard int, epoch uint64, to string) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_MoveBegin{MoveBegin: &troupev1.CatalogMoveBegin{
		Shard: uint32(shard), Epoch: epoch, To: []byte(to),
	}}}
}

// NewMoveCommit gives the shard to its move's target, which must have all its data
// while nobody serves it.
func NewMoveCommit(shard int, move uint64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_MoveCommit{MoveCommit: &troupev1.CatalogMoveCommit{
		Shard: uint32(shard), Move: move,
	}}}
}

// NewMoveAbort ends a move without a change of owners.
func NewMoveAbort(shard int, move uint64) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_MoveAbort{MoveAbort: &troupev1.CatalogMoveAbort{
		Shard: uint32(shard), Move: move,
	}}}
}

// NewSettings sets values of CONFIG for the whole cluster, given as pairs of name and
// value, all of them or none.
func NewSettings(pairs ...string) *Entry {
	e := &troupev1.CatalogSettings{}
	for pair := range slices.Chunk(pairs, 2) {
		e.Settings = append(e.Settings, &troupev1.CatalogSetting{Name: []byte(pair[0]), Value: []byte(pair[1])})
	}
	return &Entry{Change: &troupev1.CatalogEntry_Settings{Settings: e}}
}

// NewScriptLoad adds a script to the library.
func NewScriptLoad(body []byte) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_ScriptLoad{ScriptLoad: &troupev1.CatalogScriptLoad{Body: body}}}
}

// NewScriptFlush empties the library.
func NewScriptFlush() *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_ScriptFlush{ScriptFlush: &troupev1.CatalogScriptFlush{}}}
}

// NewBalance stops moves that only make shards even, or lets them go on.
func NewBalance(paused bool) *Entry {
	return &Entry{Change: &troupev1.CatalogEntry_Balance{Balance: &troupev1.CatalogBalance{Paused: paused}}}
}

func encodeKeys(keys []Keys) (e []*troupev1.CatalogKeys) {
	for _, k := range keys {
		e = append(e, &troupev1.CatalogKeys{Shard: uint32(k.Shard), Keys: k.Keys})
	}
	return e
}
