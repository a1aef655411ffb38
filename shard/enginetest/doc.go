// Package enginetest runs engine commands in tests without a server: one
// engine that owns all slots, a clock that the test sets, replies as short
// strings, and the effects recorded.
//
//	h := enginetest.New(t, str.Commands)
//	h.Expect("SET k v", "+OK")
//	h.Expect("GET k", "$1 v")
//
// A reply is its RESP text with each line break as a space, and none at the end.
package enginetest
