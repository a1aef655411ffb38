package catalog

import "github.com/troupedb/troupe/actors/directory"

// What the catalog holds is bounded: all of it is in the memory of every node, and
// travels in one snapshot.
const (
	// MaxShards keeps directories small and moves of one shard coarse enough.
	MaxShards = 1024
	// MaxMembers is what numbers of ten bits can name.
	MaxMembers = directory.MaxMembers
	// MaxText bounds names of members, zones and the cluster.
	MaxText = 64
	// MaxHost is the longest name that DNS knows.
	MaxHost = 255
	// MaxSettings is a few times what CONFIG knows.
	MaxSettings = 512
	// MaxSettingName and MaxSettingValue bound one setting.
	MaxSettingName  = 128
	MaxSettingValue = 64 << 10
	// MaxScripts and MaxScriptBytes bound the library of scripts, MaxScript one of
	// them.
	MaxScripts     = 8192
	MaxScript      = 1 << 20
	MaxScriptBytes = 16 << 20
	// MaxEntry bounds an entry: the largest script and what is around it.
	MaxEntry = 2 << 20
	// MaxSnapshot bounds a snapshot: all scripts, all settings, and members and
	// shards, which are less than the rest.
	MaxSnapshot = 64 << 20
	// pastIncarnations is how many former incarnations of a member are told from
	// new ones. A late copy of an entry is of a recent one.
	pastIncarnations = 8
)
