package gateway

import (
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/cluster"
	"github.com/troupedb/troupe/gateway/session"
)

// TestFill: a status has what was reported, and says what nobody has.
func TestFill(t *testing.T) {
	d := &directory.Directory{
		Slots: directory.Even(4), Epoch: 9, Self: 1,
		Members: []directory.Member{{Number: 1}, {Number: 2}, {Number: 3}},
		Places: []directory.Place{
			{Owner: 1, Epoch: 1}, {Owner: 1, Epoch: 1, To: 2, MoveID: 7}, {Owner: 2, Epoch: 1, To: 1, MoveID: 8}, {Owner: 2, Epoch: 1},
		},
	}
	st := session.StatusOf(d)
	fill(st, &cluster.Report{
		Heard: []cluster.Heard{{Member: 1, Ago: 200}, {Member: 9, Ago: 1}},
		Keys:  []int64{10, 5, 3, cluster.Unknown},
		Moves: []cluster.Move{{Shard: 1, ID: 7, Phase: "tail", Age: 1000, Keys: 4, Bytes: 99, KeysLeft: 1}, {Shard: 3, ID: 6}},
	}, 50_000)
	if st.Nodes[0].Heard != 49_800 || st.Nodes[1].Heard != 0 {
		t.Errorf("heard at %d and %d", st.Nodes[0].Heard, st.Nodes[1].Heard)
	}
	if st.Nodes[0].Keys != 15 || st.Nodes[1].Keys != session.Unknown || st.Nodes[2].Keys != 0 {
		t.Errorf("keys %d, %d, %d", st.Nodes[0].Keys, st.Nodes[1].Keys, st.Nodes[2].Keys)
	}
	want := session.MoveStatus{
		ID: 7, Shard: 1, From: 1, To: 2, Phase: "tail", Started: 49_000, Bytes: 99, KeysSent: 4, KeysLeft: 1, BytesLeft: session.Unknown,
	}
	if len(st.Moves) != 2 || st.Moves[0] != want || st.Moves[1].KeysLeft != session.Unknown {
		t.Errorf("moves %+v", st.Moves)
	}
}
