// Package data holds the memory of a shard: Arena, an allocator whose blocks
// the garbage collector neither scans nor moves; records, each a key and a
// small value in one block behind a 32-bit Ref; and Table, a hash table of Refs
// that grows a small segment at a time, so that no insert ever pauses, and that
// SCAN can walk in hash order while it grows and shrinks.
//
// The keyspace, and the larger hashes, sets and sorted sets, are Tables over
// the Arena of their shard. Neither type is safe for concurrent use: the shard's
// lease is what guards them. Nothing here knows of time, Redis types or replies.
// The packages below this one are the other structures: listpack, intset,
// quicklist, ranktree, and the small tools num, glob and rng.
package data
