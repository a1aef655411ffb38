// Package badinput attacks a node with what no client should send: malformed
// and endless requests, numbers at and beyond their bounds, counts that lie, keys
// named twice, patterns and scripts that explode, clients that die.
//
// What is fixed stands in testdata, a file an attack, in the small language that
// corpus_test.go describes; what is generated (every numeric argument of every
// command, from the node's own COMMAND DOCS) stands in Go. After each attack the
// node must answer another client, must not have recovered from a panic, and must
// not have grown by more than a bound.
package badinput
