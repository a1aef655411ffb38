package saga

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
	"github.com/troupedb/troupe/shard/set"
)

var sinterRow = command.Row{
	Name:       "sinter",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "The members that all sets have",
	Complexity: "O(N*M) at worst, N the members of the smallest set and M the sets",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatSet,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{Last: -1, Step: 1}},
	},
	Tips:  []string{"nondeterministic_output_order"},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey, Multiple: true},
	},
}

var sintercardRow = command.Row{
	Name:       "sintercard",
	Group:      command.GroupSet,
	Since:      "7.0.0",
	Summary:    "How many members all sets have in common, up to a limit",
	Complexity: "O(N*M) at worst, N the members of the smallest set and M the sets",
	Arity:      -3,
	Flags:      command.ReadOnly | command.MovableKeys,
	ACL:        command.CatSet,
	Keys: []command.KeySpec{
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 1}, Find: command.Find{ByCount: true, Step: 1, First: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "numkeys", Type: command.ArgInteger},
		{Name: "key", Type: command.ArgKey, Multiple: true},
		{Name: "limit", Type: command.ArgInteger, Token: "LIMIT", Optional: true},
	},
}

var sinterstoreRow = command.Row{
	Name:       "sinterstore",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "SINTER, stored in a key",
	Complexity: "O(N*M) at worst, N the members of the smallest set and M the sets",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatSet,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Update, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}},
		{Access: command.RO | command.Access, Begin: command.Begin{Index: 2}, Find: command.Find{Last: -1, Step: 1}},
	},
	Route: command.RouteSaga,
	Args: []command.Arg{
		{Name: "destination", Type: command.ArgKey},
		{Name: "key", Type: command.ArgKey, KeySpec: 1, Multiple: true},
	},
}

const (
	errSetTooManyKeys   reply.Error = "ERR Number of keys can't be greater than number of args"
	errSetNegativeLimit reply.Error = "ERR LIMIT can't be negative"
)

func sinter(t *Tx) {
	if len(t.Args) == 2 {
		wholeSet(t)
		return
	}
	if keys, _, ok := bySize(t, t.Args[1:]); ok {
		writeMembers(t, intersection(t, keys))
	}
}

func sinterstore(t *Tx) {
	if keys, _, ok := bySize(t, t.Args[2:]); ok {
		storeMembers(t, intersection(t, keys))
	}
}

func sintercard(t *Tx) {
	keys, limit, ok := parseIntercard(t)
	if !ok {
		return
	}
	keys, n, ok := bySize(t, keys)
	if !ok {
		return
	}
	switch {
	case len(keys) == 1 && limit == 0:
	case len(keys) == 1:
		n = min(n, limit)
	case limit > 0 && limit < n:
		n = min(limitedCard(t, keys, limit), limit)
	default:
		r := intersection(t, keys).Parse()
		n = int64(r.Left)
		if limit > 0 {
			n = min(n, limit)
		}
	}
	t.Out.Int(n)
}

// parseIntercard reads numkeys, keys and LIMIT (0: none), or writes the error.
func parseIntercard(t *Tx) (keys [][]byte, limit int64, ok bool) {
	n, ok := num.ParseInt(t.Args[1])
	if !ok || n < 1 {
		t.Out.Error(reply.ErrNumKeys)
		return nil, 0, false
	}
	if n > int64(len(t.Args)-2) {
		t.Out.Error(errSetTooManyKeys)
		return nil, 0, false
	}
	keys, rest := t.Args[2:2+n], t.Args[2+n:]
	for ; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !engine.IsWord(rest[0], "LIMIT") {
			t.Out.Error(reply.ErrSyntax)
			return nil, 0, false
		}
		if limit, ok = num.ParseInt(rest[1]); !ok || limit < 0 {
			t.Out.Error(errSetNegativeLimit)
			return nil, 0, false
		}
	}
	return keys, limit, true
}

// bySize returns keys without repetitions, the smallest set first, and its size;
// of sets of one size, in the order of names. No keys are returned if a set is
// empty. ok is false, and the error is written, if a key holds another type.
func bySize(t *Tx, keys [][]byte) (sorted [][]byte, smallest int64, ok bool) {
	counts, ok := cardinalities(t, keys)
	if !ok || slices.Contains(counts, 0) {
		return nil, 0, ok
	}
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if c := cmp.Compare(counts[a], counts[b]); c != 0 {
			return c
		}
		return bytes.Compare(keys[a], keys[b])
	})
	for _, i := range order {
		if len(sorted) == 0 || !bytes.Equal(keys[i], sorted[len(sorted)-1]) {
			sorted = append(sorted, keys[i])
		}
	}
	return sorted, counts[order[0]], true
}

// intersection returns the members of the first set that all others have, in its
// order; none if there are no keys.
func intersection(t *Tx, keys [][]byte) set.Members {
	if len(keys) == 0 {
		return noMembers
	}
	return filterAll(t, membersOf(t, keys[0]), keys[1:])
}

// filterAll returns those of members that all sets at keys have.
func filterAll(t *Tx, members set.Members, keys [][]byte) set.Members {
	for _, key := range keys {
		if r := members.Parse(); r.Left == 0 {
			break
		}
		members = filterAt(t, set.Inter, key, members)
	}
	return members
}

// intercardChunk is how many members of the smallest set are tried at once: a
// part of a table that a scan visits once. The first try is only twice the limit,
// as that is often enough.
const intercardChunk = 1000

// limitedCard counts common members until there are limit of them.
func limitedCard(t *Tx, keys [][]byte, limit int64) (n int64) {
	cursor, count := []byte("0"), min(intercardChunk, 2*limit)
	for {
		b := t.Ask(t.Find("sscan"), nil, keys[0], cursor, []byte("COUNT"), num.AppendInt(nil, count))
		_, b = reply.Parse(b)
		next, b := reply.Parse(b)
		r := filterAll(t, b, keys[1:]).Parse()
		n += int64(r.Left)
		cursor = next.Bulk
		if n >= limit || string(cursor) == "0" {
			return n
		}
		count = intercardChunk
	}
}
