package wal

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// group is what the log knows of a group, without entries' and snapshots' data. It
// changes in the same way when an update is written and when it is read again.
type group struct {
	hard        HardState
	snap        Snapshot // without Data
	first, last uint64   // the entries in its log; none: first = last+1
	spans       []span
}

// span is a run of a group's entries that a segment holds.
type span struct{ seq, first, last uint64 }

func newGroup() *group { return &group{first: 1} }

// check tells whether u continues the group's log.
func (g *group) check(u *Update) error {
	first, last := g.first, g.last
	if u.Snapshot != nil && u.Reset {
		first, last = u.Snapshot.Index+1, u.Snapshot.Index
	} else if u.Reset {
		return fmt.Errorf("%w: reset without a snapshot", ErrGap)
	}
	for i, e := range u.Entries {
		switch {
		case len(e.Data) > MaxEntry:
			return fmt.Errorf("%w: entry of %d bytes", ErrTooLarge, len(e.Data))
		case i > 0 && e.Index != u.Entries[i-1].Index+1:
			return fmt.Errorf("%w: %d follows %d", ErrGap, e.Index, u.Entries[i-1].Index)
		case i == 0 && (e.Index < first || e.Index > last+1):
			return fmt.Errorf("%w: from %d on, where there are %d to %d", ErrGap, e.Index, first, last)
		}
	}
	if n := len(u.Entries); n > 0 {
		last = u.Entries[n-1].Index
	}
	if u.First > last+1 {
		return fmt.Errorf("%w: the first needed is %d, the last there is %d", ErrGap, u.First, last)
	}
	if s := u.Snapshot; s != nil && s.Index <= g.snap.Index {
		return fmt.Errorf("%w: a snapshot at %d after one at %d", ErrGap, s.Index, g.snap.Index)
	}
	if s := u.Snapshot; s != nil && (len(s.Data) > MaxSnapshot || len(s.Conf) > MaxConf) {
		return fmt.Errorf("%w: snapshot of %d bytes, configuration of %d", ErrTooLarge, len(s.Data), len(s.Conf))
	}
	return nil
}

// apply takes over an update that is written to the segment seq.
func (g *group) apply(u *Update, seq uint64) {
	if u.Snapshot != nil {
		g.snap = Snapshot{Index: u.Snapshot.Index, Term: u.Snapshot.Term, Conf: u.Snapshot.Conf}
		if u.Reset {
			g.spans = nil
			g.first, g.last = g.snap.Index+1, g.snap.Index
		}
	}
	if n := len(u.Entries); n > 0 {
		g.add(span{seq, u.Entries[0].Index, u.Entries[n-1].Index})
	}
	if u.First > g.first {
		g.forget(u.First)
	}
	if u.HardState != (HardState{}) {
		g.hard = u.HardState
	}
}

// add puts a run at its place: what stood there and after it is replaced.
func (g *group) add(s span) {
	for n := len(g.spans); n > 0 && g.spans[n-1].last >= s.first; n-- {
		if g.spans[n-1].first < s.first {
			g.spans[n-1].last = s.first - 1
			break
		}
		g.spans = g.spans[:n-1]
	}
	if n := len(g.spans); n > 0 && g.spans[n-1].seq == s.seq {
		g.spans[n-1].last = s.last
	} else {
		g.spans = append(g.spans, s)
	}
	g.last = s.last
}

// forget drops what is before first.
func (g *group) forget(first uint64) {
	for len(g.spans) > 0 && g.spans[0].last < first {
		g.spans = slices.Delete(g.spans, 0, 1)
	}
	if len(g.spans) > 0 && g.spans[0].first < first {
		g.spans[0].first = first
	}
	g.first = first
}

// appendHeader appends the header of a segment: all groups, in order.
func appendHeader(to []byte, groups map[uint64]*group) []byte {
	to = append(to, version...)
	to = binary.AppendUvarint(to, uint64(len(groups)))
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		g := groups[id]
		to = binary.AppendUvarint(to, id)
		to = appendHard(to, g.hard)
		to = appendMeta(to, &g.snap)
		to = binary.AppendUvarint(to, g.first)
		to = binary.AppendUvarint(to, g.last)
		to = binary.AppendUvarint(to, uint64(len(g.spans)))
		for _, s := range g.spans {
			to = binary.AppendUvarint(to, s.seq)
			to = binary.AppendUvarint(to, s.first)
			to = binary.AppendUvarint(to, s.last)
		}
	}
	return to
}

func (d *decoder) header() map[uint64]*group {
	if len(d.b) < len(version) || string(d.b[:len(version)]) != version {
		d.bad = true
		return nil
	}
	d.b = d.b[len(version):]
	groups := map[uint64]*group{}
	for range d.count() {
		id := d.number()
		g := &group{hard: d.hard(), snap: d.meta(), first: d.number(), last: d.number()}
		for range d.count() {
			g.spans = append(g.spans, span{d.number(), d.number(), d.number()})
		}
		groups[id] = g
	}
	return groups
}
