package wal

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

var seeds = flag.Int("seeds", 400, "how many seeds to run")

// model is what the log should hold: the states after each update since the last
// sync, of which a crash leaves one.
type model struct {
	rnd    *rand.Rand
	states []map[uint64]State // states[0] is durable
}

func (m *model) now() map[uint64]State { return m.states[len(m.states)-1] }

// update makes a random update of a group, and what it leads to.
func (m *model) update(id uint64) (Update, State) {
	s, rnd := m.now()[id], m.rnd
	first, last := s.Snapshot.Index+1, s.Snapshot.Index
	if n := len(s.Entries); n > 0 {
		first, last = s.Entries[0].Index, s.Entries[n-1].Index
	}
	term := s.Term + uint64(rnd.IntN(2))
	u := Update{HardState: HardState{term, uint64(rnd.IntN(3) + 1), s.Commit + uint64(rnd.IntN(2))}, Sync: rnd.IntN(3) > 0}
	switch k := rnd.IntN(10); {
	case k == 0: // a snapshot from elsewhere
		index := last + uint64(rnd.IntN(5)) + 1
		u.Snapshot, u.Reset = &Snapshot{index, term, []byte{1}, fmt.Appendf(nil, "of another at %d", index)}, true
		s.Snapshot, s.Entries, first, last = *u.Snapshot, nil, index+1, index
	case k <= 2 && len(s.Entries) > 2: // one of its own
		i := rnd.IntN(len(s.Entries))
		e := s.Entries[i]
		if e.Index <= s.Snapshot.Index {
			break
		}
		u.Snapshot = &Snapshot{e.Index, e.Term, []byte{2}, fmt.Appendf(nil, "own at %d", e.Index)}
		u.First = max(first, e.Index-uint64(rnd.IntN(i+1)))
		s.Snapshot = *u.Snapshot
		s.Entries = s.Entries[u.First-first:]
		first = u.First
	}
	if rnd.IntN(5) > 0 {
		from := last + 1
		if len(s.Entries) > 0 && rnd.IntN(4) == 0 {
			from = max(s.Snapshot.Index+1, first+uint64(rnd.IntN(len(s.Entries))))
		}
		u.Entries = entries(term, from, from+uint64(rnd.IntN(4)))
		s.Entries = append(slices.Clone(s.Entries[:from-first]), u.Entries...)
	}
	s.HardState = u.HardState
	return u, s
}

// step does one thing to the log, which may fail at any of its steps.
func (m *model) step(l *Log) error {
	id := uint64(m.rnd.IntN(3))
	next := maps.Clone(m.now())
	sync := true
	var err error
	if _, ok := next[id]; ok && m.rnd.IntN(25) == 0 {
		delete(next, id)
		m.states = append(m.states, next)
		err = l.Drop(id)
	} else {
		var u Update
		u, next[id] = m.update(id)
		sync = u.Sync
		m.states = append(m.states, next)
		err = l.Save(id, u)
	}
	if err == nil && sync {
		m.states = m.states[len(m.states)-1:]
	}
	return err
}

// found tells which of the possible states the log holds.
func (m *model) found(t *testing.T, l *Log) int {
	t.Helper()
	got := map[uint64]State{}
	for _, id := range l.Groups() {
		got[id] = load(t, l, id)
	}
	for i := len(m.states) - 1; i >= 0; i-- {
		if maps.EqualFunc(got, m.states[i], func(a, b State) bool { return same(&a, &b) }) {
			return i
		}
	}
	t.Fatalf("after a crash: %.2000v\nis none of %d possible states, the durable one being %.2000v", got, len(m.states), m.states[0])
	return 0
}

// TestCrashes runs random updates of three groups in small segments, stops at any
// step of any of them, loses what was not synced, and looks at what is left: one of
// the states since the last sync, whole.
func TestCrashes(t *testing.T) {
	stopped := errors.New("stopped")
	later, cut, rotated := 0, int64(0), 0
	for seed := range uint64(*seeds) {
		m := &model{rand.New(rand.NewPCG(seed, 1)), []map[uint64]State{{}}}
		fs := NewMemory()
		for range 6 {
			steps := m.rnd.IntN(150)
			fs.Fail = func(string, string) error {
				if steps--; steps < 0 {
					return stopped
				}
				return nil
			}
			l, err := Open(fs, Options{Segment: int64(m.rnd.IntN(2000) + 100)})
			if err == nil {
				i := m.found(t, l)
				m.states = m.states[i : i+1]
				later += min(i, 1)
				cut += l.Stats().Cut
			}
			for err == nil {
				err = m.step(l)
			}
			if !errors.Is(err, stopped) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if l != nil {
				rotated = max(rotated, int(l.seq))
			}
			if fs.Fail = nil; m.rnd.IntN(3) > 0 { // else only the process has died
				fs = fs.Crash(m.rnd.Uint64())
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d times more than the durable state was found, %d bytes cut, up to %d segments", later, cut, rotated)
	if later == 0 || cut == 0 || rotated < 5 {
		t.Error("the seeds do not meet what they are for")
	}
}
