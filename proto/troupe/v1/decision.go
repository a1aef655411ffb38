package troupev1

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// BeginDecision appends the parts of a Decision that it has once, and AppendParticipant
// one of its participants: together what Encode returns, without messages in between.
func BeginDecision(dst []byte, saga uint64, reply []byte, errors uint64) []byte {
	dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), saga)
	dst = protowire.AppendBytes(protowire.AppendTag(dst, 3, protowire.BytesType), reply)
	return protowire.AppendVarint(protowire.AppendTag(dst, 4, protowire.VarintType), errors)
}

// AppendParticipant continues BeginDecision. commit may be empty.
func AppendParticipant(dst []byte, shard, attempt uint32, visit uint64, commit []byte) []byte {
	const tags = 3 // of one byte each
	size := tags + protowire.SizeVarint(uint64(shard)) + protowire.SizeVarint(uint64(attempt)) + protowire.SizeVarint(visit)
	if len(commit) > 0 {
		size += 1 + protowire.SizeBytes(len(commit))
	}
	dst = protowire.AppendVarint(protowire.AppendTag(dst, 2, protowire.BytesType), uint64(size))
	dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), uint64(shard))
	dst = protowire.AppendVarint(protowire.AppendTag(dst, 2, protowire.VarintType), uint64(attempt))
	dst = protowire.AppendVarint(protowire.AppendTag(dst, 3, protowire.VarintType), visit)
	if len(commit) > 0 {
		dst = protowire.AppendBytes(protowire.AppendTag(dst, 4, protowire.BytesType), commit)
	}
	return dst
}

// Encode returns d's bytes.
func (d *Decision) Encode() []byte {
	b, err := proto.Marshal(d)
	if err != nil {
		panic("proto: a decision cannot be encoded: " + err.Error()) // no required fields, no strings
	}
	return b
}

// DecodeDecision reads what Encode has written. Bytes that are no decision are an
// error.
func DecodeDecision(b []byte) (*Decision, error) {
	d := &Decision{}
	if err := proto.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("decode decision: %w", err)
	}
	return d, nil
}
