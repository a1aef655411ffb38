package shard

import (
	"github.com/troupedb/troupe/shard/hash"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/list"
	"github.com/troupedb/troupe/shard/set"
	"github.com/troupedb/troupe/shard/zset"
)

// Makers make the values of compound types that come from another node.
func Makers() *keyspace.Makers {
	return &keyspace.Makers{
		keyspace.Hash:      hash.Maker(),
		keyspace.List:      list.Maker(),
		keyspace.Set:       set.Maker(),
		keyspace.SortedSet: zset.Maker(),
	}
}
