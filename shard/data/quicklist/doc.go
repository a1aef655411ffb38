// Package quicklist is a list of any length: a chain of nodes, each a run of
// entries in listpack's encoding, so a push costs no allocation of its own and
// a long list costs little more memory than its bytes.
//
//	List ─ node ⇄ node ⇄ node      node: [ room | entries | room ]
//
// A node keeps room at either end of its run, so pushing and popping at both
// ends of the list moves no bytes. A node is as large as Redis's
// list-max-listpack-size allows; an element larger than a whole node gets a plain
// node of its own, as raw bytes. Indexes are found by walking the nodes' counts
// from the nearer end.
//
// A Cursor names an element; any change to the list that does not go through
// that very cursor makes it stale. Values point into the list and are good until
// its next change; texts given to a method must not be such values.
package quicklist
