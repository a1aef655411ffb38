package saga

import (
	"slices"

	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/words"
)

// Own returns a copy of the call that shares no memory with the words of the
// caller, and writes to a buffer of its own: what a call needs that outlives the
// caller's turn.
func (c *Call) Own() *Call {
	own := &Call{}
	c.OwnInto(own, &words.List{}, &reply.Writer{})
	return own
}

// OwnInto is Own with memory that is used again: own's queue, list and out.
func (c *Call) OwnInto(own *Call, list *words.List, out *reply.Writer) {
	queue := append(own.Queue[:0], c.Queue...)
	for i := range queue {
		queue[i].Args = list.Clone(queue[i].Args)
	}
	*own = *c
	own.Args, own.Queue, own.Out = list.Clone(c.Args), queue, out
	own.Watches = slices.Clone(c.Watches)
	for i := range own.Watches {
		own.Watches[i].Key = slices.Clone(own.Watches[i].Key)
	}
	out.Buf, out.Proto, out.Errs = out.Buf[:0], c.Out.Proto, 0
}
