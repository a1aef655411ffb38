package wal

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Options of a log; the zero value has the defaults.
type Options struct {
	// Segment is the size from which on a segment is followed by another.
	Segment int64
}

// Log is a node's log. Its methods may be called from any goroutine, but of one
// group only one Save at a time may be under way.
type Log struct {
	fs      FS
	segment int64

	mu       sync.Mutex
	turn     sync.Cond // a flush is over
	err      error
	flushing bool
	groups   map[uint64]*group
	found    map[uint64]*State // read at open, until Load
	segments []uint64          // on the disk, in order, without those in pending
	stale    []string          // files of snapshots to be removed with the next flush

	// The end of the log, as far as it is gathered.
	seq    uint64
	offset int64
	// How far the segment seq is durable, and how far the last mark said so.
	durable, marked int64

	pending []chunk
	queued  uint64 // updates gathered
	synced  uint64 // of these, durable
	cut     int64

	file File // of the segment that was written last; used by the flush under way
}

// chunk is what is gathered for one segment; fresh: the segment begins with it.
type chunk struct {
	seq   uint64
	fresh bool
	buf   []byte
}

// Stats of a log.
type Stats struct {
	Segments int   // files
	Gathered int   // updates that are not durable yet
	Cut      int64 // bytes of an unfinished write that open has cut off
}

// Stats returns them.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{len(l.segments), int(l.queued - l.synced), l.cut}
}

// Groups names the groups that the log knows, in order.
func (l *Log) Groups() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.groups))
}

// Load returns what the log had of a group when it was opened: once, before the
// group's first Save. A group that is not known has nothing.
func (l *Log) Load(id uint64) (State, error) {
	l.mu.Lock()
	s, known := l.found[id], l.groups[id] != nil
	delete(l.found, id)
	l.mu.Unlock()
	switch {
	case s == nil && known: // to answer with nothing would be to forget votes
		return State{}, fmt.Errorf("%w: group %d", ErrLoaded, id)
	case s == nil:
		return State{}, nil
	case s.Snapshot.Index == 0:
		return *s, nil
	}
	data, err := readSnapshot(l.fs, id, &s.Snapshot)
	s.Snapshot.Data = data
	return *s, err
}

// Save adds an update. Entries and data are not kept.
func (l *Log) Save(id uint64, u Update) error {
	l.mu.Lock()
	g := l.groups[id]
	if g == nil {
		g = newGroup()
	}
	err := l.err
	if err == nil && l.groups[id] == nil && len(l.groups) >= MaxGroups {
		err = fmt.Errorf("%w: more than %d groups", ErrTooLarge, MaxGroups)
	}
	l.mu.Unlock()
	if err == nil {
		err = g.check(&u)
	}
	if err == nil && u.Snapshot != nil {
		err = writeSnapshot(l.fs, id, u.Snapshot)
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	delete(l.found, id)
	l.add(id, g, &u)
	return l.flush(u.Sync)
}

// Drop forgets a group, durably.
func (l *Log) Drop(id uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[id]
	if l.err != nil || g == nil {
		return l.err
	}
	l.retire(id, &g.snap, nil)
	l.gather(kindDrop, id, nil)
	delete(l.groups, id)
	delete(l.found, id)
	l.queued++
	return l.flush(true)
}

// add gathers an update in records of bounded size. Those before the last one carry
// entries only, and a commit that they reach.
func (l *Log) add(id uint64, g *group, u *Update) {
	rest := *u
	for size, i := 0, 0; i < len(rest.Entries); i++ {
		size += len(rest.Entries[i].Data) + entryOverhead
		if size < pieceSize || i+1 == len(rest.Entries) {
			continue
		}
		piece := Update{Snapshot: rest.Snapshot, Reset: rest.Reset, Entries: rest.Entries[:i+1], HardState: rest.HardState}
		piece.HardState.Commit = min(piece.HardState.Commit, max(g.hard.Commit, rest.Entries[i].Index))
		l.put(id, g, &piece)
		rest.Snapshot, rest.Reset = nil, false
		rest.Entries, size, i = rest.Entries[i+1:], 0, -1
	}
	l.put(id, g, &rest)
	l.queued++
}

func (l *Log) put(id uint64, g *group, u *Update) {
	l.gather(kindUpdate, id, func(to []byte) []byte { return appendUpdate(to, u) })
	l.groups[id] = g // not before: a header is of what is written before it
	if u.Snapshot != nil {
		l.retire(id, &g.snap, u.Snapshot)
	}
	g.apply(u, l.seq)
}

// retire lists the file of a snapshot for removal, unless its follower has its name.
func (l *Log) retire(id uint64, s, next *Snapshot) {
	if s.Index != 0 && (next == nil || snapshotName(id, s) != snapshotName(id, next)) {
		l.stale = append(l.stale, snapshotName(id, s))
	}
}

// gather appends a record to what is pending, in a new segment if this one is full.
func (l *Log) gather(kind byte, id uint64, payload func([]byte) []byte) {
	if l.offset >= l.segment {
		l.begin()
	}
	if l.durable > l.marked {
		l.marked = l.durable
		l.write(kindMark, 0, func(to []byte) []byte { return binary.LittleEndian.AppendUint64(to, uint64(l.durable)) })
	}
	l.write(kind, id, payload)
}

// begin begins the next segment, with its header.
func (l *Log) begin() {
	l.seq++
	l.offset, l.durable, l.marked = 0, 0, 0
	l.pending = append(l.pending, chunk{seq: l.seq, fresh: true})
	l.write(kindHeader, 0, func(to []byte) []byte { return appendHeader(to, l.groups) })
}

func (l *Log) write(kind byte, id uint64, payload func([]byte) []byte) {
	if n := len(l.pending); n == 0 || l.pending[n-1].seq != l.seq {
		l.pending = append(l.pending, chunk{seq: l.seq})
	}
	c := &l.pending[len(l.pending)-1]
	before := len(c.buf)
	c.buf = appendRecord(c.buf, l.seq, l.offset, kind, id, payload)
	l.offset += int64(len(c.buf) - before)
}

// flush makes what is gathered durable, and waits for it, if wait says so or there
// is much of it. Whoever comes while a flush is under way waits for it to be over;
// the first one then writes what all of them have gathered.
func (l *Log) flush(wait bool) error {
	if n := len(l.pending); !wait && (n == 0 || n == 1 && len(l.pending[0].buf) < flushAt) {
		return nil
	}
	for mine := l.queued; l.err == nil && l.synced < mine; {
		if l.flushing {
			l.turn.Wait()
			continue
		}
		l.flushOnce()
	}
	return l.err
}

// flushOnce writes and syncs what is pending, without the lock, and then removes
// files that nobody needs: the records that say so are durable by now.
func (l *Log) flushOnce() {
	chunks, upTo, seq, offset := l.pending, l.queued, l.seq, l.offset
	dead, stale := l.dead(), l.stale
	l.pending, l.stale = nil, nil
	l.flushing = true
	l.mu.Unlock()
	err := l.writeOut(chunks)
	var removed []uint64
	if err == nil {
		removed = l.remove(dead, stale)
	}
	l.mu.Lock()
	l.flushing = false
	if err != nil {
		l.err = fmt.Errorf("wal: %w", err)
	} else {
		l.synced = upTo
		if seq == l.seq {
			l.durable = offset
		}
		for _, c := range chunks {
			if c.fresh {
				l.segments = append(l.segments, c.seq)
			}
		}
		l.segments = slices.DeleteFunc(l.segments, func(s uint64) bool { return slices.Contains(removed, s) })
	}
	l.turn.Broadcast()
}

// dead returns the segments on the disk that no group has entries in.
func (l *Log) dead() []uint64 {
	live := map[uint64]bool{l.seq: true}
	if n := len(l.segments); n > 0 {
		live[l.segments[n-1]] = true // its follower is not durable yet
	}
	for _, g := range l.groups {
		for _, s := range g.spans {
			live[s.seq] = true
		}
	}
	var dead []uint64
	for _, s := range l.segments {
		if !live[s] {
			dead = append(dead, s)
		}
	}
	return dead
}

func (l *Log) writeOut(chunks []chunk) error {
	for i := range chunks {
		c := &chunks[i]
		if c.fresh {
			if err := l.open(c.seq); err != nil {
				return err
			}
		}
		if _, err := l.file.Write(c.buf); err != nil {
			return err
		}
		if err := l.file.Sync(); err != nil {
			return err
		}
		if c.fresh {
			if err := l.fs.SyncDir(); err != nil {
				return err
			}
		}
	}
	return nil
}

// open makes a segment's file the one that is written to. The one before is synced.
func (l *Log) open(seq uint64) error {
	f, err := l.fs.Create(segmentName(seq))
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return err
		}
	}
	l.file = f
	return nil
}

// remove removes files and returns the segments that are gone; what cannot be
// removed now is tried again, segments by the next flush, snapshots at open.
func (l *Log) remove(dead []uint64, stale []string) []uint64 {
	var gone []uint64
	for _, s := range dead {
		if l.fs.Remove(segmentName(s)) == nil {
			gone = append(gone, s)
		}
	}
	for _, name := range stale {
		_ = l.fs.Remove(name)
	}
	return gone
}

// Close makes durable what is gathered, and marks it as such.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.flush(true); err != nil {
		return err
	}
	for l.flushing {
		l.turn.Wait()
	}
	if l.err == nil && l.durable > l.marked {
		l.marked = l.durable
		l.write(kindMark, 0, func(to []byte) []byte { return binary.LittleEndian.AppendUint64(to, uint64(l.durable)) })
		l.flushOnce()
	}
	if l.err != nil {
		return l.err
	}
	l.err = ErrClosed
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
