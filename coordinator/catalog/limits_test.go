package catalog

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard/replica"
)

// TestTheFullestCatalogFits: what a replica can be given and can send is enough for
// all that the catalog may come to hold.
func TestTheFullestCatalogFits(t *testing.T) {
	if MaxEntry > replica.MaxProposal || MaxSnapshot > replica.MaxSnapshot {
		t.Fatalf("entries of %d, snapshots of %d, where a replica takes %d and %d",
			MaxEntry, MaxSnapshot, replica.MaxProposal, replica.MaxSnapshot)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	s := &State{
		applied: math.MaxUint64, epoch: math.MaxUint64, term: math.MaxUint64, clusterID: long(40), cluster: long(MaxText),
		settingsEpoch: math.MaxUint64, scriptsEpoch: math.MaxUint64, flushEpoch: math.MaxUint64, paused: true,
	}
	for n := range MaxMembers {
		s.members = append(s.members, Member{
			RaftID: math.MaxUint64, Leaving: true, turned: math.MaxUint64,
			past: slices.Repeat([]uint64{math.MaxUint64}, pastIncarnations),
			Member: directory.Member{
				Number: directory.Number(n + 1), ID: long(40), Name: long(MaxText), Zone: long(MaxText), Host: long(MaxHost),
				ClientPort: 65535, GossipPort: 65535, ActorPort: 65535, StreamPort: 65535, Incarnation: math.MaxUint64,
				State: directory.Down, Since: math.MaxInt64,
			},
		})
	}
	for range MaxShards {
		s.shards = append(s.shards, shard{keys: math.MaxInt64, Place: directory.Place{
			Owner: MaxMembers, Epoch: math.MaxUint64, To: MaxMembers, MoveID: math.MaxUint64,
			LostAt: math.MaxInt64, LostKeys: math.MaxInt64,
		}})
	}
	bare := len(s.Snapshot())
	for i := range MaxSettings {
		name := fmt.Sprint(i)
		s.settings = append(s.settings, setting{name, long(MaxSettingBytes/MaxSettings - len(name))})
	}
	for range MaxScripts {
		s.scripts = append(s.scripts, script{"", long(MaxScriptBytes / MaxScripts)})
	}
	full := len(s.Snapshot())
	t.Logf("the fullest catalog has %d bytes, %d without settings and scripts", full, bare)
	if full > MaxSnapshot {
		t.Errorf("a snapshot of %d bytes", full)
	}
}

func TestSettingsAreBoundedTogether(t *testing.T) {
	s, apply := founded(t, 1, "a")
	half := strings.Repeat("x", MaxSettingValue-2)
	for _, c := range []struct {
		want Refusal
		e    *Entry
	}{
		{Accepted, NewSettings("a", half, "b", half)}, // and two letters: two are left
		{TooManySettings, NewSettings("c", "xxx")},
		{Accepted, NewSettings("c", "x")},
		{TooManySettings, NewSettings("a", half+"x", "b", half)},
		{Accepted, NewSettings("a", "", "d", half[9:])}, // what is replaced does not count
	} {
		if got := apply(c.e).Refused; got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
	if v, _ := s.Setting("d"); v != half[9:] {
		t.Error("the last one was not taken")
	}
}
