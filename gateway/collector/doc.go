// Package collector sets how hard Go's garbage collector works for a node.
//
// Strings and the tables of large values live in the shards' arenas, which the
// collector does not see; lists and small hashes, sets and sorted sets are on
// Go's heap. So the heap may be a few megabytes or most of what the process has.
// Go lets garbage grow as large as the live heap, whatever its size; here it may
// be a fixed part, which makes collections rare while the heap is small, and a
// quarter of the live heap, which bounds the memory wasted when it is large.
//
// Garbage that nothing is allocated after, such as a flushed database, would
// stay until the next collection, which never comes on a quiet node. So one is
// started when commands were served since the last and that is long enough ago
// for its price and for what the last such one gained. Where the environment sets GOGC, all of this is left to it.
package collector
