package workload

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	// KeysPerMulti is the number of keys in MSET and MGET, as the acceptance
	// table and redis-benchmark's own MSET test have it.
	KeysPerMulti = 10
	// membersPerSet and membersPerSpace shape the sets of SUNION: ten draws from
	// sixteen members, so that two sets overlap and a union has about thirteen.
	membersPerSet   = 10
	membersPerSpace = 16
)

// transferScript changes two keys: what one loses the other gains.
const transferScript = "redis.call('DECRBY',KEYS[1],1) return redis.call('INCRBY',KEYS[2],1)"

// Shape is what the commands of a workload are about.
type Shape struct {
	Keys        uint64 // how many different keys, fields or members
	Collections uint64 // how many different lists, hashes, sets, sorted sets
	ValueSize   int    // bytes of a value
	Seed        uint64 // of the value's bytes
}

// Value returns ValueSize printable bytes that depend on Seed only.
func (s Shape) Value() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+"
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	b := make([]byte, s.ValueSize)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}

// Sources returns fresh random sources for one loop; stream tells loops apart.
func (s Shape) Sources(skew float64, stream uint64) *Sources {
	return &Sources{
		KeySpace:        NewSource(s.Keys, skew, s.Seed, stream*uint64(spaces)),
		CollectionSpace: NewSource(s.Collections, skew, s.Seed, stream*uint64(spaces)+1),
		MemberSpace:     NewSource(membersPerSpace, 0, s.Seed, stream*uint64(spaces)+2),
		TagSpace:        NewSource(s.tags(), skew, s.Seed, stream*uint64(spaces)+3),
	}
}

// SpaceSize returns how many numbers a space has in this shape.
func (s Shape) SpaceSize(space Space) uint64 {
	switch space {
	case KeySpace:
		return s.Keys
	case CollectionSpace:
		return s.Collections
	case TagSpace:
		return s.tags()
	}
	return membersPerSpace
}

// tags is how many hash tags there are: as many as give Keys keys, in the
// workload with the most keys a request.
func (s Shape) tags() uint64 { return (s.Keys + KeysPerMulti - 1) / KeysPerMulti }

// Prefill is what must be there before a workload's first round: one Request
// for every number of Over, in order.
type Prefill struct {
	Request [][]string
	Over    Space
	// Key is the word of Request by which a slot-aware client finds the owner.
	Key string
}

// Workload is one row of the suite.
type Workload struct {
	// Name is what --workloads and the table call it.
	Name string
	// About is one phrase for the help text.
	About string
	// Request is one request: one command, or all commands of a transaction.
	Request [][]string
	// Key is the word of Request by which a slot-aware client finds the owner. It
	// is "" where the keys lie anywhere and any server will do.
	Key string
	// Tagged says that all keys of a request have one hash tag, for servers that
	// take no others.
	Tagged bool
	// Prefill is nil where the workload needs nothing there.
	Prefill *Prefill
	// MustHit says that after the prefill a null in a reply is a lost key.
	MustHit bool
	// Standard is redis-benchmark's name (-t) of the same load; "" if it has none.
	Standard string
	// Draws is the space the random numbers of Request come from.
	Draws Space
}

// Names lists the workloads of the suite in the order they run.
func Names() []string {
	all := suite(Shape{Keys: 1, Collections: 1})
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = w.Name
	}
	return names
}

// ByName returns the workload for a shape. Names are case-insensitive.
func ByName(name string, shape Shape) (Workload, error) {
	for _, w := range suite(shape) {
		if strings.EqualFold(w.Name, name) {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("no workload is named %q; there are %s", name, strings.Join(Names(), ", "))
}

// WithTags returns the workload in the form that a server takes which wants all
// keys of a request in one slot. Workloads of one key are as they were.
func (w Workload) WithTags(shape Shape) Workload {
	for _, t := range taggedKeys(shape.Value()) {
		if t.Name == w.Name {
			return t
		}
	}
	return w
}

// Fill returns the request that writes one key of 16 bytes with the shape's
// value, for the memory measurement.
func Fill(shape Shape) Prefill {
	const key = "key:" + KeyPlaceholder
	return Prefill{Request: one("SET", key, shape.Value()), Over: KeySpace, Key: key}
}

func suite(shape Shape) []Workload {
	value := shape.Value()
	keys := Fill(shape)
	single := []Workload{
		{Name: "GET", About: "read one key", Request: one("GET", "key:"+KeyPlaceholder), Prefill: &keys, MustHit: true, Standard: "get"},
		{Name: "SET", About: "write one key", Request: one("SET", "key:"+KeyPlaceholder, value), Standard: "set"},
		{Name: "INCR", About: "count one key up", Request: one("INCR", "counter:"+KeyPlaceholder), Standard: "incr"},
		{Name: "LPUSH", About: "push one value", Request: one("LPUSH", "mylist:"+CollectionPlaceholder, value), Standard: "lpush", Draws: CollectionSpace},
		{Name: "HSET", About: "write one field", Request: one("HSET", "myhash:"+CollectionPlaceholder, "element:"+KeyPlaceholder, value), Standard: "hset"},
		{Name: "ZADD", About: "score one member", Request: one("ZADD", "myzset:"+CollectionPlaceholder, KeyPlaceholder, "element:"+KeyPlaceholder), Standard: "zadd"},
		{Name: "SADD", About: "add one member", Request: one("SADD", "myset:"+CollectionPlaceholder, "element:"+KeyPlaceholder), Standard: "sadd"},
	}
	for i := range single {
		single[i].Key = single[i].Request[0][1]
	}
	return append(single, severalKeys(value, &keys)...)
}

func one(words ...string) [][]string { return [][]string{words} }
