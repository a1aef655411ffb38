package troupev1

import (
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestDecisionRoundTrip(t *testing.T) {
	d := &Decision{
		Saga: 7, Reply: []byte("*1\r\n-ERR x\r\n"), Errors: 1,
		Participants: []*Participant{{Shard: 0, Attempt: 2, Visit: 1 << 40}, {Shard: 9, Attempt: 2, Visit: 1}},
	}
	got, err := DecodeDecision(d.Encode())
	if err != nil || !proto.Equal(got, d) {
		t.Errorf("%v, %v; want %v", got, err, d)
	}
	for cut := range len(d.Encode()) {
		if got, err := DecodeDecision(d.Encode()[:cut]); err == nil && proto.Equal(got, d) {
			t.Errorf("cut at %d it is still whole", cut)
		}
	}
	if _, err := DecodeDecision([]byte{0xff}); err == nil {
		t.Error("nonsense was decoded")
	}
}
