// Package settings holds what CONFIG GET shows and CONFIG SET changes, under
// Redis's names. One table (table.go) says of each parameter what it takes, what
// it starts with, and what it does here: it has an effect, it is kept without one,
// or, where keeping another value would be a lie, the reason for which the node
// refuses it; and whether a value is the whole cluster's, which the catalog keeps, or
// that of one node.
//
// A Store checks all values of one CONFIG SET before it takes any, and then hands
// the whole to its node at once: sessions and shards read immutable snapshots.
package settings
