// Package directory tells which shard owns a slot: an immutable snapshot that
// routing reads without locks. On one node it never changes; epochs come with it
// so that whoever keeps one can tell an old answer.
package directory
