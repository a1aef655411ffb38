package shard

import (
	"slices"

	"github.com/troupedb/troupe/shard/admin"
	"github.com/troupedb/troupe/shard/bitmap"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/generic"
	"github.com/troupedb/troupe/shard/hash"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/list"
	"github.com/troupedb/troupe/shard/set"
	"github.com/troupedb/troupe/shard/str"
	"github.com/troupedb/troupe/shard/zset"
)

// Commands are all commands that touch one key or one whole shard.
func Commands() []engine.Command {
	loaders := Loaders()
	return slices.Concat(
		admin.Commands,
		bitmap.Commands,
		generic.Commands(&loaders),
		hash.Commands,
		list.Commands,
		set.Commands,
		str.Commands,
		zset.Commands,
	)
}

// Loaders make the values of compound types from their images.
func Loaders() (l keyspace.Loaders) {
	l[keyspace.Hash] = hash.Load
	l[keyspace.List] = list.Load
	l[keyspace.Set] = set.Load
	l[keyspace.SortedSet] = zset.Load
	return l
}
