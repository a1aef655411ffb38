package saga

import (
	"slices"

	"github.com/troupedb/troupe/shard/reply"
)

// Own returns a copy of the call that shares no memory with the words of the
// caller, and writes to a buffer of its own: what a call needs that outlives the
// caller's turn.
func (c *Call) Own() *Call {
	own := *c
	own.Args = CloneArgs(c.Args)
	own.Queue = slices.Clone(c.Queue)
	for i := range own.Queue {
		own.Queue[i].Args = CloneArgs(own.Queue[i].Args)
	}
	own.Watches = slices.Clone(c.Watches)
	for i := range own.Watches {
		own.Watches[i].Key = slices.Clone(own.Watches[i].Key)
	}
	own.Out = &reply.Writer{Proto: c.Out.Proto}
	return &own
}

// CloneArgs copies words into one new piece of memory.
func CloneArgs(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	buf, own := make([]byte, 0, size), make([][]byte, len(args))
	for i, a := range args {
		buf = append(buf, a...)
		own[i] = buf[len(buf)-len(a) : len(buf) : len(buf)]
	}
	return own
}
