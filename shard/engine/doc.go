// Package engine runs commands on one shard: a request in, a reply and effects
// out. It is a plain state machine without goroutines, clocks or sockets: time
// comes with each batch, random numbers from a seed, and what others must learn
// (a served waiter, a granted lock, a notification) leaves through Effects.
//
// Every engine command works on exactly one key, the Key of its Ctx, or on the
// whole shard (no key). What takes several keys is a program of the coordinator
// that runs engine commands as its steps; that is why any command, transaction or
// script may span shards. The type packages (str, list, hash, set, zset, bitmap,
// generic) hold the handlers and their rows.
package engine
