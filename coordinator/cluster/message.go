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
	kindRebalance                           // a request: to rebalance at once
)

// kindJoin is kindPropose of a node that is no member yet.
const kindJoin = transport.Joining | kindPropose

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

// heartbeat is what a node says of itself.
type heartbeat struct {
	seq   uint64
	loads []catalog.ShardLoad
}

func (h *heartbeat) encode() []byte {
	b := binary.AppendUvarint(nil, h.seq)
	for _, l := range h.loads {
		for _, v := range []uint64{uint64(l.Shard), uint64(l.Keys), uint64(l.Load)} {
			b = binary.AppendUvarint(b, v)
		}
	}
	return b
}

func parseHeartbeat(b []byte) (h heartbeat, err error) {
	h.seq, b, err = takeUint(b, nil)
	for len(b) > 0 && err == nil {
		var v [3]uint64
		for i := range v {
			v[i], b, err = takeUint(b, err)
		}
		if v[0] >= catalog.MaxShards || v[1] > 1<<62 || v[2] > 1<<62 {
			err = errMessage
		}
		h.loads = append(h.loads, catalog.ShardLoad{Shard: int(v[0]), Keys: int64(v[1]), Load: int64(v[2])})
	}
	return h, err
}

func takeUint(b []byte, err error) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if err != nil || n <= 0 {
		return 0, nil, errMessage
	}
	return v, b[n:], nil
}

// beatAck answers a heartbeat.
type beatAck struct {
	seq    uint64
	answer catalog.Answer
}

func (a *beatAck) encode() []byte { return append(binary.AppendUvarint(nil, a.seq), byte(a.answer)) }

func parseBeatAck(b []byte) (a beatAck, err error) {
	a.seq, b, err = takeUint(b, nil)
	if err != nil || len(b) != 1 {
		return a, errMessage
	}
	a.answer = catalog.Answer(b[0])
	return a, nil
}

func encodeResult(r catalog.Result) []byte {
	b := binary.AppendUvarint(nil, r.Epoch)
	b = binary.AppendUvarint(b, uint64(r.Refused))
	b = binary.AppendUvarint(b, uint64(r.Number))
	return binary.AppendUvarint(b, r.Move)
}

func parseResult(b []byte) (r catalog.Result, err error) {
	var v [4]uint64
	for i := range v {
		v[i], b, err = takeUint(b, err)
	}
	r.Epoch, r.Refused, r.Number, r.Move = v[0], catalog.Refusal(v[1]), directory.Number(v[2]), v[3]
	return r, err
}
