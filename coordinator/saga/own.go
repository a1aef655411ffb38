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
	copyWords(buf, own, args)
	return own
}

// copyWords appends the words to buf, which has room for them, makes own name
// them there, and returns buf.
func copyWords(buf []byte, own, args [][]byte) []byte {
	for i, a := range args {
		buf = append(buf, a...)
		own[i] = buf[len(buf)-len(a) : len(buf) : len(buf)]
	}
	return buf
}

// Words keeps copies of commands' words. Its memory is used again after Reset.
type Words struct {
	bytes []byte
	args  [][]byte
	size  int // of all words that it keeps
}

// What a piece of a Words has room for at first; later ones are twice as large.
const (
	wordsBytes = 512
	wordsArgs  = 32
)

// Clone is CloneArgs into this memory. What was cloned before stays where it is:
// a piece that is full is left to those who name it.
func (w *Words) Clone(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	if cap(w.bytes)-len(w.bytes) < size {
		w.bytes = make([]byte, 0, max(size, 2*cap(w.bytes), wordsBytes))
	}
	if cap(w.args)-len(w.args) < len(args) {
		w.args = make([][]byte, 0, max(len(args), 2*cap(w.args), wordsArgs))
	}
	n := len(w.args)
	w.args = w.args[:n+len(args)]
	own := w.args[n:len(w.args):len(w.args)]
	w.bytes = copyWords(w.bytes, own, args)
	w.size += size
	return own
}

// Size returns how many bytes the words have.
func (w *Words) Size() int { return w.size }

// Reset forgets all words.
func (w *Words) Reset() {
	clear(w.args)
	w.bytes, w.args, w.size = w.bytes[:0], w.args[:0], 0
}
