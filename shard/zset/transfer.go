package zset

import (
	"encoding/binary"
	"math"

	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/listpack"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/keyspace"
)

// How a sorted set moves to another node: see keyspace.Export. Its elements travel
// in the order of its table; the ranks follow from the scores.

var _ keyspace.Tabled = (*ZSet)(nil)

// Maker makes sorted sets that come from another node.
func Maker() keyspace.Maker {
	return keyspace.Maker{
		Flat: func(_ *keyspace.Keyspace, content []byte) (keyspace.Object, bool) {
			p := listpack.Pack(content)
			if !listpack.Valid(p) || !scored(p) {
				return nil, false
			}
			return &ZSet{pack: clone(p)}, true
		},
		Table: func(ks *keyspace.Keyspace) keyspace.Tabled { return &ZSet{large: newLarge(ks)} },
	}
}

// scored tells whether a pack is members in order, each with a score.
func scored(p listpack.Pack) bool {
	if p.Len()%2 != 0 {
		return false
	}
	for off := p.First(); off != listpack.None; off = packNext(p, off) {
		v := p.Get(p.Next(off))
		if v.IsInt() {
			continue
		}
		if score, ok := num.ParseFloat(v.Str); !ok || math.IsNaN(score) {
			return false
		}
	}
	var scratch [num.MaxIntLen]byte
	for off := p.First(); off != listpack.None; {
		next := packNext(p, off)
		if next != listpack.None && packCompare(p, next, packScore(p, off), textOf(p.Get(off), &scratch)) <= 0 {
			return false
		}
		off = next
	}
	return true
}

// Flat implements keyspace.Mobile.
func (z *ZSet) Flat() []byte {
	if z.large == nil {
		return z.pack
	}
	return nil
}

// Table implements keyspace.Tabled.
func (z *ZSet) Table() *data.Table { return &z.large.members }

// Track implements keyspace.Tabled.
func (z *ZSet) Track(m *keyspace.Marks) { z.large.marks = m }

// Put implements keyspace.Tabled.
func (z *ZSet) Put(member, value []byte) bool {
	if len(value) != ScoreBytes {
		return false
	}
	score := math.Float64frombits(binary.LittleEndian.Uint64(value))
	if math.IsNaN(score) {
		return false
	}
	if at := z.Find(member); at.Found {
		z.large.rescore(at.ref, score)
	} else {
		z.large.insert(at.hash, member, score)
	}
	return true
}

// Drop implements keyspace.Tabled.
func (z *ZSet) Drop(member []byte) {
	if at := z.Find(member); at.Found {
		z.remove(at)
	}
}
