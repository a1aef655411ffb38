package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
	"pgregory.net/rapid"
)

// randomEntry draws an entry that may make sense, and may be late.
func randomEntry(t *rapid.T, s *State) *Entry {
	letter := func(name string) string { return id(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, name)) }
	shard := rapid.IntRange(0, 4).Draw(t, "shard")
	place := directory.Place{}
	if shard < s.Shards() {
		place = s.Place(shard)
	}
	who := s.ByID(letter("who"))
	if who == nil {
		who = &Member{Member: directory.Member{ID: id("e"), Incarnation: 1}}
	}
	late := func(n uint64, name string) uint64 { return n - uint64(rapid.IntRange(0, 4).Draw(t, name)/4) }
	keys := []Keys{{shard, int64(rapid.IntRange(0, 9).Draw(t, "keys"))}}
	at := int64(rapid.IntRange(0, 1000).Draw(t, "at"))
	switch rapid.IntRange(0, 15).Draw(t, "kind") {
	case 0, 1:
		l := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "joins")
		return NewJoin(someone(l, uint64(rapid.IntRange(1, 12).Draw(t, "incarnation")), uint64(l[0])+
			uint64(rapid.IntRange(0, 1).Draw(t, "raft"))), keys, at)
	case 2:
		return NewLead(late(s.Term()+1, "term"))
	case 3:
		return NewDown(who, late(s.Term(), "term"), keys, at)
	case 4:
		return NewUp(who, late(s.Term(), "term"), at)
	case 5:
		return NewLeaving(who.ID, at)
	case 6:
		return NewStay(who.ID, at)
	case 7:
		return NewLeft(who.ID)
	case 8:
		if e, err := s.NewForget(who.ID, keys, at); err == nil {
			return e
		}
		return NewLeft(who.ID)
	case 9, 10, 11:
		return NewMoveBegin(shard, late(place.Epoch, "epoch"), letter("to"))
	case 12, 13:
		return NewMoveCommit(shard, late(place.MoveID, "move"))
	case 14:
		return NewMoveAbort(shard, late(place.MoveID, "move"))
	}
	return rapid.SampledFrom([]*Entry{
		NewSettings("a", "1", "b", "2"), NewSettings("a", "2"), NewScriptLoad([]byte("x")), NewScriptLoad([]byte("y")),
		NewScriptFlush(), NewBalance(true), NewBalance(false), NewBootstrap(id("c"), "c", 4, someone("a", 1, 1), 0),
	}).Draw(t, "value")
}

// TestAnyEntriesKeepTheCatalogWhole: one owner a shard, epochs never go back, what is
// refused changes nothing, and replicas are equal, those too that were restored from
// a snapshot or apply something twice.
func TestAnyEntriesKeepTheCatalogWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, replica := New(), New()
		apply := func(index uint64, e *Entry) Result {
			before := s.Snapshot()
			epochs, owners := placesOf(s)
			data := e.Encode()
			r := s.Apply(index, data)
			if err := s.check(); err != nil {
				t.Fatalf("%v: %v", e, err)
			}
			checkStep(t, s, before, r)
			checkPlaces(t, s, epochs, owners)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				restored := New()
				if err := restored.Restore(replica.Snapshot()); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(restored, replica) {
					t.Fatalf("restored %+v\nwant %+v", restored, replica)
				}
				replica = restored
			}
			if other := replica.Apply(index, data); other != r {
				t.Fatalf("%v: a replica says %+v, another %+v", e, other, r)
			}
			if again := replica.Apply(index, data); again.Refused != Replayed {
				t.Fatalf("applied twice: %+v", again)
			}
			if !bytes.Equal(s.Snapshot(), replica.Snapshot()) {
				t.Fatalf("replicas differ after %v", e)
			}
			return r
		}
		apply(3, NewBootstrap(id("c"), "c", 4, someone("a", 1, 'a'), 1))
		index := uint64(3)
		for range rapid.IntRange(1, 60).Draw(t, "entries") {
			index += uint64(rapid.IntRange(1, 3).Draw(t, "gap"))
			apply(index, randomEntry(t, s))
		}
	})
}

// checkStep holds the epoch to the change.
func checkStep(t *rapid.T, s *State, before []byte, r Result) {
	was := New()
	if err := was.Restore(before); err != nil {
		t.Fatal(err)
	}
	if want := was.Epoch(); r.Changed && s.Epoch() != want+1 || !r.Changed && s.Epoch() != want {
		t.Fatalf("%+v: epoch %d after %d", r, s.Epoch(), want)
	}
	was.applied = s.applied
	if now := s.Snapshot(); r.Changed == bytes.Equal(was.Snapshot(), now) {
		t.Fatalf("%+v, though the state says otherwise", r)
	}
	if r.Changed && r.Refused != Accepted {
		t.Fatalf("refused and changed: %+v", r)
	}
}

func placesOf(s *State) (epochs []uint64, owners []string) {
	for i := range s.Shards() {
		p := s.Place(i)
		epochs = append(epochs, p.Epoch)
		m := s.ByNumber(p.Owner)
		owners = append(owners, fmt.Sprint(m.ID, m.Incarnation))
	}
	return epochs, owners
}

// checkPlaces: an epoch never goes back, and is of one process only.
func checkPlaces(t *rapid.T, s *State, epochs []uint64, owners []string) {
	now, have := placesOf(s)
	for i := range epochs {
		if now[i] < epochs[i] {
			t.Fatalf("shard %d: epoch %d after %d", i, now[i], epochs[i])
		}
		if have[i] != owners[i] && now[i] == epochs[i] {
			t.Fatalf("shard %d has another owner under the same epoch", i)
		}
	}
}

// founded returns a catalog with these members.
func founded(t *testing.T, shards int, letters ...string) (s *State, apply func(*Entry) Result) {
	t.Helper()
	s = New()
	apply = func(e *Entry) Result {
		r := s.Apply(s.Applied()+1, e.Encode())
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	apply(NewBootstrap(id("c"), "the cluster", shards, someone(letters[0], 1, uint64(letters[0][0])), 1))
	for _, l := range letters[1:] {
		if err := apply(NewJoin(someone(l, 1, uint64(l[0])), nil, 1)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return s, apply
}

func TestDirectory(t *testing.T) {
	s, apply := founded(t, 2, "a", "b", "c")
	apply(NewLead(7))
	move := apply(NewMoveBegin(1, 1, id("b"))).Move
	apply(NewDown(s.ByID(id("c")), 7, nil, 30))
	slots := directory.Even(2)
	got := s.Directory(slots, id("b"), 'a', []uint64{'c', 'a', 99})
	member := func(n directory.Number, l string) directory.Member {
		m := someone(l, 1, 0).Member
		m.Number, m.Since = n, 1
		return m
	}
	down := member(3, "c")
	down.State, down.Since = directory.Down, 30
	want := &directory.Directory{
		Slots: slots, Epoch: 6, ClusterID: id("c"), Cluster: "the cluster", Self: 2,
		Members: []directory.Member{member(1, "a"), member(2, "b"), down},
		Places:  []directory.Place{{Owner: 1, Epoch: 1}, {Owner: 1, Epoch: 1, To: 2, MoveID: move}},
		Leader:  1, Voters: []directory.Number{1, 3},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	apply(NewMoveCommit(1, move))
	if got.Places[1].Owner != 1 {
		t.Error("a directory has changed")
	}
}

func TestLimits(t *testing.T) {
	s, apply := founded(t, 1, "a")
	refused := func(want Refusal, e *Entry) {
		t.Helper()
		if got := apply(e).Refused; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	refused(TooLarge, NewSettings(long(MaxSettingName+1), ""))
	refused(TooLarge, NewSettings("x", long(MaxSettingValue+1)))
	refused(Malformed, NewSettings("", ""))
	refused(TooLarge, NewScriptLoad(make([]byte, MaxScript+1)))
	refused(TooLarge, NewScriptLoad(make([]byte, MaxEntry)))
	named := someone("b", 1, 9)
	named.Name = long(MaxText + 1)
	refused(Malformed, NewJoin(named, nil, 0))
	named.Name, named.Host = "", long(MaxHost+1)
	refused(Malformed, NewJoin(named, nil, 0))

	var pairs []string
	for i := range MaxSettings {
		pairs = append(pairs, fmt.Sprint("name", i), "")
	}
	refused(Accepted, NewSettings(pairs...))
	refused(TooManySettings, NewSettings("name0", "1", "one more", ""))
	if v, _ := s.Setting("name0"); v != "" {
		t.Error("half of an entry was taken")
	}
	for i := range MaxScriptBytes / MaxScript {
		body := make([]byte, MaxScript)
		body[0] = byte(i)
		refused(Accepted, NewScriptLoad(body))
	}
	refused(TooManyScripts, NewScriptLoad([]byte("one more")))

	for n := range MaxMembers - 1 {
		m := someone("b", 1, uint64(1000+n))
		m.ID = fmt.Sprintf("%040x", n)
		refused(Accepted, NewJoin(m, nil, 0))
	}
	refused(TooManyMembers, NewJoin(someone("d", 1, 9), nil, 0))
	if b := s.Snapshot(); len(b) > MaxSnapshot {
		t.Errorf("a snapshot of %d bytes", len(b))
	}
	if err := New().Restore(make([]byte, MaxSnapshot+1)); err == nil {
		t.Error("a snapshot that is too large was taken")
	}
}

// TestPastIncarnationsAreBounded: the eight latest are remembered.
func TestPastIncarnationsAreBounded(t *testing.T) {
	_, apply := founded(t, 1, "a")
	for n := uint64(2); n < 12; n++ {
		if r := apply(NewJoin(someone("a", n, 'a'), nil, 0)); !r.Changed {
			t.Fatalf("incarnation %d: %+v", n, r)
		}
	}
	for n := uint64(3); n < 11; n++ {
		if r := apply(NewJoin(someone("a", n, 'a'), nil, 0)); r.Refused != StaleIncarnation {
			t.Errorf("incarnation %d: %+v", n, r)
		}
	}
}

// TestRestoreRefusesWhatIsNoState, and is left as it was.
func TestRestoreRefusesWhatIsNoState(t *testing.T) {
	s, apply := founded(t, 2, "a", "b")
	apply(NewMoveBegin(0, 1, id("b")))
	apply(NewSettings("a", "1", "b", "2"))
	whole := s.Snapshot()
	for name, spoil := range map[string]func(e *troupev1.CatalogSnapshot){
		"no owner":         func(e *troupev1.CatalogSnapshot) { e.Shards[0].Owner = 9 },
		"owner too great":  func(e *troupev1.CatalogSnapshot) { e.Shards[0].Owner = 1<<16 + 1 },
		"no epoch":         func(e *troupev1.CatalogSnapshot) { e.Shards[1].Epoch = 0 },
		"moves home":       func(e *troupev1.CatalogSnapshot) { e.Shards[0].To = 1 },
		"half a move":      func(e *troupev1.CatalogSnapshot) { e.Shards[0].Move = 0 },
		"a move to come":   func(e *troupev1.CatalogSnapshot) { e.Shards[0].Move = 99 },
		"two of a number":  func(e *troupev1.CatalogSnapshot) { e.Members[1].Number = 1 },
		"number too great": func(e *troupev1.CatalogSnapshot) { e.Members[1].Number = 1024 },
		"two of an id":     func(e *troupev1.CatalogSnapshot) { e.Members[1].Id = e.Members[0].Id },
		"two of a raft id": func(e *troupev1.CatalogSnapshot) { e.Members[1].RaftId = e.Members[0].RaftId },
		"no members":       func(e *troupev1.CatalogSnapshot) { e.Members = nil },
		"no shards":        func(e *troupev1.CatalogSnapshot) { e.Shards = nil },
		"no cluster":       func(e *troupev1.CatalogSnapshot) { e.ClusterId = nil },
		"unsorted":         func(e *troupev1.CatalogSnapshot) { e.Settings[0], e.Settings[1] = e.Settings[1], e.Settings[0] },
		"from the future":  func(e *troupev1.CatalogSnapshot) { e.SettingsEpoch = 99 },
		"applied nothing":  func(e *troupev1.CatalogSnapshot) { e.Applied = 1 },
	} {
		e, err := troupev1.DecodeCatalogSnapshot(whole)
		if err != nil {
			t.Fatal(err)
		}
		spoil(e)
		if err := s.Restore(e.Encode()); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if err := s.Restore([]byte{0xff}); err == nil {
		t.Error("nonsense was taken")
	}
	if !bytes.Equal(s.Snapshot(), whole) {
		t.Error("what was refused has changed the state")
	}
	if err := New().Restore(New().Snapshot()); err != nil {
		t.Errorf("the empty state: %v", err)
	}
}

func TestMachineTellsResults(t *testing.T) {
	var got []Result
	m := &Machine{State: New(), Done: func(_ uint64, r Result) { got = append(got, r) }}
	m.Apply(1, NewBootstrap(id("c"), "", 1, someone("a", 1, 1), 0).Encode())
	m.Apply(2, NewLeft(id("a")).Encode())
	if len(got) != 2 || !got[0].Changed || !errors.Is(got[1].Err(), NotLeaving) {
		t.Errorf("%+v", got)
	}
	if err := (&Machine{State: New()}).Restore(m.Snapshot()); err != nil {
		t.Error(err)
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	for r := Accepted; r <= TooManyScripts; r++ {
		if refusals[r] == "" {
			t.Errorf("refusal %d has none", r)
		}
	}
	if got := Refusal(200).Error(); got != "catalog: refused" {
		t.Error(got)
	}
}

// FuzzApply: no bytes in the log harm the catalog.
func FuzzApply(f *testing.F) {
	for _, e := range []*Entry{
		NewBootstrap(id("c"), "c", 4, someone("a", 1, 1), 0), NewJoin(someone("b", 2, 9), []Keys{{1, 2}}, 3), NewLead(3),
		NewLeaving(id("a"), 1), NewMoveBegin(1, 1, id("b")), NewMoveCommit(1, 12), NewSettings("a", "b"), NewScriptFlush(),
		{Change: &troupev1.CatalogEntry_Forget{Forget: &troupev1.CatalogForget{Id: []byte(id("b")), Owners: []*troupev1.CatalogOwner{{Shard: 9}}}}},
		{Change: &troupev1.CatalogEntry_Down{}}, {Change: &troupev1.CatalogEntry_Bootstrap{}},
	} {
		f.Add(e.Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, founded := range []bool{false, true} {
			s := New()
			if founded {
				s.Apply(9, NewBootstrap(id("c"), "c", 2, someone("a", 1, 1), 0).Encode())
				s.Apply(10, NewJoin(someone("b", 1, 2), nil, 0).Encode())
				s.Apply(11, NewMoveBegin(1, 1, id("b")).Encode())
			}
			s.Apply(12, data)
			if err := s.check(); err != nil {
				t.Fatal(err)
			}
			if err := New().Restore(s.Snapshot()); err != nil {
				t.Fatal(err)
			}
			if New().Restore(data) == nil && len(data) > 0 {
				return // whatever it is, it is whole
			}
		}
	})
}
