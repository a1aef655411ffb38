package directory

import "sync/atomic"

// Number is a member's small number, from 1 on, which stays its own as long as it
// is a member. 0 is nobody.
type Number uint16

// MaxMembers bounds the numbers: identities of sagas have ten bits for one.
const MaxMembers = 1<<10 - 1

// State is what the catalog says of a member.
type State uint8

// The states of a member.
const (
	// Up: it renews its lease.
	Up State = iota
	// Leaving: up, and to be given no shards; those it has move away.
	Leaving
	// Down: its lease has run out. Its shards serve nobody until it is up again.
	Down
)

var stateNames = [...]string{"up", "leaving", "down"}

func (s State) String() string { return stateNames[s] }

// Member is a node of the cluster.
type Member struct {
	Number Number
	// ID is its identity, 40 hexadecimal digits, as CLUSTER MYID shows it.
	ID   string
	Name string
	Zone string
	// Host is the address that others, clients too, reach it at.
	Host string
	// The ports of clients, gossip, control messages and streams of the data path.
	ClientPort, GossipPort, ActorPort, StreamPort int
	// Incarnation is another at each start of its process: what was in memory of
	// the last one is gone.
	Incarnation uint64
	State       State
	Since       int64 // of State, Unix milliseconds
}

// Place is where a shard is.
type Place struct {
	Owner Number
	// Epoch grows with every change of the owner. Nobody serves the shard under
	// an older one.
	Epoch uint64
	// To is the member that the shard is moving to, 0: it is not moving.
	To Number
	// MoveID is of the move under way, so that remnants of an earlier one are told
	// from it.
	MoveID uint64
	// LostAt tells when the shard lost its data last, with its owner's process,
	// Unix milliseconds; 0: never. LostKeys is about how many keys it had.
	LostAt, LostKeys int64
}

// Directory is one state of the catalog, as far as it is needed for routing. It is
// not changed once it is made.
type Directory struct {
	*Slots
	// Epoch grows with every change of the catalog.
	Epoch     uint64
	ClusterID string // 40 hexadecimal digits
	Cluster   string // its name
	// Self is this node's number.
	Self    Number
	Members []Member // in the order of numbers
	Places  []Place  // by shard
	// Leader is the member that leads the catalog's group, 0: not known.
	Leader Number
	// Voters are the members that vote in the catalog's group.
	Voters []Number
}

// Member returns the member with this number, nil if there is none.
func (d *Directory) Member(n Number) *Member {
	for i := range d.Members {
		if d.Members[i].Number == n {
			return &d.Members[i]
		}
	}
	return nil
}

// ByID returns the member with this identity, nil if there is none.
func (d *Directory) ByID(id string) *Member {
	for i := range d.Members {
		if d.Members[i].ID == id {
			return &d.Members[i]
		}
	}
	return nil
}

// Me returns this node as a member, nil before it is one.
func (d *Directory) Me() *Member { return d.Member(d.Self) }

// Mine tells whether this node owns the shard.
func (d *Directory) Mine(shard int) bool { return d.Places[shard].Owner == d.Self }

// Single returns the directory of a node that is alone: it owns all shards.
func Single(slots *Slots) *Directory {
	d := &Directory{Slots: slots, Epoch: 1, Self: 1, Members: []Member{{Number: 1}}, Places: make([]Place, slots.Shards())}
	for i := range d.Places {
		d.Places[i] = Place{Owner: 1, Epoch: 1}
	}
	return d
}

// Store holds a node's newest Directory. Its methods may be called from any
// goroutine.
type Store struct{ now atomic.Pointer[Directory] }

// NewStore returns a store that holds d.
func NewStore(d *Directory) *Store {
	s := &Store{}
	s.now.Store(d)
	return s
}

// Load returns the newest directory.
func (s *Store) Load() *Directory { return s.now.Load() }

// Advance takes d if it is newer than what the store holds, and tells whether.
func (s *Store) Advance(d *Directory) bool {
	for {
		was := s.now.Load()
		if was != nil && was.Epoch >= d.Epoch {
			return false
		}
		if s.now.CompareAndSwap(was, d) {
			return true
		}
	}
}
