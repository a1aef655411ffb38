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

// A decision that is appended is one that is encoded.
func TestDecisionAppended(t *testing.T) {
	want := &Decision{Saga: 1 << 60, Reply: []byte("+OK\r\n"), Errors: 3, Participants: []*Participant{
		{Shard: 1, Attempt: 1, Visit: 1}, {Shard: 1000, Attempt: 300, Visit: 1 << 40, Commit: make([]byte, 300)},
	}}
	b := BeginDecision(nil, want.Saga, want.Reply, want.Errors)
	for _, p := range want.Participants {
		b = AppendParticipant(b, p.Shard, p.Attempt, p.Visit, p.Commit)
	}
	got, err := DecodeDecision(b)
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
