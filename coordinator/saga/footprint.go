package saga

import (
	"math/bits"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/keyspace"
)

// footprint is what a call is known to touch before it runs.
type footprint struct {
	env  *Env
	keys []keyRef
	need shardSet
	all  bool // every key of all shards is needed
	scan []command.KeyPos
}

func (e *Env) newFootprint() footprint { return footprint{env: e, need: e.newShardSet()} }

// keyRef is a key of a call, whose shard is known.
type keyRef struct {
	name  []byte
	db    int
	shard int
}

// shardSet is a set of shard numbers.
type shardSet []uint64

func (s shardSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s shardSet) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

func (s shardSet) each(f func(int)) {
	for w, set := range s {
		for ; set != 0; set &= set - 1 {
			f(w*64 + bits.TrailingZeros64(set))
		}
	}
}

func (e *Env) newShardSet() shardSet { return make(shardSet, (e.Slots.Shards()+63)/64) }

// collect finds the keys and shards of the call.
func (f *footprint) collect(call *Call) {
	clear(f.need)
	f.keys, f.all = f.keys[:0], false
	f.collectKeys(call.Cmd, call.Args, call.DB)
	db := call.DB
	for i := range call.Queue {
		q := &call.Queue[i]
		f.collectKeys(q.Cmd, q.Args, db)
		if q.Cmd.Name == selectName {
			db = selectedDB(q.Args, db)
		}
	}
	for _, w := range call.Watches {
		f.addKey(w.Key, w.DB)
	}
	if f.all {
		for i := range f.env.Slots.Shards() {
			f.need.add(i)
		}
	}
}

// selectName is the one command that changes where the keys of those after it
// in a transaction are.
const selectName = "select"

// selectedDB returns the database after SELECT with these arguments, which
// fails, and changes nothing, on nonsense.
func selectedDB(args [][]byte, db int) int {
	if n, ok := num.ParseInt(args[1]); ok && n >= 0 && n < keyspace.Databases {
		return int(n)
	}
	return db
}

func (f *footprint) collectKeys(cmd *command.Info, args [][]byte, db int) {
	if cmd.Route == command.RouteBroadcast || cmd.Route == command.RouteCatalog {
		f.all = true
	}
	if cmd.KeyPos > 0 {
		f.addKey(args[cmd.KeyPos], db)
		return
	}
	if cmd.Route == command.RouteLocal {
		return
	}
	keys, err := command.Keys(cmd, args, f.scan[:0])
	if err != nil {
		return // the program finds the same fault and says so
	}
	f.scan = keys[:0]
	for i := range keys {
		f.addKey(args[keys[i].Pos], db)
	}
}

func (f *footprint) addKey(name []byte, db int) {
	shard := f.env.ShardOf(name)
	f.need.add(shard)
	f.keys = append(f.keys, keyRef{name, db, shard})
}
