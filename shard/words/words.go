package words

// Clone copies words into one new piece of memory.
func Clone(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	buf, own := make([]byte, 0, size), make([][]byte, len(args))
	copyTo(buf, own, args)
	return own
}

// copyTo appends the words to buf, which has room for them, makes own name
// them there, and returns buf.
func copyTo(buf []byte, own, args [][]byte) []byte {
	for i, a := range args {
		buf = append(buf, a...)
		own[i] = buf[len(buf)-len(a) : len(buf) : len(buf)]
	}
	return buf
}

// List keeps copies of commands' words. Its memory is used again after Reset.
type List struct {
	bytes []byte
	args  [][]byte
	size  int // of all words that it keeps
}

// What a piece of a List has room for at first; later ones are twice as large.
const (
	firstBytes = 512
	firstArgs  = 32
)

// Clone is the function Clone into this memory. What was cloned before stays where it
// is: a piece that is full is left to those who name it.
func (w *List) Clone(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	if cap(w.bytes)-len(w.bytes) < size {
		w.bytes = make([]byte, 0, max(size, 2*cap(w.bytes), firstBytes))
	}
	if cap(w.args)-len(w.args) < len(args) {
		w.args = make([][]byte, 0, max(len(args), 2*cap(w.args), firstArgs))
	}
	n := len(w.args)
	w.args = w.args[:n+len(args)]
	own := w.args[n:len(w.args):len(w.args)]
	w.bytes = copyTo(w.bytes, own, args)
	w.size += size
	return own
}

// Size returns how many bytes the words have.
func (w *List) Size() int { return w.size }

// Reset forgets all words.
func (w *List) Reset() {
	clear(w.args)
	w.bytes, w.args, w.size = w.bytes[:0], w.args[:0], 0
}
