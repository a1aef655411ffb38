// Package list holds the commands on lists. A List is a quicklist, whatever its
// size, as in Redis 7.0; its own methods change it and record how each change is
// undone, so that no handler has to.
//
// An emptied list is no list: the handler that would take the last elements
// removes the key instead, elements and all, and the keyspace frees them when it
// suits. So removing a long list is as cheap as removing a short one, and an
// undone saga finds it whole.
package list
