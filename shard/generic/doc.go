// Package generic holds the commands that do not care which type a value has,
// and the steps on one key or one whole shard that the coordinator's programs for
// such commands (DEL, RENAME, SCAN, FLUSHALL, ...) are made of. The steps' names
// begin with "~"; no client can name them.
//
// A value goes to another shard, or is copied, as its image: kind, expiry, and
// what its type's AppendImage wrote.
package generic
