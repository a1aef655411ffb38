// Package zset holds sorted sets and their commands.
//
// A small sorted set is a listpack of member, score, member, score in order, as
// in Redis. A large one is a data.Table of members, each a record whose value is
// the score, and a ranktree that orders the records. Both forms answer by rank:
// ranges of scores and of strings are turned into a Window of ranks first, so
// counting, listing, storing, popping and removing are one piece of code each.
//
// Every change of a sorted set is a method of ZSet that takes the keyspace and
// records how to undo it while a journal is open; handlers never do.
//
// ZUNION and its kind, ZRANGESTORE, ZMPOP and the blocking commands are programs
// of the coordinator; the steps that only they take are in internal.go.
package zset
