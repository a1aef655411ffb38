package catalog

import "github.com/troupedb/troupe/actors/directory"

// What the catalog holds is bounded: all of it is in the memory of every node, and
// travels in one snapshot, which a replica sends as one message of 2 MiB at most. Of
// these members take 0.6 MiB if there are as many as can be, with the longest names.
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
	// MaxSettingName and MaxSettingValue bound one setting, MaxSettingBytes all.
	MaxSettingName  = 128
	MaxSettingValue = 64 << 10
	MaxSettingBytes = 128 << 10
	// MaxScripts and MaxScriptBytes bound the library of scripts, MaxScript one of
	// them.
	MaxScripts     = 8192
	MaxScript      = 512 << 10
	MaxScriptBytes = 1 << 20
	// MaxEntry bounds an entry, as a replica does: the largest script and what is
	// around it fit, and so do all settings at once.
	MaxEntry = 1 << 20
	// MaxSnapshot bounds a snapshot, as a replica does.
	MaxSnapshot = 2 << 20
	// pastIncarnations is how many former incarnations of a member are told from
	// new ones. A late copy of an entry is of a recent one.
	pastIncarnations = 8
)
