package admin

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// Commands are the steps of this package.
var Commands = []engine.Command{
	{Row: &figuresRow, Run: figures},
	{Row: &describeRow, Run: describe},
}

// Names of the steps.
const (
	FiguresName  = "~figures"
	DescribeName = "~describe"
)

// Figures is what a shard knows of itself, in the order in which ~figures
// replies with it.
type Figures struct {
	Changes, Expired, Hits, Misses uint64
	Used, Resident                 int64 // bytes of records, and of the pages that hold them
	Waiting, Watched, Garbage      int
	DBs                            [keyspace.Databases]DB
}

// DB is what a shard knows of its part of a database.
type DB struct{ Keys, Volatile, TTL int64 }

// ttlSample is from how many keys the mean time to live is estimated, a database
// and shard: enough for a figure that is an estimate in Redis too.
const ttlSample = 100

// ~figures replies with Figures as a flat array of integers.
var figuresRow = command.Row{
	Name: FiguresName, Group: command.GroupServer, Arity: 1,
	Flags: command.Internal | command.Fast, Route: command.RouteBroadcast,
}

func figures(c *engine.Ctx) {
	hits, misses := c.KS.Lookups()
	watched, waiting := c.Crowd()
	c.Out.Array(9 + 3*keyspace.Databases)
	for _, n := range [...]uint64{c.Changes(), c.KS.ExpiredTotal(), hits, misses} {
		c.Out.Int(int64(n))
	}
	for _, n := range [...]int64{
		c.KS.Arena.Used(), c.KS.Arena.Resident(), int64(waiting), int64(watched), int64(c.KS.GarbageLen()),
	} {
		c.Out.Int(n)
	}
	for db := range keyspace.Databases {
		c.Out.Int(int64(c.KS.Len(db)))
		c.Out.Int(int64(c.KS.Volatile(db)))
		c.Out.Int(c.KS.AverageTTL(db, ttlSample))
	}
}

// Add adds the figures of another shard, as ~figures replies with them. Means are
// weighed by the keys that they are of.
func (f *Figures) Add(answer []byte) {
	var n []int64
	reply.Elements(answer, func(v reply.Value) { n = append(n, v.Int) })
	for i, to := range []*uint64{&f.Changes, &f.Expired, &f.Hits, &f.Misses} {
		*to += uint64(n[i])
	}
	f.Used += n[4]
	f.Resident += n[5]
	for i, to := range []*int{&f.Waiting, &f.Watched, &f.Garbage} {
		*to += int(n[6+i])
	}
	for i := range f.DBs {
		f.DBs[i].add(n[9+3*i : 12+3*i])
	}
}

func (d *DB) add(n []int64) {
	if all := d.Volatile + n[1]; all > 0 {
		d.TTL = (d.TTL*d.Volatile + n[2]*n[1]) / all
	}
	d.Keys += n[0]
	d.Volatile += n[1]
}

// ~describe <key> replies with the place of the key's record, its size, its clock
// and how long it was idle, or nothing but a null if there is no key.
var describeRow = command.Row{
	Name: DescribeName, Group: command.GroupServer, Arity: 2,
	Flags: command.Internal, Keys: command.Key1(command.RO), Route: command.RouteSingle,
}

func describe(c *engine.Ctx) {
	r := c.KS.Peek(&c.Key)
	if r == 0 {
		c.Out.NullArray()
		return
	}
	c.Out.Array(4)
	c.Out.Int(int64(r))
	c.Out.Int(size(c.KS, r))
	c.Out.Int(int64(c.KS.Arena.Clock(r)))
	c.Out.Int(c.KS.IdleSeconds(r))
}

// size is the value's size in bytes: nothing is serialized here, so what it takes
// in memory stands for it.
func size(ks *keyspace.Keyspace, r data.Ref) int64 {
	if ks.Kind(r) == keyspace.String {
		return int64(len(ks.Arena.Val(r)))
	}
	return ks.Object(r).MemBytes()
}
