// Package keyspace holds the keys of one shard: 16 databases of slot tables over
// one arena, expiry times and their index, objects of the compound types, and
// what must be undone should a saga be.
//
// A string lives in its key's record; every other value is an Object that the
// record names. Time, hashing seed and random numbers come from outside, so the
// same calls make the same keyspace on every replica. An expired key is gone for
// every caller from the millisecond its time comes; its memory follows at the next
// access or by ExpireSome. Whatever may be large (a value, a database) is freed
// in bounded pieces by Collect, and moves to another node in bounded pieces, while
// it serves, by Export and Import.
package keyspace
