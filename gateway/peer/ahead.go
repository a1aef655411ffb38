package peer

import (
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/wire"
)

// lookahead are requests that have arrived together: they are read before the first of
// them runs, so that what all their lookups need is fetched together. It is of one turn.
// Orders are not looked into: what their lookups wait for is the smaller part of their time.
type lookahead struct {
	list  [shard.MaxAhead]upcoming
	at, n int // list[at:n] are to be run
	used  int // how many of list are not at rest
	keys  shard.Ahead
	now   *upcoming // the frame that next has returned last, if it was read ahead
}

// upcoming is a frame with a request.
type upcoming struct {
	frame   frame
	size    int // in the input
	turn    uint64
	request wire.Request
}

// end forgets the requests that are still to be run: whoever has their bytes reads them
// again.
func (a *lookahead) end() {
	for i := range a.list[:a.used] {
		forget(&a.list[i].request)
		a.list[i].frame = frame{}
	}
	a.at, a.n, a.used, a.now = 0, 0, 0, nil
}

// next takes a frame from the front of in, as the function next does, and looks ahead.
func (s *serving) next(in []byte, most int) (f frame, n int, err error) {
	a := &s.ahead
	if a.now = nil; a.at == a.n {
		f, n, err = next(in, most)
		if err != nil || n == 0 || n == len(in) || f.kind != kindRequest || s.from == 0 || !s.net.env.Cold.Load() {
			return f, n, err
		}
		if s.lookAhead(in); a.n == 0 {
			return f, n, err // it is malformed
		}
	}
	a.now = &a.list[a.at]
	a.at++
	return a.now.frame, a.now.size, nil
}

// lookAhead reads the requests that in begins with, and has fetched what the lookups of
// their keys need.
func (s *serving) lookAhead(in []byte) {
	a := &s.ahead
	a.at, a.n = 0, 0
	for a.n < len(a.list) {
		u := &a.list[a.n]
		f, n, err := next(in, MaxFrame)
		if err != nil || n == 0 || f.kind != kindRequest {
			break
		}
		a.used = max(a.used, a.n+1)
		u.frame, u.size = f, n
		if u.turn, err = s.parse(&f, &u.request); err != nil {
			break
		}
		r := &u.request
		a.keys.Add(s.net.env.Shards[s.net.env.Slots.Shard(r.Slot)], r.DB, r.Slot, r.Args[r.Cmd.KeyPos])
		a.n++
		in = in[n:]
	}
	s.release()
	a.keys.Fetch()
}

// read returns what is in the frame that next has returned last, a request.
func (s *serving) read(f *frame) (turn uint64, r *wire.Request, err error) {
	if u := s.ahead.now; u != nil {
		return u.turn, &u.request, nil
	}
	turn, err = s.parse(f, &s.request)
	return turn, &s.request, err
}

func (s *serving) parse(f *frame, r *wire.Request) (turn uint64, err error) {
	turn, content, ok := takeUint(f.content, true)
	if !ok {
		return 0, errFrame
	}
	return turn, wire.ParseRequest(content, s.net.env.Table, r)
}
