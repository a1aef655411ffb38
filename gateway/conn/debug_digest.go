package conn

import (
	"crypto/sha1"
	"encoding/hex"

	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/reply"
)

// ~debugdigest <key> [<key> ...] is DEBUG DIGEST-VALUE.
var debugDigestRow = command.Row{
	Name: debugDigestName, Group: command.GroupServer, Arity: -2,
	Flags: command.Internal,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteSaga,
}

func debugDigest(t *saga.Tx) {
	t.Out.Array(len(t.Args) - 1)
	for _, key := range t.Args[1:] {
		d := digestOf(t, key)
		t.Out.Simple(hex.EncodeToString(d[:]))
	}
}

// digest is a signature as redis-server computes it, so that values of both can
// be compared.
type digest [sha1.Size]byte

// add makes the signature depend on b, but not on the order of additions.
func (d *digest) add(b []byte) {
	for i, x := range sha1.Sum(b) {
		d[i] ^= x
	}
}

// mix makes the signature depend on b and on the order.
func (d *digest) mix(b []byte) {
	d.add(b)
	*d = sha1.Sum(d[:])
}

func digestOf(t *saga.Tx, key []byte) (d digest) {
	kind, _ := reply.Parse(t.Ask(t.Find("type"), nil, key))
	each := func(f func(element []byte), name string, args ...string) {
		words := [][]byte{nil, key}
		for _, a := range args {
			words = append(words, []byte(a))
		}
		reply.Elements(t.Ask(t.Find(name), words...), func(v reply.Value) { f(v.Bulk) })
	}
	pairs := func() func([]byte) {
		var pair *digest
		return func(element []byte) {
			if pair == nil {
				pair = &digest{}
				pair.mix(element)
				return
			}
			pair.mix(element)
			d.add(pair[:])
			pair = nil
		}
	}
	switch string(kind.Bulk) {
	case "string":
		d.mix([]byte{0, 0, 0, 0})
		value, _ := reply.Parse(t.Ask(t.Find("get"), nil, key))
		d.mix(value.Bulk)
	case "list":
		d.mix([]byte{0, 0, 0, 1})
		each(d.mix, "lrange", "0", "-1")
	case "set":
		d.mix([]byte{0, 0, 0, 2})
		each(d.add, "smembers")
	case "zset":
		d.mix([]byte{0, 0, 0, 3})
		each(pairs(), "zrange", "0", "-1", "WITHSCORES")
	case "hash":
		d.mix([]byte{0, 0, 0, 4})
		each(pairs(), "hgetall")
	default:
		return d
	}
	if ttl, _ := reply.Parse(t.Ask(t.Find("pttl"), nil, key)); ttl.Int >= 0 {
		d.add([]byte("!!expire!!"))
	}
	return d
}
