package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/glob"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// ~census replies with the number of keys of the database and a random number.
var stepCensusRow = shardStep("~census", 1, command.ReadOnly|command.Fast)

func stepCensus(c *engine.Ctx) {
	c.Out.Array(2)
	c.Out.Int(int64(c.KS.Len(int(c.Key.DB))))
	c.Out.Int(int64(c.Rand.Uint64() >> 1))
}

// ~flushdb empties the database, ~flushall all of them. They reply nothing.
var (
	stepFlushDBRow  = shardStep("~flushdb", 1, command.Write)
	stepFlushAllRow = shardStep("~flushall", 1, command.Write)
)

func stepFlushDB(c *engine.Ctx) { c.Flush(int(c.Key.DB)) }

func stepFlushAll(c *engine.Ctx) {
	for db := range keyspace.Databases {
		c.Flush(db)
	}
}

// ~swapdb <db> <db> exchanges two databases. It replies nothing.
var stepSwapDBRow = shardStep("~swapdb", 3, command.Write|command.Fast)

func stepSwapDB(c *engine.Ctx) {
	a, okA := c.Int(1)
	b, okB := c.Int(2)
	if okA && okB {
		c.SwapDB(int(a), int(b))
	}
}

// ~keys <pattern> replies with the names that match.
var stepKeysRow = shardStep("~keys", 2, command.ReadOnly)

func stepKeys(c *engine.Ctx) {
	pattern := c.Args[1]
	everything := string(pattern) == "*"
	var found []data.Ref
	c.KS.Scan(int(c.Key.DB), 0, c.KS.Len(int(c.Key.DB)), func(r data.Ref) {
		if everything || glob.Match(pattern, c.KS.Arena.Key(r), false) {
			found = append(found, r)
		}
	})
	writeKeys(c, found)
}

func writeKeys(c *engine.Ctx, refs []data.Ref) {
	c.Out.Array(len(refs))
	for _, r := range refs {
		c.Out.Bulk(c.KS.Arena.Key(r))
	}
}

// ~scan <position> <count> <pattern> <type> goes on with a scan of the keyspace
// at a position of Keyspace.Scan. It replies with the next position, how many keys
// it looked at, and those that match. An empty type is any; so is the pattern *.
var stepScanRow = shardStep("~scan", 5, command.ReadOnly)

func stepScan(c *engine.Ctx) {
	pos, okPos := c.Int(1)
	count, okCount := c.Int(2)
	if !okPos || !okCount {
		return
	}
	pattern, kind := c.Args[3], c.Args[4]
	everything := string(pattern) == "*"
	met := 0
	var found []data.Ref
	next := c.KS.Scan(int(c.Key.DB), uint64(pos), int(count), func(r data.Ref) {
		met++
		if (everything || glob.Match(pattern, c.KS.Arena.Key(r), false)) &&
			(len(kind) == 0 || sameType(kind, c.KS.Kind(r))) {
			found = append(found, r)
		}
	})
	c.Out.Array(3)
	c.Out.Int(int64(next))
	c.Out.Int(int64(met))
	writeKeys(c, found)
}

// sameType compares without regard to case, as SCAN does.
func sameType(name []byte, kind keyspace.Kind) bool {
	word := kind.String()
	if len(name) != len(word) {
		return false
	}
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != word[i] {
			return false
		}
	}
	return true
}

// ~randomkey replies with a random key of the database, or null.
var stepRandomKeyRow = shardStep("~randomkey", 1, command.ReadOnly)

func stepRandomKey(c *engine.Ctx) {
	r := c.KS.Random(int(c.Key.DB), c.Rand.Uint64)
	if r == 0 {
		c.Out.Null()
		return
	}
	c.Out.Bulk(c.KS.Arena.Key(r))
}
