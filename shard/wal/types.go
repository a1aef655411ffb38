package wal

import (
	"errors"
	"fmt"
)

const (
	// MaxRecord bounds one record: the header of many groups is the longest.
	MaxRecord = 1 << 30
	// MaxGroups bounds the groups of one log, all of which are in each header.
	MaxGroups = 4096
	// MaxConf bounds the configuration of one snapshot, which is in headers too.
	MaxConf = 64 << 10
	// MaxEntry bounds the data of one entry.
	MaxEntry = 8 << 20
	// MaxSnapshot bounds the data of one snapshot, which is held in memory.
	MaxSnapshot = 256 << 20
	// DefaultSegment is the size from which on a segment is followed by another.
	DefaultSegment = 16 << 20

	// pieceSize is how many bytes of entries an update puts into one record, and
	// entryOverhead what an entry takes besides its data.
	pieceSize     = 4 << 20
	entryOverhead = 32
	// flushAt is how much may be gathered that nobody waits for.
	flushAt = 256 << 10
)

var (
	// ErrCorrupt means that something which was durable does not read any more.
	ErrCorrupt = errors.New("wal: corrupt")
	// ErrTooLarge means that an entry, configuration or snapshot exceeds its limit.
	ErrTooLarge = errors.New("wal: too large")
	// ErrGap means that entries do not continue a group's log.
	ErrGap = errors.New("wal: entries do not continue the log")
	// ErrLoaded means that a group was loaded or changed since the log was opened.
	ErrLoaded = errors.New("wal: loaded before")
	// ErrClosed means that the log is closed.
	ErrClosed = errors.New("wal: closed")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Entry is one entry of a group's raft log.
type Entry struct {
	Index, Term uint64
	Type        uint8 // the driver's
	Data        []byte
}

// HardState is what a replica must never forget.
type HardState struct{ Term, Vote, Commit uint64 }

// Snapshot is a group's state after the entry Index; Conf is the configuration
// then, in the driver's encoding.
type Snapshot struct {
	Index, Term uint64
	Conf        []byte
	Data        []byte
}

// Update is what a group adds to the log, all of it or, after a crash, nothing;
// only very many entries are added in pieces, the first ones first.
type Update struct {
	// Snapshot, if not nil, replaces the group's snapshot. With Reset it also
	// replaces the log: entries before this update are not part of it any more.
	Snapshot *Snapshot
	Reset    bool
	// Entries replace those from the first one's index on.
	Entries []Entry
	// First, if not 0, is the first entry that is still needed.
	First uint64
	// HardState is unchanged if it is zero.
	HardState HardState
	// Sync makes the update durable before Save returns. Without, it becomes so
	// with a later one.
	Sync bool
}

// State is what a group has in the log.
type State struct {
	HardState
	Snapshot Snapshot // Index 0: none
	Entries  []Entry  // without gaps
}

// Empty tells whether there is nothing.
func (s *State) Empty() bool {
	return s.HardState == HardState{} && s.Snapshot.Index == 0 && len(s.Entries) == 0
}
