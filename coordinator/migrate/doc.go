// Package migrate moves one shard from the node that owns it to another, while it
// serves. Source and Target are the two ends: pure state machines that are told
// what happens (frames, chunks, ticks, what the catalog says) and answer with the
// Actions to be carried out.
//
//	source                                target
//	Begin                                 Begin, Ready
//	chunk, chunk, ... (keys, then what
//	  changed meanwhile)          ──────▶ import, Ack
//	little is left: seal
//	the rest, the last chunk      ──────▶ import, Ack
//	propose MoveCommit
//	        ── the catalog's entry is the switch ──
//	close, free                           open under the new epoch
//
// At most Window chunks are on their way. Any frame may be lost, doubled or late:
// acknowledgements name the next chunk that is wanted, and what is not acknowledged
// is sent again, at once when the link comes back. An end that crashes loses the
// move, as the catalog ends the moves of a process that is gone.
//
// Only the source proposes to commit, and only once the target has everything, so
// until the entry is there the source alone has the right to the shard. It is sealed
// by then: neither side serves. If no decision is seen SealLimit after the seal, or the
// target is suspected meanwhile, the source proposes to abort; it unseals when it sees that entry, not before, since
// its commit may have come first. What was decided is read from the shard's place in
// the directory, which can be asked as often as it takes: see Judge. So at any time
// one side serves at most, and after any end of a move the one that the catalog
// names has all that was ever acknowledged.
package migrate
