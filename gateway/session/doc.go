// Package session is the protocol side of a client's connection: it takes
// commands from the reader, looks them up, and sends each on its route, in the
// order in which they came. Route is switched on in dispatch.go, and nowhere else.
//
// A session runs on its connection's event loop only. A command for an idle shard
// runs there and then, under the shard's lease; its reply goes straight into the
// connection's output. What must wait (for a busy shard, a locked key, a saga by
// messages, a blocked client) owns its memory, pauses the connection, and comes
// back to the loop as a posted function.
package session
