// Package directory is a node's read-only knowledge of its cluster, from which
// everything is routed: which shard has a slot, which is fixed for the life of a
// cluster, and which member has a shard, which the catalog decides and which grows
// an epoch with every change. A Directory is an immutable snapshot; a Store holds
// the newest one, for readers without locks.
package directory
