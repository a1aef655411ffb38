// Package hash holds the commands on hashes.
//
// A hash is a Hash: a listpack of fields and values, in the order in which they
// came, while it has few and short ones; for good a table of records in the
// shard's arena (field as key, value as value) once it has outgrown Redis's
// limits. All changes go through its methods Set and Delete, which journal how
// they are undone, so the handlers never think of sagas.
package hash
