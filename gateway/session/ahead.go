package session

import (
	"github.com/troupedb/troupe/gateway/netloop"
	"github.com/troupedb/troupe/gateway/resp"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/slot"
)

// lookahead are commands on one key each that have arrived behind another such: they
// are read before that one runs, so that what all their lookups need is fetched together.
// It is of one turn, and never of more than what its input has as whole commands.
type lookahead struct {
	list  [shard.MaxAhead - 1]upcoming
	at, n int // list[at:n] are to be run
	words [][]byte
	keys  shard.Ahead
}

type upcoming struct {
	args [][]byte
	size int // in the input
}

// keptAhead is how many words' storage is kept from turn to turn.
const keptAhead = 1024

// end forgets the commands that are still to be run: whoever has their bytes reads them
// again.
func (a *lookahead) end() {
	if a.n == 0 {
		return
	}
	clear(a.list[:a.n])
	a.at, a.n = 0, 0
	a.forget()
}

// forget drops the words, which are somebody else's memory.
func (a *lookahead) forget() {
	if clear(a.words[:cap(a.words)]); cap(a.words) > keptAhead {
		a.words = nil
	}
}

// next is the parser's Next, which looks ahead.
func (s *Session) next(in []byte) (args [][]byte, n int, err *resp.ProtocolError) {
	a := &s.w.ahead
	if a.at < a.n {
		next := &a.list[a.at]
		a.at++
		return next.args, next.size, nil
	}
	args, n, err = s.parser.Next(in, &s.limits)
	if n < len(in) && len(args) > 0 && s.Server.Env.Cold.Load() && s.foresee(args) {
		s.lookAhead(in[n:])
	}
	return args, n, err
}

// lookAhead reads the commands on one key that in begins with, and has fetched what the
// lookups of their keys, and of the one that s.foresee was asked for, need.
func (s *Session) lookAhead(in []byte) {
	a := &s.w.ahead
	a.at, a.n, a.words = 0, 0, a.words[:0]
	for a.n < len(a.list) {
		words, size := resp.Whole(a.words, in, &s.limits)
		args := words[len(a.words):len(words):len(words)]
		if size == 0 || !s.foresee(args) {
			break
		}
		a.words = words
		a.list[a.n] = upcoming{args, size}
		a.n++
		in = in[size:]
	}
	s.releaseLease()
	a.keys.Fetch()
}

// foresee tells whether a command is on one key, so that it cannot change how those
// behind it are read, and notes that key if it is this node's.
func (s *Session) foresee(args [][]byte) bool {
	info := s.Server.Table.Lookup(args[0])
	if info == nil || info.Route != command.RouteSingle || len(args) <= info.KeyPos || s.Multi != nil {
		return false
	}
	key := args[info.KeyPos]
	in := slot.Of(key)
	if h := s.Server.Env.Shards[s.Server.Env.Slots.Shard(in)]; h.Owner() == 0 {
		s.w.ahead.keys.Add(h, s.DB, in, key)
	}
	return true
}

// Arrived implements netloop.Handler: the first commands of several clients are prepared
// for, as those of one client are that have come together.
func (srv *Server) Arrived(w any, list []netloop.Arrival) {
	if !srv.Env.Cold.Load() {
		return
	}
	a := &w.(*worker).ahead
	for i := range list {
		s, ok := list[i].Session.(*Session)
		if !ok {
			continue // a stream of another node, which prepares for its own
		}
		words, size := resp.Whole(a.words[:0], list[i].In, &s.limits)
		if a.words = words[:0]; size > 0 {
			s.foresee(words)
		}
	}
	a.forget()
	a.keys.Fetch()
}
