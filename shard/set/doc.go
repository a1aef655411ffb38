// Package set holds the commands on sets, and the single-key steps that set
// algebra is composed of.
//
// A set is a Set: a sorted array of integers (intset) while all members are
// integers and few; else a table of records in the shard's arena, whose keys are
// the members. All changes go through its methods Add and Remove, which journal
// how they are undone, so the handlers never think of sagas.
//
// Between the steps of SINTER and its kin, members travel as Members: the very
// reply bytes of SMEMBERS, filtered by the shards of the other sets.
package set
