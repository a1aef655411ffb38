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
// machine that runs its program as a coroutine, so that simulations can replay it.
package saga
