package migrate

import (
	"encoding/binary"
	"errors"

	"github.com/troupedb/troupe/shard/engine"
)

// Frame is a message between the two ends of a move.
type Frame struct {
	Kind  FrameKind
	Shard uint16
	Move  uint64
	// Seq is the number of a chunk, from 0 on, or of the one that is wanted next.
	Seq uint64
	// Body is a chunk, or why the target refuses to go on.
	Body []byte
}

// FrameKind tells what a Frame says.
type FrameKind uint8

// The kinds of frames.
const (
	// FrameChunk brings a chunk to the target.
	FrameChunk FrameKind = iota + 1
	// FrameAck: the target has all chunks before Seq.
	FrameAck
	// FrameReady is an Ack of a target that has just begun, or whose link is back:
	// what is behind Seq is to be sent again.
	FrameReady
	// FrameRefuse: the target cannot go on.
	FrameRefuse
)

// A frame is a byte of kind, the shard, the move and the number in little endian,
// and the body to its end.
const (
	frameHead = 1 + 2 + 8 + 8
	// MaxReason bounds why a target refuses, in bytes.
	MaxReason = 256
	// MaxFrame bounds a frame, in bytes.
	MaxFrame = frameHead + engine.MaxChunk
)

var errFrame = errors.New("migrate: malformed frame")

// Append appends the frame's bytes to dst.
func (f *Frame) Append(dst []byte) []byte { return append(f.AppendHead(dst), f.Body...) }

// AppendHead appends what comes before the frame's body.
func (f *Frame) AppendHead(dst []byte) []byte {
	dst = append(dst, byte(f.Kind))
	dst = binary.LittleEndian.AppendUint16(dst, f.Shard)
	dst = binary.LittleEndian.AppendUint64(dst, f.Move)
	return binary.LittleEndian.AppendUint64(dst, f.Seq)
}

// Parse reads a frame, which comes from the network. Its body is a view of b.
func Parse(b []byte) (f Frame, err error) {
	if len(b) < frameHead || len(b) > MaxFrame {
		return f, errFrame
	}
	f = Frame{
		Kind:  FrameKind(b[0]),
		Shard: binary.LittleEndian.Uint16(b[1:]),
		Move:  binary.LittleEndian.Uint64(b[3:]),
		Seq:   binary.LittleEndian.Uint64(b[11:]),
		Body:  b[frameHead:],
	}
	limit := 0
	switch f.Kind {
	case FrameChunk:
		limit = engine.MaxChunk
	case FrameRefuse:
		limit = MaxReason
	case FrameAck, FrameReady:
	default:
		return Frame{}, errFrame
	}
	if len(f.Body) > limit || f.Kind == FrameChunk && len(f.Body) == 0 {
		return Frame{}, errFrame
	}
	return f, nil
}
