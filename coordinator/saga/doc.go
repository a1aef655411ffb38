// Package saga carries out what spans shards: commands with several keys, EXEC
// and scripts, each atomic and isolated.
//
// Such a command is a Program: plain code that runs engine commands as Steps, each
// on the shard of its key, and writes one reply. A program does not know how its
// steps travel. There are two ways, with the same result:
//
// Inline: a Runner takes the leases of all the shards of its keys by
// compare-and-swap and runs the program on the caller's goroutine. No message is
// sent. If a lease is busy or a key is locked it gives up before anything is done.
//
// By messages: a coordinator, one for each saga, locks the keys at their shards,
// sends the steps there, decides once, and lets all shards commit or undo. Older
// sagas win (wound-wait), so nothing deadlocks. The coordinator's engine is a state
// machine that runs its program as a coroutine, or a Plan, so that simulations can
// replay it.
//
// # The way by messages
//
// A Coordinator sends orders to participants (shard/engine), and hears answers:
//
//	Run      lock these keys, then run these steps, keeping a journal: Ran
//	Decide   home participant: run the last steps, commit, and keep the record of it: Decided
//	Commit   all others: run the last steps, and make it final: Committed
//	Forget   home participant: drop the record: Forgotten
//	Undo     roll back and unlock: Undone
//	Resolve  after a crash: what is known here? Decided, Prepared or Absent; or Elsewhere
//	Confirm  are all locks still there? Confirmed or Undone
//
// The keys that are known before the program runs are locked with its first round
// of steps, on all shards at once, others when a step touches them; none is given
// back before the end. A participant that must wait says so (Waits), and sends the
// coordinators of younger holders a Wound. One that is wounded and waits may be part
// of a circle: it undoes itself everywhere and runs again, no younger than it was. A
// call that has only read needs no decision, and if its steps are known before it runs
// it shares its locks with others that do.
//
// A script whose keys are declared runs on a draft of them, at the coordinator. What it
// has changed there are the last steps, for which nobody waits: they cannot but come to
// the same at the shards, whose keys are locked.
//
// Calls of several clients whose steps are known may be carried out together, as a
// Group: one after the other at one moment.
//
// Any message may be lost, doubled or late. A coordinator sends an order again
// until it is answered; a participant knows rounds that it has run; attempts and
// visits tell apart what belongs to an earlier run. A participant that a late copy
// has made speaks up by its answers, and is undone by whoever no longer knows it.
//
// If a coordinator crashes a Recovery asks all shards. A decision that is on
// record is carried through by the participants that it names. If there is none,
// there can be none any more, as the question has undone the home participant, and
// all is undone.
package saga
