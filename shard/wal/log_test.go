package wal

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func open(t testing.TB, fs FS, segment int64) *Log {
	t.Helper()
	l, err := Open(fs, Options{Segment: segment})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func save(t testing.TB, l *Log, id uint64, u Update) {
	t.Helper()
	if err := l.Save(id, u); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, l *Log, id uint64) State {
	t.Helper()
	s, err := l.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entries(term, first, last uint64) []Entry {
	var es []Entry
	for i := first; i <= last; i++ {
		es = append(es, Entry{i, term, uint8(i % 3), fmt.Appendf(nil, "entry %d of term %d", i, term)})
	}
	return es
}

func want(t testing.TB, got State, wanted State) {
	t.Helper()
	if !same(&got, &wanted) {
		t.Fatalf("got  %+v\nwant %+v", got, wanted)
	}
}

func same(a, b *State) bool {
	return a.HardState == b.HardState && a.Snapshot.Index == b.Snapshot.Index && a.Snapshot.Term == b.Snapshot.Term &&
		bytes.Equal(a.Snapshot.Conf, b.Snapshot.Conf) && bytes.Equal(a.Snapshot.Data, b.Snapshot.Data) &&
		slices.EqualFunc(a.Entries, b.Entries, func(x, y Entry) bool {
			return x.Index == y.Index && x.Term == y.Term && x.Type == y.Type && bytes.Equal(x.Data, y.Data)
		})
}

func segments(t testing.TB, fs FS) []string {
	t.Helper()
	names, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, segmentSuffix) })
}

func TestGroupsAreKeptApart(t *testing.T) {
	dir, err := OpenOS(t.TempDir() + "/wal")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, fs := range map[string]FS{"memory": NewMemory(), "os": dir} {
		t.Run(name, func(t *testing.T) {
			l := open(t, fs, 0)
			want(t, load(t, l, 7), State{})
			save(t, l, 0, Update{Entries: entries(1, 1, 3), HardState: HardState{1, 2, 0}, Sync: true})
			save(t, l, 1<<60, Update{Entries: entries(4, 1, 2), HardState: HardState{4, 1, 2}, Sync: true})
			save(t, l, 0, Update{Entries: entries(2, 3, 5), HardState: HardState{2, 1, 2}})
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if err := l.Save(0, Update{}); !errors.Is(err, ErrClosed) {
				t.Fatal(err)
			}
			l = open(t, fs, 0)
			if got := l.Groups(); !slices.Equal(got, []uint64{0, 1 << 60}) {
				t.Fatal(got)
			}
			want(t, load(t, l, 0), State{HardState: HardState{2, 1, 2}, Entries: append(entries(1, 1, 2), entries(2, 3, 5)...)})
			want(t, load(t, l, 1<<60), State{HardState: HardState{4, 1, 2}, Entries: entries(4, 1, 2)})
			if _, err := l.Load(0); !errors.Is(err, ErrLoaded) {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestSnapshotsAndCompaction(t *testing.T) {
	fs := NewMemory()
	l := open(t, fs, 512)
	for i := uint64(1); i <= 100; i++ {
		save(t, l, 1, Update{Entries: entries(1, i, i), HardState: HardState{1, 1, i - 1}, Sync: true})
		if i == 3 {
			save(t, l, 2, Update{Entries: entries(1, 1, 1), Sync: true})
		}
	}
	many := len(segments(t, fs))
	snap := Snapshot{90, 1, []byte("conf"), []byte("state")}
	save(t, l, 1, Update{Snapshot: &snap, First: 85, HardState: HardState{1, 1, 100}, Sync: true})
	save(t, l, 1, Update{Entries: entries(1, 101, 101), Sync: true})
	// Group 2 has an entry in the first segment; only that one and the last stay.
	if few := len(segments(t, fs)); many < 10 || few > 6 || segments(t, fs)[0] != segmentName(1) {
		t.Fatalf("%d segments, then %v", many, segments(t, fs))
	}
	l = open(t, fs.Crash(1), 512)
	want(t, load(t, l, 1), State{HardState{1, 1, 100}, snap, entries(1, 85, 101)})
	want(t, load(t, l, 2), State{Entries: entries(1, 1, 1)})

	// A snapshot that comes from elsewhere replaces the log.
	next := Snapshot{500, 7, []byte("other"), []byte("state 2")}
	save(t, l, 1, Update{Snapshot: &next, Reset: true, Entries: entries(7, 501, 502), HardState: HardState{7, 0, 500}, Sync: true})
	if err := l.Drop(2); err != nil {
		t.Fatal(err)
	}
	save(t, l, 1, Update{Entries: entries(7, 503, 510), Sync: true})
	save(t, l, 1, Update{Entries: entries(7, 511, 512), Sync: true})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := l.fs.List()
	if len(names) > 4 {
		t.Fatalf("still there: %v", names)
	}
	l = open(t, l.fs, 512)
	want(t, load(t, l, 1), State{HardState{7, 0, 500}, next, entries(7, 501, 512)})
	if got := l.Groups(); !slices.Equal(got, []uint64{1}) {
		t.Fatal(got)
	}
}

func TestRefusals(t *testing.T) {
	l := open(t, NewMemory(), 0)
	save(t, l, 1, Update{Entries: entries(1, 1, 5), Sync: true})
	save(t, l, 1, Update{First: 3, Snapshot: &Snapshot{Index: 2}, Sync: true})
	for name, c := range map[string]struct {
		u   Update
		err error
	}{
		"gap after":     {Update{Entries: entries(1, 7, 8)}, ErrGap},
		"before first":  {Update{Entries: entries(1, 2, 8)}, ErrGap},
		"gap inside":    {Update{Entries: append(entries(1, 6, 6), entries(1, 8, 8)...)}, ErrGap},
		"first beyond":  {Update{First: 7}, ErrGap},
		"old snapshot":  {Update{Snapshot: &Snapshot{Index: 2}}, ErrGap},
		"only reset":    {Update{Reset: true}, ErrGap},
		"reset and gap": {Update{Reset: true, Snapshot: &Snapshot{Index: 9}, Entries: entries(1, 6, 6)}, ErrGap},
		"entry":         {Update{Entries: []Entry{{6, 1, 0, make([]byte, MaxEntry+1)}}}, ErrTooLarge},
		"conf":          {Update{Snapshot: &Snapshot{Index: 3, Conf: make([]byte, MaxConf+1)}}, ErrTooLarge},
	} {
		if err := l.Save(1, c.u); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	save(t, l, 1, Update{Entries: entries(2, 4, 4), Sync: true})
}

// TestLargeUpdate: many entries go in pieces, none of which has a commit that the
// entries so far do not reach.
func TestLargeUpdate(t *testing.T) {
	fs := NewMemory()
	l := open(t, fs, 0)
	var es []Entry
	for i := range 12 {
		es = append(es, Entry{Index: uint64(i + 1), Term: 1, Data: bytes.Repeat([]byte{byte(i)}, 1<<20)})
	}
	save(t, l, 1, Update{Entries: es, HardState: HardState{1, 1, 12}, Sync: true})
	want(t, load(t, open(t, fs.Crash(3), 0), 1), State{HardState: HardState{1, 1, 12}, Entries: es})

	whole, _ := fs.ReadFile(segmentName(1))
	for _, size := range []int{len(whole) - 1, len(whole) / 2, len(whole)/3 + 100} {
		fs.Write(segmentName(1), whole[:size])
		s := load(t, open(t, fs, 0), 1)
		if n := len(s.Entries); n == 0 || n == 12 || s.Commit > uint64(n) {
			t.Fatalf("cut at %d of %d: %d entries, commit %d", size, len(whole), n, s.Commit)
		}
	}
}

// TestTornTail cuts a segment at every byte: what was whole is there, nothing else.
func TestTornTail(t *testing.T) {
	fs := NewMemory()
	l := open(t, fs, 0)
	var ends []int
	size := func() int {
		b, _ := fs.ReadFile(segmentName(1))
		return len(b)
	}
	header := size()
	for i := uint64(1); i <= 8; i++ {
		save(t, l, 1, Update{Entries: entries(i, i, i+1), HardState: HardState{i, i, i}, Sync: true})
		ends = append(ends, size())
	}
	whole, _ := fs.ReadFile(segmentName(1))
	for cut := range len(whole) + 1 {
		fs := NewMemory()
		fs.Write(segmentName(1), whole[:cut])
		l := open(t, fs, 0)
		full := uint64(len(slices.DeleteFunc(slices.Clone(ends), func(e int) bool { return e > cut })))
		s := load(t, l, 1)
		if s.Term != full || full > 0 && len(s.Entries) != int(full)+1 {
			t.Fatalf("cut at %d: %+v, want %d updates", cut, s, full)
		}
		if cut >= header && l.Stats().Cut != int64(cut-max(header, lastEnd(whole, cut))) {
			t.Fatalf("cut at %d: %d bytes cut off", cut, l.Stats().Cut)
		}
		// And it goes on from there.
		save(t, l, 1, Update{Entries: entries(99, full+1, full+1), HardState: HardState{99, 0, 0}, Sync: true})
		if s := load(t, open(t, fs.Crash(uint64(cut)), 0), 1); s.Term != 99 || s.Entries[full].Term != 99 {
			t.Fatalf("cut at %d: %+v afterwards", cut, s)
		}
	}
}

// lastEnd is where the last whole record ends that begins before cut.
func lastEnd(whole []byte, cut int) int {
	at := 0
	for {
		body := record(whole[:cut], 1, int64(at))
		if body == nil {
			return at
		}
		at += frameSize + len(body)
	}
}

// TestCorruption flips every byte of a log with two segments: open says so, unless
// the byte is of the last write.
func TestCorruption(t *testing.T) {
	fs := NewMemory()
	l := open(t, fs, 600)
	for i := uint64(1); i <= 14; i++ {
		save(t, l, 1, Update{Entries: entries(1, i, i), HardState: HardState{1, 0, i}, Sync: true})
	}
	snap := Snapshot{3, 1, []byte("c"), []byte("the state")}
	save(t, l, 1, Update{Snapshot: &snap, Sync: true})
	whole := load(t, open(t, fs.Crash(0), 400), 1)
	names, _ := fs.List()
	newest := segments(t, fs)[1]
	if len(segments(t, fs)) != 2 {
		t.Fatal(names)
	}
	refused, cut := 0, 0
	for _, name := range names {
		good, _ := fs.ReadFile(name)
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 0x10
			copied := fs.Crash(0)
			copied.Write(name, bad)
			l, err := Open(copied, Options{Segment: 400})
			var s State
			if err == nil {
				s, err = l.Load(1)
			}
			switch {
			case errors.Is(err, ErrCorrupt):
				refused++
			case err == nil && name == newest && l.Stats().Cut > 0 && s.Commit == 14 && s.Snapshot.Index == 0:
				cut++
			default:
				t.Fatalf("byte %d of %s: %v, %+v; the whole was %+v", i, name, err, s, whole)
			}
		}
	}
	if cut == 0 || refused < 5*cut {
		t.Fatalf("%d refused, %d taken for torn", refused, cut)
	}
	for _, name := range names {
		copied := fs.Crash(0)
		if err := copied.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(copied, Options{}); name != newest && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("without %s: %v", name, err)
		}
	}
}

// TestGroupCommit: what comes while a sync is under way shares the next one.
func TestGroupCommit(t *testing.T) {
	fs := NewMemory()
	l := open(t, fs, 0)
	before := fs.Syncs()
	started, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fs.Fail = func(op, _ string) error {
		if op == "sync" {
			once.Do(func() {
				close(started)
				<-goOn
			})
		}
		return nil
	}
	var all sync.WaitGroup
	put := func(id uint64) {
		all.Go(func() { save(t, l, id, Update{Entries: entries(1, 1, 2), Sync: true}) })
	}
	put(1)
	<-started
	for id := range uint64(20) {
		put(id + 2)
	}
	for l.Stats().Gathered < 21 {
		runtime.Gosched()
	}
	close(goOn)
	all.Wait()
	if n := fs.Syncs() - before; n != 2 {
		t.Fatalf("%d syncs", n)
	}
	l = open(t, fs.Crash(9), 0)
	for id := range uint64(21) {
		want(t, load(t, l, id+1), State{Entries: entries(1, 1, 2)})
	}
}

// TestFailedSyncIsFinal: after one, nothing is promised any more.
func TestFailedSyncIsFinal(t *testing.T) {
	fs, broken := NewMemory(), errors.New("broken disk")
	l := open(t, fs, 0)
	fail := true
	fs.Fail = func(op, _ string) error {
		if op == "sync" && fail {
			return broken
		}
		return nil
	}
	u := Update{Entries: entries(1, 1, 1), Sync: true}
	if err := l.Save(1, u); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	fail = false
	if err := l.Save(1, u); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if err := l.Close(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	path := t.TempDir() + "/a/b"
	dir, err := OpenOS(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenOS(path); !errors.Is(err, ErrInUse) {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = OpenOS(path); err != nil {
		t.Fatal(err)
	}
	_ = dir.Close()
}

// TestRecordsHavePlaces: a good record is none elsewhere.
func TestRecordsHavePlaces(t *testing.T) {
	b := appendRecord(make([]byte, 64), 5, 64, kindDrop, 9, nil)
	if body := record(b, 5, 64); len(body) != 2 || body[0] != kindDrop {
		t.Fatal(body)
	}
	if record(b, 6, 64) != nil || record(b[32:], 5, 32) != nil {
		t.Fatal("found in another place")
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	groups := map[uint64]*group{
		3: {HardState{1, 2, 3}, Snapshot{Index: 4, Term: 5, Conf: []byte("x")}, 6, 9, []span{{1, 6, 7}, {4, 8, 9}}},
		0: {first: 1},
	}
	d := decoder{b: appendHeader(nil, groups)}
	if got := d.header(); d.bad || len(d.b) > 0 || !reflect.DeepEqual(got[3], groups[3]) || got[0].first != 1 {
		t.Fatalf("%+v", got)
	}
}

func FuzzSegment(f *testing.F) {
	fs := NewMemory()
	l := open(f, fs, 0)
	save(f, l, 1, Update{Entries: entries(1, 1, 3), HardState: HardState{1, 2, 3}, Sync: true})
	save(f, l, 1, Update{Snapshot: &Snapshot{2, 1, []byte("c"), []byte("d")}, First: 2, Sync: true})
	whole, _ := fs.ReadFile(segmentName(1))
	for at := int64(0); at < int64(len(whole)); {
		body := record(whole, 1, at)
		f.Add(body)
		at += frameSize + int64(len(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := content{entries: map[uint64]map[uint64]Entry{}, groups: map[uint64]*group{}}
		c.take(1, body)
		c.groups = nil
		c.take(1, body)
	})
}
