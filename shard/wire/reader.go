package wire

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed is the error for bytes that no node of this version has written.
var ErrMalformed = errors.New("malformed frame")

// reader takes values from the front of b. After the first failure it gives zeros.
type reader struct {
	b     []byte
	bad   bool
	words [][]byte // memory for those of steps
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// upTo returns a number that must not be above most.
func (r *reader) upTo(most uint64) int {
	v := r.uint()
	if v > most {
		r.fail()
		return 0
	}
	return int(v)
}

// count returns a number of items of at least size bytes each, which are still to
// come, so it cannot exceed what is there.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.count(1)
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) fail() { r.bad, r.b = true, nil }

// end returns the error, if there is one, also where something is left over.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return ErrMalformed
	}
	return nil
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}
