package shard

import (
	"slices"

	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/list"
	"github.com/troupedb/troupe/shard/str"
)

// Commands are all commands that touch one key or one whole shard.
func Commands() []engine.Command {
	return slices.Concat(
		list.Commands,
		str.Commands,
	)
}
