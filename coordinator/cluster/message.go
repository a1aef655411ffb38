package cluster

import (
	"encoding/binary"
	"errors"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/transport"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// Kinds of control messages.
const (
	kindRaft      transport.Kind = 1 + iota // between replicas of the catalog
	kindHeartbeat                           // to the leader
	kindBeatAck                             // from it
	kindPropose                             // a request: an entry, to the leader or somebody who knows it
	kindRebalance                           // a request to the leader: to rebalance at once
	kindDecide                              // kindPropose to the leader, which does not send it on
	kindReport                              // a request to the leader: what it was told with heartbeats
	kindFound                               // a request: to let who asks found the cluster
	kindWho                                 // a request: which incarnation of a node this is
)

// Requests of nodes that are no members yet.
const (
	kindJoin  = transport.Joining | kindPropose
	kindElect = transport.Joining | kindFound
)

var errMessage = errors.New("malformed message")

// raftMessage is a message between replicas, with the numbers of both.
func raftMessage(from, to uint64, msg []byte) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 16+len(msg)), from)
	b = binary.LittleEndian.AppendUint64(b, to)
	return append(b, msg...)
}

func parseRaft(b []byte) (from, to uint64, msg []byte, err error) {
	if len(b) < 16 {
		return 0, 0, nil, errMessage
	}
	return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), b[16:], nil
}

// decoder reads numbers and short texts; what is not there is 0, and bad.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || d.bad {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// number reads a count of something, which fits into an int64.
func (d *decoder) number() int64 {
	v := d.uint()
	if v > 1<<62 {
		d.bad = true
		return 0
	}
	return int64(v)
}

// below reads a number that is less than the limit.
func (d *decoder) below(limit int) int {
	v := d.uint()
	if v >= uint64(limit) {
		d.bad = true
		return 0
	}
	return int(v)
}

func (d *decoder) text(limit int) string {
	n := d.below(limit + 1)
	if d.bad || n > len(d.b) {
		d.bad = true
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) end() error {
	if d.bad || len(d.b) > 0 {
		return errMessage
	}
	return nil
}

// heartbeat is what a node says of itself.
type heartbeat struct {
	seq   uint64
	loads []catalog.ShardLoad
	moves []Move
}

func (h *heartbeat) encode() []byte {
	b := binary.AppendUvarint(nil, h.seq)
	b = binary.AppendUvarint(b, uint64(len(h.loads)))
	for _, l := range h.loads {
		b = binary.AppendUvarint(b, uint64(l.Shard))
		b = binary.AppendUvarint(b, uint64(max(0, l.Keys)))
		b = binary.AppendUvarint(b, uint64(max(0, l.Load)))
	}
	return appendMoves(b, h.moves)
}

func parseHeartbeat(b []byte) (h heartbeat, err error) {
	d := decoder{b: b}
	h.seq = d.uint()
	for range d.below(catalog.MaxShards + 1) {
		h.loads = append(h.loads, catalog.ShardLoad{Shard: d.below(catalog.MaxShards), Keys: d.number(), Load: d.number()})
	}
	h.moves = d.moves()
	return h, d.end()
}

// maxPhase bounds the name of a move's phase.
const maxPhase = 32

func appendMoves(b []byte, moves []Move) []byte {
	b = binary.AppendUvarint(b, uint64(len(moves)))
	for _, m := range moves {
		phase := m.Phase[:min(len(m.Phase), maxPhase)]
		b = binary.AppendUvarint(b, uint64(m.Shard))
		b = binary.AppendUvarint(b, m.ID)
		b = binary.AppendUvarint(b, uint64(len(phase)))
		b = append(b, phase...)
		for _, v := range []int64{m.Age, m.Keys, m.Bytes, m.KeysLeft} {
			b = binary.AppendUvarint(b, uint64(max(0, v)))
		}
	}
	return b
}

func (d *decoder) moves() (moves []Move) {
	for range d.below(catalog.MaxShards + 1) {
		moves = append(moves, Move{
			Shard: d.below(catalog.MaxShards), ID: d.uint(), Phase: d.text(maxPhase),
			Age: d.number(), Keys: d.number(), Bytes: d.number(), KeysLeft: d.number(),
		})
	}
	return moves
}

// beatAck answers a heartbeat.
type beatAck struct {
	seq    uint64
	answer catalog.Answer
}

func (a *beatAck) encode() []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, a.seq), uint64(a.answer))
}

func parseBeatAck(b []byte) (beatAck, error) {
	d := decoder{b: b}
	a := beatAck{d.uint(), catalog.Answer(d.below(int(catalog.Stranger) + 1))}
	return a, d.end()
}

func encodeResult(r catalog.Result) []byte {
	b := binary.AppendUvarint(nil, r.Epoch)
	b = binary.AppendUvarint(b, uint64(r.Refused))
	b = binary.AppendUvarint(b, uint64(r.Number))
	return binary.AppendUvarint(b, r.Move)
}

func parseResult(b []byte) (catalog.Result, error) {
	d := decoder{b: b}
	r := catalog.Result{
		Epoch: d.uint(), Refused: catalog.Refusal(d.below(1 << 8)), Number: directory.Number(d.below(directory.MaxMembers + 1)),
		Move: d.uint(),
	}
	return r, d.end()
}

// encode writes a report for who has asked the leader. What is not known is written
// as 0, what is known as one more than it is.
func (r *Report) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(r.Heard)))
	for _, h := range r.Heard {
		b = binary.AppendUvarint(b, uint64(h.Member))
		b = binary.AppendUvarint(b, uint64(max(0, h.Ago)))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Keys)))
	for _, k := range r.Keys {
		b = binary.AppendUvarint(b, uint64(max(Unknown, k)+1))
	}
	return appendMoves(b, r.Moves)
}

func parseReport(b []byte) (r Report, err error) {
	d := decoder{b: b}
	for range d.below(directory.MaxMembers + 1) {
		r.Heard = append(r.Heard, Heard{directory.Number(d.below(directory.MaxMembers + 1)), d.number()})
	}
	for range d.below(catalog.MaxShards + 1) {
		r.Keys = append(r.Keys, d.number()-1)
	}
	r.Moves = d.moves()
	return r, d.end()
}
