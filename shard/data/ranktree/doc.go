// Package ranktree orders the members of a sorted set by (score, member) and
// knows every element's rank: a B+tree whose inner nodes count what is below.
//
//	inner: [min key | count | child] × 64      leaf: [score | ref] × 128, linked
//
// The tree stores no member bytes. An element is a score and a 32-bit reference;
// the owner of the members tells the bytes behind a reference (Members). Leaves
// are arrays of numbers that the garbage collector does not scan, 12 bytes an
// element when full: rising or falling insertion fills them, random insertion
// fills two thirds.
//
// An inner node's key is the least element below each child, always one that is
// in the tree, so a reference may be reused as soon as its element was deleted.
//
// Scores are never NaN. -0 and 0 are the same place. The bytes behind a
// reference must not change while its element is in the tree.
package ranktree
