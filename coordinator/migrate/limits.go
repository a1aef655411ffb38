package migrate

import "github.com/troupedb/troupe/shard/keyspace"

// Limits of a move. Times are in milliseconds.
const (
	// ChunkBytes is what a chunk is asked to have: less than an event loop reads at once,
	// so that its frame is seldom kept in parts.
	ChunkBytes = 48 << 10
	// Window is how many chunks, and WindowBytes how many bytes, may be on their way
	// without an acknowledgement: what the source keeps to send again, and what the
	// target may have to keep.
	Window      = 32
	WindowBytes = 2 << 20
	// SealBelow is how little must be left of an export to seal the shard: a few
	// chunks, so that clients wait for milliseconds. It is far below what counts for
	// anything that was not looked at yet.
	SealBelow = keyspace.NotSeen / 4
	// IdleLimit is how long an export may have nothing to send, with more than that
	// left, before the shard is sealed all the same: what is left waits for that.
	IdleLimit = 1000
	// PollEvery is how soon an export is asked again that had nothing to send.
	PollEvery = 2
	// ResendAfter is how long a chunk may be without an acknowledgement before all
	// are sent again: long against a round trip, even over a busy link.
	ResendAfter = 300
	// ProposeEvery is how often a proposal is made again that has no effect yet.
	ProposeEvery = 200
	// SealLimit is how long a shard may be sealed before the move is given up.
	SealLimit = 2000
	// StallLimit is how long the target may acknowledge nothing before the move is
	// given up.
	StallLimit = 20_000
)
