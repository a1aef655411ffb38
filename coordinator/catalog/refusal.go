package catalog

import "github.com/troupedb/troupe/actors/directory"

// Refusal is why an entry has changed nothing, though it should. It is an error.
type Refusal uint8

// The refusals. Their values may travel between nodes: new ones come last.
const (
	Accepted Refusal = iota
	Replayed
	Malformed
	TooLarge
	NoCluster
	OtherCluster
	UnknownMember
	StaleIncarnation
	StaleTerm
	RaftIDTaken
	TooManyMembers
	NotDown
	NotLeaving
	OwnsShards
	NobodyLeft
	UnknownShard
	StaleEpoch
	StalePlan
	Moving
	NotMoving
	UnfitSource
	UnfitTarget
	TooManySettings
	TooManyScripts
)

var refusals = [...]string{
	Accepted:         "accepted",
	Replayed:         "the entry was applied before",
	Malformed:        "the entry makes no sense",
	TooLarge:         "the entry is too large",
	NoCluster:        "there is no cluster yet",
	OtherCluster:     "this is another cluster",
	UnknownMember:    "no such member",
	StaleIncarnation: "the member is in another incarnation",
	StaleTerm:        "another leader has taken over",
	RaftIDTaken:      "another member has this raft id",
	TooManyMembers:   "the cluster has as many members as it can",
	NotDown:          "the member is not down",
	NotLeaving:       "the member is not leaving",
	OwnsShards:       "the member owns shards",
	NobodyLeft:       "nobody is left to take its shards",
	UnknownShard:     "no such shard",
	StaleEpoch:       "the epoch is another by now",
	StalePlan:        "the new owners do not fit any more",
	Moving:           "the shard is moving already",
	NotMoving:        "there is no such move",
	UnfitSource:      "the shard's owner is down",
	UnfitTarget:      "the member cannot take the shard",
	TooManySettings:  "there are too many settings, or they are too long",
	TooManyScripts:   "the library of scripts is full: SCRIPT FLUSH empties it",
}

func (r Refusal) Error() string {
	if int(r) < len(refusals) {
		return "catalog: " + refusals[r]
	}
	return "catalog: refused"
}

// Result is what became of an entry.
type Result struct {
	// Request is the entry's, for who waits for it.
	Request uint64
	// Epoch is the catalog's after the entry.
	Epoch uint64
	// Changed: the epoch has grown. An entry that says what is so already is
	// accepted and changes nothing.
	Changed bool
	Refused Refusal
	// Number is the member's that has joined.
	Number directory.Number
	// Move is the one that has begun.
	Move uint64
}

// Err returns the refusal as an error, nil if there is none.
func (r Result) Err() error {
	if r.Refused == Accepted {
		return nil
	}
	return r.Refused
}

func refuse(r Refusal) Result { return Result{Refused: r} }

// same accepts what is so already.
func same() Result { return Result{} }

func changed() Result { return Result{Changed: true} }
