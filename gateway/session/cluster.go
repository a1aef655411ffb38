package session

import (
	"context"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/cluster"
)

// Cluster is what commands ask of the cluster beyond the directory. The methods
// that take a context wait for the catalog: they are called on goroutines of
// their own, may be called several at a time, and say in plain words what stands
// in the way. A nil Cluster is a node on its own.
type Cluster interface {
	// Status returns what is known of all members, shards and moves.
	Status(ctx context.Context) (*ClusterStatus, error)
	// Rebalance begins the moves that spread the shards evenly, and returns how
	// many there are.
	Rebalance(ctx context.Context) (moves int, err error)
	// Drain tells a member to hand its shards over. It returns once the catalog
	// has it; Status shows how far that has come.
	Drain(ctx context.Context, node directory.Number) error
	// Forget removes a member that is down. What it had in memory is given up.
	Forget(ctx context.Context, node directory.Number) error
	// Move begins to move a shard.
	Move(ctx context.Context, shard int, to directory.Number) error
	// Links returns the streams between this node and its peers. It does not wait.
	Links() []Link
}

// Doors is what a Cluster implements that counts what its own ports have turned away.
// What the streams' port has, Server.Streams knows.
type Doors interface{ TurnedAway() cluster.TurnedAway }

// Settings is what a Cluster implements that has settings for all nodes.
type Settings interface {
	// SetSettings sets values of CONFIG, given as pairs of name and value and known to
	// be good, for the whole cluster, all or none. When it returns, the catalog has
	// them; each node adopts them soon (Config.Adopt).
	SetSettings(ctx context.Context, pairs ...string) error
}

// Library is what a Cluster implements that keeps scripts. Nodes tell each other of
// scripts without it; with it one survives the node that knew it.
type Library interface {
	// LoadScript keeps a script.
	LoadScript(ctx context.Context, body []byte) error
	// FlushScripts forgets all, and returns the catalog's epoch since which that is so.
	// Each node empties its cache (Env.Scripts.Flush) when it comes to know of it.
	FlushScripts(ctx context.Context) (epoch uint64, err error)
	// Script returns the text of a script by its SHA1 in lower case. It does not wait.
	Script(sha string) (body string, ok bool)
}

// Unknown stands for a number in a ClusterStatus that nobody could tell.
const Unknown = -1

// ClusterStatus is what `troupe cluster status` shows. Its JSON is for programs,
// so names stay. Times are Unix milliseconds, 0: never.
type ClusterStatus struct {
	ID     string             `json:"id"`
	Name   string             `json:"name"`
	Epoch  uint64             `json:"epoch"`
	Self   directory.Number   `json:"self"`   // who answers
	Leader directory.Number   `json:"leader"` // of the catalog, 0: not known
	Voters []directory.Number `json:"voters"`
	Nodes  []NodeStatus       `json:"nodes"`
	Shards []ShardStatus      `json:"shards"`
	Moves  []MoveStatus       `json:"moves"`
	Links  []Link             `json:"links"` // of the node that answers
}

// NodeStatus is one member.
type NodeStatus struct {
	Number      directory.Number `json:"number"`
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Zone        string           `json:"zone"`
	State       string           `json:"state"` // up, leaving, down
	Since       int64            `json:"since"`
	Host        string           `json:"host"`
	ClientPort  int              `json:"client_port"`
	GossipPort  int              `json:"gossip_port"`
	ActorPort   int              `json:"actor_port"`
	StreamPort  int              `json:"stream_port"`
	Incarnation uint64           `json:"incarnation"`
	Heard       int64            `json:"heard"` // when its last heartbeat was
	Shards      int              `json:"shards"`
	Keys        int64            `json:"keys"` // Unknown: nobody told
}

// ShardStatus is one shard.
type ShardStatus struct {
	Shard     int              `json:"shard"`
	FirstSlot int              `json:"first_slot"`
	LastSlot  int              `json:"last_slot"`
	Owner     directory.Number `json:"owner"` // 0: nobody
	Epoch     uint64           `json:"epoch"`
	Up        bool             `json:"up"`        // it is served
	Keys      int64            `json:"keys"`      // of all databases; Unknown: nobody told
	LostAt    int64            `json:"lost_at"`   // when it lost its data last
	LostKeys  int64            `json:"lost_keys"` // about how many keys that were
	To        directory.Number `json:"to"`        // where it is moving, 0: nowhere
}

// MoveStatus is one shard on its way. Totals grow while clients write.
type MoveStatus struct {
	ID        uint64           `json:"id"`
	Shard     int              `json:"shard"`
	From      directory.Number `json:"from"`
	To        directory.Number `json:"to"`
	Phase     string           `json:"phase"`
	Started   int64            `json:"started"`
	Bytes     int64            `json:"bytes"`      // sent
	KeysSent  int64            `json:"keys_sent"`  // sent
	KeysLeft  int64            `json:"keys_left"`  // to send; Unknown: nobody told
	BytesLeft int64            `json:"bytes_left"` // to send; Unknown: nobody told
}

// Link is one stream between this node and a peer.
type Link struct {
	Peer    directory.Number `json:"peer"`
	Inbound bool             `json:"inbound"` // the peer has opened it
	Up      bool             `json:"up"`
	Since   int64            `json:"since"`
	Heard   int64            `json:"heard"` // when something came last
	// Bytes that wait to be sent, and what is allocated for them.
	Unsent    int `json:"unsent"`
	Allocated int `json:"allocated"`
}

// StatusOf returns as much of a status as the directory tells.
func StatusOf(d *directory.Directory) *ClusterStatus {
	st := &ClusterStatus{
		ID: d.ClusterID, Name: d.Cluster, Epoch: d.Epoch, Self: d.Self, Leader: d.Leader,
		Voters: append([]directory.Number{}, d.Voters...),
		Nodes:  make([]NodeStatus, len(d.Members)), Shards: make([]ShardStatus, len(d.Places)),
		Moves: []MoveStatus{}, Links: []Link{},
	}
	owned := map[directory.Number]int{}
	for i, p := range d.Places {
		first, count := directory.Range(i, d.Shards())
		owner := d.Member(p.Owner)
		st.Shards[i] = ShardStatus{
			Shard: i, FirstSlot: first, LastSlot: first + count - 1, Owner: p.Owner, Epoch: p.Epoch,
			Up: owner != nil && owner.State != directory.Down, Keys: Unknown,
			LostAt: p.LostAt, LostKeys: p.LostKeys, To: p.To,
		}
		owned[p.Owner]++
		if p.To != 0 {
			st.Moves = append(st.Moves, MoveStatus{
				ID: p.MoveID, Shard: i, From: p.Owner, To: p.To, KeysLeft: Unknown, BytesLeft: Unknown,
			})
		}
	}
	for i := range d.Members {
		m := &d.Members[i]
		st.Nodes[i] = NodeStatus{
			Number: m.Number, ID: m.ID, Name: m.Name, Zone: m.Zone, State: m.State.String(), Since: m.Since,
			Host: m.Host, ClientPort: m.ClientPort, GossipPort: m.GossipPort, ActorPort: m.ActorPort,
			StreamPort: m.StreamPort, Incarnation: m.Incarnation, Shards: owned[m.Number], Keys: Unknown,
		}
	}
	return st
}

// Node returns the member with this number, nil if there is none.
func (st *ClusterStatus) Node(n directory.Number) *NodeStatus {
	for i := range st.Nodes {
		if st.Nodes[i].Number == n {
			return &st.Nodes[i]
		}
	}
	return nil
}
