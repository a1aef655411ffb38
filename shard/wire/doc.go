// Package wire is how orders, answers and single commands travel between nodes: a
// compact binary form of the types of shard/engine. Numbers are unsigned varints,
// byte strings have their length in front, commands are named by their place in the
// table, which both sides share or else do not speak (see Fingerprint).
//
// What comes from a network is never trusted: every length and count is held
// against what is left of the bytes and against a named limit, and whatever is
// malformed is an error. What was parsed names memory of the frame, unless a
// function says that it copies.
package wire
