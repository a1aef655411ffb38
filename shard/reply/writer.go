package reply

import (
	"strconv"

	"github.com/tidwall/redcon"
	"github.com/troupedb/troupe/shard/data/num"
)

// Protocol versions as HELLO names them.
const (
	RESP2 = 2
	RESP3 = 3
)

// Writer appends RESP replies to Buf. Its zero value writes RESP2. Each method
// appends one whole value, except those that announce an aggregate, after which
// the caller writes the announced number of elements.
type Writer struct {
	Buf   []byte
	Proto uint8
	Errs  uint64 // error replies written so far
}

// Resp3 tells whether the reader of this reply speaks RESP3.
func (w *Writer) Resp3() bool { return w.Proto == RESP3 }

// OK appends +OK.
func (w *Writer) OK() { w.Buf = append(w.Buf, "+OK\r\n"...) }

// Simple appends a status reply; s must hold no line break.
func (w *Writer) Simple(s string) { w.Buf = redcon.AppendString(w.Buf, s) }

// Error appends e as an error reply.
func (w *Writer) Error(e Error) {
	w.Errs++
	w.Buf = append(w.Buf, '-')
	w.Buf = append(w.Buf, e...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Int appends an integer reply.
func (w *Writer) Int(n int64) {
	if n >= 0 && n <= 9 {
		w.Buf = append(w.Buf, ':', byte('0'+n), '\r', '\n')
		return
	}
	w.Buf = redcon.AppendInt(w.Buf, n)
}

// Bulk appends a bulk string.
func (w *Writer) Bulk(b []byte) {
	w.bulkHeader(len(b))
	w.Buf = append(w.Buf, b...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// BulkString appends a bulk string.
func (w *Writer) BulkString(s string) {
	w.bulkHeader(len(s))
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// BulkInt appends n in decimal as a bulk string.
func (w *Writer) BulkInt(n int64) {
	var scratch [20]byte
	w.Bulk(strconv.AppendInt(scratch[:0], n, 10))
}

func (w *Writer) bulkHeader(n int) {
	w.Buf = append(w.Buf, '$')
	w.length(n)
}

// length appends n and a line break; replies are mostly short, so two digits
// are written without a division loop.
func (w *Writer) length(n int) {
	switch {
	case n < 10:
		w.Buf = append(w.Buf, byte('0'+n), '\r', '\n')
	case n < 100:
		w.Buf = append(w.Buf, byte('0'+n/10), byte('0'+n%10), '\r', '\n')
	default:
		w.Buf = strconv.AppendInt(w.Buf, int64(n), 10)
		w.Buf = append(w.Buf, '\r', '\n')
	}
}

// Null appends the absence of a value: $-1, or _ in RESP3.
func (w *Writer) Null() {
	if w.Resp3() {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "$-1\r\n"...)
}

// NullArray appends the absence of an array: *-1, or _ in RESP3.
func (w *Writer) NullArray() {
	if w.Resp3() {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "*-1\r\n"...)
}

// Array announces n elements.
func (w *Writer) Array(n int) { w.aggregate('*', n) }

// Map announces n pairs: %n, or an array of 2n in RESP2.
func (w *Writer) Map(n int) {
	if w.Resp3() {
		w.aggregate('%', n)
		return
	}
	w.aggregate('*', 2*n)
}

// Set announces n elements of a set: ~n, or an array in RESP2.
func (w *Writer) Set(n int) {
	if w.Resp3() {
		w.aggregate('~', n)
		return
	}
	w.aggregate('*', n)
}

// Push announces n elements of an out-of-band message: >n, or an array in RESP2.
func (w *Writer) Push(n int) {
	if w.Resp3() {
		w.aggregate('>', n)
		return
	}
	w.aggregate('*', n)
}

func (w *Writer) aggregate(kind byte, n int) {
	w.Buf = append(w.Buf, kind)
	w.length(n)
}

// Double appends a double: ",f" in RESP3, else a bulk string, formatted as Redis does.
func (w *Writer) Double(f float64) {
	var scratch [40]byte
	text := num.AppendFloat17(scratch[:0], f)
	if !w.Resp3() {
		w.Bulk(text)
		return
	}
	w.Buf = append(w.Buf, ',')
	w.Buf = append(w.Buf, text...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Bool appends #t or #f, or 1 or 0 in RESP2.
func (w *Writer) Bool(v bool) {
	switch {
	case w.Resp3() && v:
		w.Buf = append(w.Buf, "#t\r\n"...)
	case w.Resp3():
		w.Buf = append(w.Buf, "#f\r\n"...)
	case v:
		w.Int(1)
	default:
		w.Int(0)
	}
}

// BigNumber appends a number of any size, given as its decimal digits.
func (w *Writer) BigNumber(digits string) {
	if !w.Resp3() {
		w.BulkString(digits)
		return
	}
	w.Buf = append(w.Buf, '(')
	w.Buf = append(w.Buf, digits...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Verbatim appends text with a three-letter format such as "txt"; a plain bulk
// string in RESP2.
func (w *Writer) Verbatim(format string, text []byte) {
	if !w.Resp3() {
		w.Bulk(text)
		return
	}
	w.Buf = append(w.Buf, '=')
	w.length(len(text) + len(format) + 1)
	w.Buf = append(w.Buf, format...)
	w.Buf = append(w.Buf, ':')
	w.Buf = append(w.Buf, text...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Raw appends replies that are encoded already.
func (w *Writer) Raw(b []byte) { w.Buf = append(w.Buf, b...) }
