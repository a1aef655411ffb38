package migrate

import "github.com/troupedb/troupe/actors/directory"

// Verdict is what the catalog has made of a move.
type Verdict uint8

// The verdicts.
const (
	// Undecided: it is under way.
	Undecided Verdict = iota
	// Committed: the shard is the target's.
	Committed
	// Aborted: the shard is the source's under the epoch that it had.
	Aborted
	// Void: something else has happened to the shard since. It is neither what it was
	// at the source, nor what has come to the target.
	Void
)

var verdictNames = [...]string{"undecided", "committed", "aborted", "void"}

func (v Verdict) String() string { return verdictNames[v] }

// Judge tells what has become of the move that a shard was under at begun, from its
// place now. Epochs grow with each change of the owner and each loss of the data; the
// move's own commit makes the next one, and the shard the target's without a loss.
// Places may be skipped but must not go back, as a directory.Store's do not. A shard
// does not come to the target in another way without its knowing, nor back to the
// source under its old epoch.
func Judge(begun, now directory.Place) Verdict {
	switch {
	case now.Epoch == begun.Epoch && now.MoveID == begun.MoveID:
		return Undecided
	case now.Epoch == begun.Epoch:
		return Aborted
	case now.Epoch == begun.Epoch+1 && now.Owner == begun.To && now.LostAt == begun.LostAt && now.LostKeys == begun.LostKeys:
		return Committed
	}
	return Void
}
