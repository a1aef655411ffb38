package membership

import (
	"net"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/troupedb/troupe/actors/directory"
)

// Lookup answers where a shard is from the directory. It places nothing: the
// catalog does.
type Lookup struct{ store *directory.Store }

// NewLookup returns a lookup in what the store holds.
func NewLookup(store *directory.Store) *Lookup { return &Lookup{store} }

// ShardActor is the name of a shard's actor on its owner.
func ShardActor(shard int) string { return "shard-" + strconv.Itoa(shard) }

// Get implements cluster.IdentityLookup: nil for a shard that nobody serves now.
func (l *Lookup) Get(identity *cluster.ClusterIdentity) *actor.PID {
	if identity.GetKind() != ShardKind {
		return nil
	}
	d := l.store.Load()
	shard, err := strconv.Atoi(identity.GetIdentity())
	if d == nil || err != nil || shard < 0 || shard >= len(d.Places) {
		return nil
	}
	owner := d.Member(d.Places[shard].Owner)
	if owner == nil || owner.State == directory.Down {
		return nil
	}
	return actor.NewPID(net.JoinHostPort(owner.Host, strconv.Itoa(owner.ActorPort)), ShardActor(shard))
}

// RemovePid implements cluster.IdentityLookup: the next directory knows better.
func (l *Lookup) RemovePid(*cluster.ClusterIdentity, *actor.PID) {}

// Setup implements cluster.IdentityLookup.
func (l *Lookup) Setup(*cluster.Cluster, []string, bool) {}

// Shutdown implements cluster.IdentityLookup.
func (l *Lookup) Shutdown() {}
