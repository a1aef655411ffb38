package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const segmentSuffix = ".wal"

func segmentName(seq uint64) string { return fmt.Sprintf("%016x%s", seq, segmentSuffix) }

// Open reads the log in fs, or begins one in an empty directory.
func Open(fs FS, o Options) (*Log, error) {
	if o.Segment <= 0 {
		o.Segment = DefaultSegment
	}
	l := &Log{fs: fs, segment: o.Segment, groups: map[uint64]*group{}, found: map[uint64]*State{}}
	l.turn.L = &l.mu
	names, err := fs.List()
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	seqs, err := segmentNumbers(names)
	if err != nil {
		return nil, err
	}
	if seqs, err = l.replay(seqs); err != nil {
		return nil, err
	}
	if err := l.start(seqs); err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	return l, l.sweep(names)
}

func segmentNumbers(names []string) ([]uint64, error) {
	var seqs []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		if !ok {
			continue
		}
		seq, err := strconv.ParseUint(digits, 16, 64)
		if err != nil || segmentName(seq) != name {
			return nil, corrupt("a segment named %s", name)
		}
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	return seqs, nil
}

// content is what a segment holds.
type content struct {
	groups  map[uint64]*group           // after it
	entries map[uint64]map[uint64]Entry // by group and index, as written last
	offset  int64                       // its end
	marked  int64
}

// replay reads the segments, cuts the end of the newest, and finds the state of all
// groups. It returns the segments that count.
func (l *Log) replay(seqs []uint64) ([]uint64, error) {
	read := map[uint64]*content{}
	for i := len(seqs) - 1; i >= 0; i-- {
		newest := len(read) == 0
		c, err := l.read(seqs[i], newest)
		if err != nil {
			return nil, err
		}
		if c == nil { // its beginning was not finished: it holds nothing
			seqs = seqs[:i]
			continue
		}
		read[seqs[i]] = c
		if newest {
			l.groups, l.seq, l.offset, l.marked = c.groups, seqs[i], c.offset, c.marked
			l.durable = c.offset
		}
	}
	for id, g := range l.groups {
		s := &State{HardState: g.hard, Snapshot: g.snap}
		next := g.first
		for _, sp := range g.spans {
			for ; next >= sp.first && next <= sp.last; next++ {
				e, ok := read[sp.seq].entry(id, next)
				if !ok {
					return nil, corrupt("entry %d of group %d is not in segment %d", next, id, sp.seq)
				}
				e.Data = bytes.Clone(e.Data) // not to hold on to the whole segment
				s.Entries = append(s.Entries, e)
			}
		}
		if next != g.last+1 {
			return nil, corrupt("group %d has entries %d to %d, not %d", id, g.first, next-1, g.last)
		}
		l.found[id] = s
	}
	return seqs, nil
}

func (c *content) entry(group, index uint64) (Entry, bool) {
	if c == nil {
		return Entry{}, false
	}
	e, ok := c.entries[group][index]
	return e, ok
}

// read reads one segment. The newest one's unfinished end is cut off; nil means
// that there was nothing but that.
func (l *Log) read(seq uint64, newest bool) (*content, error) {
	name := segmentName(seq)
	b, err := l.fs.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	c := &content{entries: map[uint64]map[uint64]Entry{}}
	for c.offset < int64(len(b)) {
		body := record(b, seq, c.offset)
		if body == nil {
			break
		}
		if !c.take(seq, body) {
			return nil, corrupt("%s: record at %d does not read", name, c.offset)
		}
		c.offset += frameSize + int64(len(body))
	}
	if rest := int64(len(b)) - c.offset; rest > 0 || c.offset == 0 {
		if !newest || markedAfter(b, seq, c.offset) > c.offset {
			return nil, corrupt("%s: bad record at %d of %d", name, c.offset, len(b))
		}
		l.cut += rest
		if c.offset == 0 {
			return nil, l.fs.Remove(name)
		}
		if err := l.fs.Truncate(name, c.offset); err != nil {
			return nil, fmt.Errorf("wal: %w", err)
		}
	}
	return c, nil
}

// take takes over a record, false if it does not read.
func (c *content) take(seq uint64, body []byte) bool {
	d := decoder{b: body}
	kind, id := d.byte(), d.number()
	if (kind == kindHeader) != (c.groups == nil) {
		return false
	}
	switch kind {
	case kindHeader:
		c.groups = d.header()
	case kindMark:
		if len(d.b) != 8 {
			return false
		}
		c.marked, d.b = int64(binary.LittleEndian.Uint64(d.b)), nil
	case kindUpdate:
		u := d.update()
		g := c.groups[id]
		if g == nil {
			g = newGroup()
			c.groups[id] = g
		}
		if d.bad || g.check(&u) != nil {
			return false
		}
		g.apply(&u, seq)
		of := c.entries[id]
		if of == nil {
			of = map[uint64]Entry{}
			c.entries[id] = of
		}
		for _, e := range u.Entries {
			of[e.Index] = e
		}
	case kindDrop:
		delete(c.groups, id)
	default:
		return false
	}
	return !d.bad && len(d.b) == 0
}

// start makes the log ready for writing.
func (l *Log) start(seqs []uint64) error {
	l.segments = slices.Clone(seqs)
	if len(seqs) == 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.begin()
		l.queued++
		return l.flush(true)
	}
	// A crash may have left what it had written, but not synced: it counts from now on.
	f, err := l.fs.Append(segmentName(l.seq))
	if err != nil {
		return err
	}
	l.file = f
	return errors.Join(f.Sync(), l.fs.SyncDir())
}

// sweep removes files that nothing names: of a crash between two steps.
func (l *Log) sweep(names []string) error {
	known := map[string]bool{}
	for id, g := range l.groups {
		if g.snap.Index == 0 {
			continue
		}
		name := snapshotName(id, &g.snap)
		if !slices.Contains(names, name) {
			return corrupt("snapshot %s is missing", name)
		}
		known[name] = true
	}
	for _, name := range names {
		unfinished := strings.HasPrefix(name, temporary) || strings.HasSuffix(name, ".snapshot") && !known[name]
		if unfinished {
			if err := l.fs.Remove(name); err != nil {
				return fmt.Errorf("wal: %w", err)
			}
		}
	}
	return nil
}
