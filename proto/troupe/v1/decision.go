package troupev1

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

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
