package peer

import (
	"encoding/binary"
	"errors"
)

// kind says what a frame is.
type kind byte

const (
	kindHello   kind = iota + 1
	kindWelcome      // to hello

	// From the node that has dialled.
	kindRequest // a command on one key
	kindOrder   // to a participant
	kindAnswer  // to a coordinator; also the other way, see engine.Order.Sink
	kindForsake // a waiter that waits no more
	kindUnwatch // a watch that is over
	kindTell    // a message on a topic
	kindAsk     // a question on a topic

	// From the other one.
	kindReply   // to a request, in RESP
	kindRefused // of a request, with the request itself: nothing was done
	kindTold    // to a question

	kindEnd
)

// A frame is its length (4 bytes, of what follows), its kind, an identity that
// replies repeat (a varint), and its content.
const (
	lengthBytes = 4
	maxVarint   = binary.MaxVarintLen64
	maxHead     = lengthBytes + 1 + maxVarint
	leastFrame  = 2
	// MaxFrame bounds a frame: a command may be as large as a client's, whose bulks
	// are bounded by proto-max-bulk-len. Memory follows what arrives, not what is
	// announced.
	MaxFrame = 1 << 30
	// maxHello bounds the first frame, which may come from anybody.
	maxHello = 1 << 10
)

var (
	errFrame    = errors.New("malformed frame")
	errTooLarge = errors.New("frame too large")
)

// begin appends the head of a frame; finish gives it its length.
func begin(dst []byte, k kind, id uint64) (out []byte, start int) {
	start = len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(k))
	return binary.AppendUvarint(dst, id), start
}

func finish(dst []byte, start int) {
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-lengthBytes))
}

// frame is one that was parsed. content names memory of the input.
type frame struct {
	kind    kind
	id      uint64
	content []byte
}

// next takes a frame from the front of in, n bytes long; n is 0 if it is not whole.
func next(in []byte, most int) (f frame, n int, err error) {
	if len(in) < lengthBytes {
		return frame{}, 0, nil
	}
	size := int(binary.LittleEndian.Uint32(in))
	switch {
	case size < leastFrame:
		return frame{}, 0, errFrame
	case size > most:
		return frame{}, 0, errTooLarge
	case len(in) < lengthBytes+size:
		return frame{}, 0, nil
	}
	body := in[lengthBytes : lengthBytes+size]
	id, used := binary.Uvarint(body[1:])
	if used <= 0 || body[0] == 0 || kind(body[0]) >= kindEnd {
		return frame{}, 0, errFrame
	}
	return frame{kind(body[0]), id, body[1+used:]}, lengthBytes + size, nil
}
