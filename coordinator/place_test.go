package coordinator

import (
	"runtime"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
)

// places is a node whose only shard goes through states of the catalog.
type places struct {
	*rig
	d directory.Directory
}

// newPlaces returns node 1, which knows of node 2 and of the shard as it is at p.
func newPlaces(t *testing.T, p directory.Place) *places {
	r := &places{rig: newRig(t, 1)}
	r.d = directory.Directory{
		Slots: r.node.Env.Slots, Epoch: 2, ClusterID: "c", Self: 1,
		Members: []directory.Member{{Number: 1, Incarnation: 1}, {Number: 2, Incarnation: 1}},
	}
	r.next(func(d *directory.Directory) { d.Places = []directory.Place{p} })
	return r
}

// next makes the node follow the next directory.
func (r *places) next(f func(d *directory.Directory)) {
	d := r.d
	d.Epoch++
	d.Members = append([]directory.Member(nil), d.Members...)
	d.Places = append([]directory.Place(nil), d.Places...)
	f(&d)
	r.d = d
	if !r.node.Place(&d) || r.node.Place(&d) {
		r.t.Error("a directory is new once")
	}
}

func (r *places) to(p directory.Place) { r.next(func(d *directory.Directory) { d.Places[0] = p }) }

// is checks whether the shard serves, and with how many keys.
func (r *places) is(open bool, epoch uint64, keys int) {
	r.t.Helper()
	r.on(0, func(e *engine.Engine) {
		if e.Closed() == open || open && (e.Epoch() != epoch || e.KS.Len(0) != keys) {
			r.t.Errorf("closed: %v, epoch %d, %d keys; want closed: %v, epoch %d, %d keys", e.Closed(), e.Epoch(), e.KS.Len(0), !open, epoch, keys)
		}
	})
	if owner := r.node.Env.Shards[0].Owner(); open != (owner == 0) {
		r.t.Errorf("commands go to %d, open: %v", owner, open)
	}
}

// put sets a key.
func (r *places) put() {
	if out := r.single("SET", "key", "value"); out != "+OK" {
		r.t.Errorf("SET: %q", out)
	}
}

var (
	ours   = directory.Place{Owner: 1, Epoch: 5}
	theirs = directory.Place{Owner: 2, Epoch: 5}
)

// What stays here keeps its data, also while it moves away and if that is given up.
func TestPlaceStays(t *testing.T) {
	r := newPlaces(t, ours)
	r.put()
	r.is(true, 5, 1)
	r.to(directory.Place{Owner: 1, Epoch: 5, To: 2, MoveID: 7})
	r.is(true, 5, 1)
	r.to(ours)
	r.is(true, 5, 1)
	r.to(directory.Place{Owner: 2, Epoch: 6})
	r.is(false, 0, 0)
}

// chunks are a shard with one key, as a source sends it.
func chunks(t *testing.T, move uint64) (list [][]byte) {
	r := &places{rig: newRig(t, 1)}
	r.put()
	r.on(0, func(e *engine.Engine) {
		e.BeginExport(move)
		e.Seal()
		for done := false; !done; {
			var chunk []byte
			var err error
			if chunk, done, err = e.ExportChunk(move, 1<<16); err != nil {
				t.Error(err)
				return
			}
			list = append(list, chunk)
		}
	})
	return list
}

func (r *places) take(move uint64, chunks [][]byte) {
	r.on(0, func(e *engine.Engine) {
		e.BeginImport(move, shard.Makers())
		for _, c := range chunks {
			if err := e.ImportChunk(c); err != nil {
				r.t.Error(err)
			}
		}
	})
}

// What has moved here opens with what has come; not at all if some of it is missing;
// and empty if it was lost meanwhile, which the catalog knows.
func TestPlaceArrives(t *testing.T) {
	moving := directory.Place{Owner: 2, Epoch: 5, To: 1, MoveID: 7}
	all := chunks(t, 7)
	for _, c := range []struct {
		name   string
		chunks [][]byte
		then   func(d *directory.Directory)
		open   bool
		keys   int
	}{
		{"all", all, func(d *directory.Directory) {}, true, 1},
		{"and the source has left", all, func(d *directory.Directory) { d.Members = d.Members[:1] }, true, 1},
		{"partial", all[:len(all)-1], func(d *directory.Directory) {}, false, 0},
		{"nothing", nil, func(d *directory.Directory) {}, false, 0},
		{"lost, and perhaps written to after the move", all, func(d *directory.Directory) { d.Places[0].LostAt = 9 }, true, 0},
		{"an empty one is lost", nil, func(d *directory.Directory) { d.Members = d.Members[:1] }, true, 0},
		{"one of another process", nil, func(d *directory.Directory) { d.Members[1].Incarnation = 2 }, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newPlaces(t, theirs)
			r.is(false, 0, 0)
			r.to(moving)
			r.take(7, c.chunks)
			r.is(false, 0, 0)
			r.next(func(d *directory.Directory) {
				d.Places[0] = directory.Place{Owner: 1, Epoch: 6}
				c.then(d)
			})
			r.is(c.open, 6, c.keys)
			if n := r.node.Env.Shards[0].Engine.Keys.Load(); n != int64(c.keys) {
				t.Errorf("it is said to have %d keys", n)
			}
			// And if it has been elsewhere, and was lost there.
			r.to(directory.Place{Owner: 2, Epoch: 7})
			r.is(false, 0, 0)
			r.to(directory.Place{Owner: 1, Epoch: 8, LostAt: 10})
			r.is(true, 8, 0)
		})
	}
}

// A shard that has been elsewhere without this node's knowing does not come back with
// what it had here.
func TestPlaceKeepsNothingOld(t *testing.T) {
	r := newPlaces(t, ours)
	r.put()
	r.to(directory.Place{Owner: 1, Epoch: 8, LostAt: 10, LostKeys: 3})
	r.is(true, 8, 0)
	r.put()
	r.is(true, 8, 1)
}

// quick makes the node follow several directories before its shard runs once.
func (r *places) quick(list ...directory.Place) {
	r.t.Helper()
	h := r.node.Env.Shards[0]
	for !h.Lease.TryAcquire() {
		runtime.Gosched()
	}
	defer h.Lease.Release()
	for _, p := range list {
		r.to(p)
	}
}

// A shard that is late to follow does in the end what the newest directory asks for,
// and never serves under an epoch that is over.
func TestPlaceInQuickTurns(t *testing.T) {
	here := func(epoch uint64) directory.Place {
		return directory.Place{Owner: 1, Epoch: epoch, LostAt: int64(epoch)}
	}
	there := func(epoch uint64) directory.Place {
		return directory.Place{Owner: 2, Epoch: epoch, LostAt: int64(epoch)}
	}
	for _, first := range []directory.Place{ours, theirs} {
		r := newPlaces(t, first)
		if first == ours {
			r.put()
		}
		r.quick(here(6), there(7))
		r.is(false, 0, 0)
		r.quick(here(8), there(9), here(10))
		r.is(true, 10, 0)
		r.put()
		r.quick(there(11), here(12), there(13))
		r.is(false, 0, 0)
		r.quick(there(14), here(15))
		r.is(true, 15, 0)
		r.quick(here(16), here(17))
		r.is(true, 17, 0)
	}
	// What a move has brought is of no use once the shard is elsewhere again.
	r := newPlaces(t, theirs)
	r.to(directory.Place{Owner: 2, Epoch: 5, To: 1, MoveID: 7})
	r.take(7, chunks(t, 7))
	r.quick(directory.Place{Owner: 1, Epoch: 6}, there(7))
	r.is(false, 0, 0)
	r.on(0, func(e *engine.Engine) {
		if e.Importing(7) || e.Epoch() == 6 {
			t.Errorf("importing: %v, epoch %d", e.Importing(7), e.Epoch())
		}
	})
}
